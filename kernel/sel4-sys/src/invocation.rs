//! Invocation labels: what is asked of the object that a capability names.

/// `Invalid`.
pub const INVALID: u64 = 0;
/// `UntypedRetype`.
pub const UNTYPED_RETYPE: u64 = 1;
/// `TCBReadRegisters`.
pub const TCB_READ_REGISTERS: u64 = 2;
/// `TCBWriteRegisters`.
pub const TCB_WRITE_REGISTERS: u64 = 3;
/// `TCBCopyRegisters`.
pub const TCB_COPY_REGISTERS: u64 = 4;
/// `TCBConfigure`.
pub const TCB_CONFIGURE: u64 = 5;
/// `TCBSetPriority`.
pub const TCB_SET_PRIORITY: u64 = 6;
/// `TCBSetMCPriority`.
pub const TCB_SET_MC_PRIORITY: u64 = 7;
/// `TCBSetSchedParams`.
pub const TCB_SET_SCHED_PARAMS: u64 = 8;
/// `TCBSetTimeoutEndpoint`.
pub const TCB_SET_TIMEOUT_ENDPOINT: u64 = 9;
/// `TCBSetIPCBuffer`.
pub const TCB_SET_IPC_BUFFER: u64 = 10;
/// `TCBSetSpace`.
pub const TCB_SET_SPACE: u64 = 11;
/// `TCBSuspend`.
pub const TCB_SUSPEND: u64 = 12;
/// `TCBResume`.
pub const TCB_RESUME: u64 = 13;
/// `TCBBindNotification`.
pub const TCB_BIND_NOTIFICATION: u64 = 14;
/// `TCBUnbindNotification`.
pub const TCB_UNBIND_NOTIFICATION: u64 = 15;
/// `TCBSetTLSBase`.
pub const TCB_SET_TLS_BASE: u64 = 16;
/// `TCBSetFlags`.
pub const TCB_SET_FLAGS: u64 = 17;
/// `CNodeRevoke`.
pub const CNODE_REVOKE: u64 = 18;
/// `CNodeDelete`.
pub const CNODE_DELETE: u64 = 19;
/// `CNodeCancelBadgedSends`.
pub const CNODE_CANCEL_BADGED_SENDS: u64 = 20;
/// `CNodeCopy`.
pub const CNODE_COPY: u64 = 21;
/// `CNodeMint`.
pub const CNODE_MINT: u64 = 22;
/// `CNodeMove`.
pub const CNODE_MOVE: u64 = 23;
/// `CNodeMutate`.
pub const CNODE_MUTATE: u64 = 24;
/// `CNodeRotate`.
pub const CNODE_ROTATE: u64 = 25;
/// `IRQIssueIRQHandler`.
pub const IRQ_ISSUE_HANDLER: u64 = 26;
/// `IRQAckIRQ`.
pub const IRQ_ACK: u64 = 27;
/// `IRQSetIRQHandler`.
pub const IRQ_SET_HANDLER: u64 = 28;
/// `IRQClearIRQHandler`.
pub const IRQ_CLEAR_HANDLER: u64 = 29;
/// `DomainSetSet`.
pub const DOMAIN_SET_SET: u64 = 30;
/// `DomainScheduleConfigure`.
pub const DOMAIN_SCHEDULE_CONFIGURE: u64 = 31;
/// `DomainScheduleSetStart`.
pub const DOMAIN_SCHEDULE_SET_START: u64 = 32;
/// `SchedControlConfigureFlags`.
pub const SCHED_CONTROL_CONFIGURE_FLAGS: u64 = 33;
/// `SchedContextBind`.
pub const SCHED_CONTEXT_BIND: u64 = 34;
/// `SchedContextUnbind`.
pub const SCHED_CONTEXT_UNBIND: u64 = 35;
/// `SchedContextUnbindObject`.
pub const SCHED_CONTEXT_UNBIND_OBJECT: u64 = 36;
/// `SchedContextConsumed`.
pub const SCHED_CONTEXT_CONSUMED: u64 = 37;
/// `SchedContextYieldTo`.
pub const SCHED_CONTEXT_YIELD_TO: u64 = 38;
/// `X86PDPTMap`.
pub const X86_PDPT_MAP: u64 = 39;
/// `X86PDPTUnmap`.
pub const X86_PDPT_UNMAP: u64 = 40;
/// `X86PageDirectoryMap`.
pub const X86_PAGE_DIRECTORY_MAP: u64 = 41;
/// `X86PageDirectoryUnmap`.
pub const X86_PAGE_DIRECTORY_UNMAP: u64 = 42;
/// `X86PageTableMap`.
pub const X86_PAGE_TABLE_MAP: u64 = 43;
/// `X86PageTableUnmap`.
pub const X86_PAGE_TABLE_UNMAP: u64 = 44;
/// `X86PageMap`.
pub const X86_PAGE_MAP: u64 = 45;
/// `X86PageUnmap`.
pub const X86_PAGE_UNMAP: u64 = 46;
/// `X86PageGetAddress`.
pub const X86_PAGE_GET_ADDRESS: u64 = 47;
/// `X86ASIDControlMakePool`.
pub const X86_ASID_CONTROL_MAKE_POOL: u64 = 48;
/// `X86ASIDPoolAssign`.
pub const X86_ASID_POOL_ASSIGN: u64 = 49;
/// `X86IOPortControlIssue`.
pub const X86_IO_PORT_CONTROL_ISSUE: u64 = 50;
/// `X86IOPortIn8`.
pub const X86_IO_PORT_IN8: u64 = 51;
/// `X86IOPortIn16`.
pub const X86_IO_PORT_IN16: u64 = 52;
/// `X86IOPortIn32`.
pub const X86_IO_PORT_IN32: u64 = 53;
/// `X86IOPortOut8`.
pub const X86_IO_PORT_OUT8: u64 = 54;
/// `X86IOPortOut16`.
pub const X86_IO_PORT_OUT16: u64 = 55;
/// `X86IOPortOut32`.
pub const X86_IO_PORT_OUT32: u64 = 56;
/// `X86IRQIssueIRQHandlerIOAPIC`.
pub const X86_IRQ_ISSUE_HANDLER_IO_APIC: u64 = 57;
/// `X86IRQIssueIRQHandlerMSI`.
pub const X86_IRQ_ISSUE_HANDLER_MSI: u64 = 58;
