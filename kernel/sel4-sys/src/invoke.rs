//! Typed invocations: one function an operation, arguments in seL4's order.
//!
//! Every function answers the kernel's error. `depth` counts the bits of an index; for a
//! destination inside a CNode the pair (index, depth) is resolved from `root`.

use crate::{
    Error, Ipc,
    extension::label as extension,
    invocation as label,
    message::CapRights,
    object::ObjectType,
    user_context::{USER_CONTEXT_WORDS, UserContext},
};

type Done = Result<(), Error>;

/// A slot named from outside: resolved in the CSpace of the CNode capability `root`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotPath {
    /// CNode capability.
    pub root: u64,
    /// Index in it.
    pub index: u64,
    /// Bits of the index.
    pub depth: u64,
}

impl SlotPath {
    fn perform(self, ipc: &Ipc, label: u64) -> Done {
        done(ipc, self.root, label, &[self.index, self.depth], &[])
    }
}

/// Makes an invocation whose answer holds nothing but the error.
fn done(ipc: &Ipc, object: u64, label: u64, words: &[u64], caps: &[u64]) -> Done {
    ipc.invoke(object, label, words, caps).map(drop)
}

/// What a Retype makes and where its capabilities go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retype {
    /// Type of the objects.
    pub object: ObjectType,
    /// Size in bits, for the types that take one.
    pub size_bits: u64,
    /// CNode to put the capabilities in; depth 0 means that `root` itself is the CNode.
    pub destination: SlotPath,
    /// First slot in it.
    pub offset: u64,
    /// Number of objects, 1 to 256.
    pub count: u64,
}

/// `Untyped_Retype`.
pub fn untyped_retype(ipc: &Ipc, untyped: u64, retype: &Retype) -> Done {
    let to = retype.destination;
    let words = [
        retype.object as u64,
        retype.size_bits,
        to.index,
        to.depth,
        retype.offset,
        retype.count,
    ];
    done(ipc, untyped, label::UNTYPED_RETYPE, &words, &[to.root])
}

/// `CNode_Revoke`: deletes what was derived from the capability in the slot.
pub fn cnode_revoke(ipc: &Ipc, slot: SlotPath) -> Done {
    slot.perform(ipc, label::CNODE_REVOKE)
}

/// `CNode_Delete`.
pub fn cnode_delete(ipc: &Ipc, slot: SlotPath) -> Done {
    slot.perform(ipc, label::CNODE_DELETE)
}

/// `CNode_CancelBadgedSends`.
pub fn cnode_cancel_badged_sends(ipc: &Ipc, slot: SlotPath) -> Done {
    slot.perform(ipc, label::CNODE_CANCEL_BADGED_SENDS)
}

/// `CNode_Copy`.
pub fn cnode_copy(ipc: &Ipc, to: SlotPath, from: SlotPath, rights: CapRights) -> Done {
    let words = [to.index, to.depth, from.index, from.depth, rights.0];
    done(ipc, to.root, label::CNODE_COPY, &words, &[from.root])
}

/// `CNode_Mint`: a copy with a badge (endpoints, notifications) or a guard (CNodes).
pub fn cnode_mint(ipc: &Ipc, to: SlotPath, from: SlotPath, rights: CapRights, badge: u64) -> Done {
    let words = [to.index, to.depth, from.index, from.depth, rights.0, badge];
    done(ipc, to.root, label::CNODE_MINT, &words, &[from.root])
}

/// `CNode_Move`.
pub fn cnode_move(ipc: &Ipc, to: SlotPath, from: SlotPath) -> Done {
    let words = [to.index, to.depth, from.index, from.depth];
    done(ipc, to.root, label::CNODE_MOVE, &words, &[from.root])
}

/// `CNode_Mutate`.
pub fn cnode_mutate(ipc: &Ipc, to: SlotPath, from: SlotPath, badge: u64) -> Done {
    let words = [to.index, to.depth, from.index, from.depth, badge];
    done(ipc, to.root, label::CNODE_MUTATE, &words, &[from.root])
}

/// `TCB_Configure` (MCS: no fault endpoint here).
pub fn tcb_configure(
    ipc: &Ipc,
    tcb: u64,
    cspace: (u64, u64),
    vspace: u64,
    buffer: (u64, u64),
) -> Done {
    let words = [cspace.1, 0, buffer.0];
    let operation = label::TCB_CONFIGURE;
    done(ipc, tcb, operation, &words, &[cspace.0, vspace, buffer.1])
}

/// `TCB_SetSchedParams`: maximum controlled priority, priority, scheduling context, fault endpoint.
pub fn tcb_set_sched_params(
    ipc: &Ipc,
    tcb: u64,
    authority: u64,
    priorities: (u64, u64),
    sched_context: u64,
    fault_endpoint: u64,
) -> Done {
    let words = [priorities.0, priorities.1];
    let caps = [authority, sched_context, fault_endpoint];
    done(ipc, tcb, label::TCB_SET_SCHED_PARAMS, &words, &caps)
}

/// `TCB_SetPriority`.
pub fn tcb_set_priority(ipc: &Ipc, tcb: u64, authority: u64, priority: u64) -> Done {
    done(ipc, tcb, label::TCB_SET_PRIORITY, &[priority], &[authority])
}

/// `TCB_SetTimeoutEndpoint`.
pub fn tcb_set_timeout_endpoint(ipc: &Ipc, tcb: u64, endpoint: u64) -> Done {
    done(ipc, tcb, label::TCB_SET_TIMEOUT_ENDPOINT, &[], &[endpoint])
}

/// `TCB_WriteRegisters` of all registers; `resume` starts the thread.
pub fn tcb_write_registers(ipc: &Ipc, tcb: u64, resume: Resume, context: &UserContext) -> Done {
    let mut words = [0; 2 + USER_CONTEXT_WORDS];
    words[0] = u64::from(resume == Resume::Yes);
    words[1] = USER_CONTEXT_WORDS as u64;
    words[2..].copy_from_slice(&context.to_words());
    done(ipc, tcb, label::TCB_WRITE_REGISTERS, &words, &[])
}

/// Whether a thread is started by an operation on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resume {
    /// It stays as it is.
    No,
    /// It is started.
    Yes,
}

/// `TCB_ReadRegisters` of all registers, without suspending the thread.
pub fn tcb_read_registers(ipc: &Ipc, tcb: u64) -> Result<UserContext, Error> {
    ipc.invoke(
        tcb,
        label::TCB_READ_REGISTERS,
        &[0, USER_CONTEXT_WORDS as u64],
        &[],
    )?;
    let mut words = [0; USER_CONTEXT_WORDS];
    for (index, word) in words.iter_mut().enumerate() {
        *word = ipc.word(index);
    }
    Ok(UserContext::from_words(&words))
}

/// `TCB_Suspend`.
pub fn tcb_suspend(ipc: &Ipc, tcb: u64) -> Done {
    done(ipc, tcb, label::TCB_SUSPEND, &[], &[])
}

/// `TCB_Resume`.
pub fn tcb_resume(ipc: &Ipc, tcb: u64) -> Done {
    done(ipc, tcb, label::TCB_RESUME, &[], &[])
}

/// `TCB_BindNotification`.
pub fn tcb_bind_notification(ipc: &Ipc, tcb: u64, notification: u64) -> Done {
    done(ipc, tcb, label::TCB_BIND_NOTIFICATION, &[], &[notification])
}

/// Parameters of a scheduling context.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SchedParams {
    /// Budget in microseconds.
    pub budget_us: u64,
    /// Period in microseconds.
    pub period_us: u64,
    /// Refills beyond the two that always fit.
    pub extra_refills: u64,
    /// Identifies the context in timeout faults.
    pub badge: u64,
}

/// `SchedControl_ConfigureFlags` without flags.
pub fn sched_control_configure(
    ipc: &Ipc,
    control: u64,
    context: u64,
    parameters: SchedParams,
) -> Done {
    let p = parameters;
    let words = [p.budget_us, p.period_us, p.extra_refills, p.badge, 0];
    let operation = label::SCHED_CONTROL_CONFIGURE_FLAGS;
    done(ipc, control, operation, &words, &[context])
}

/// `SchedContext_Bind` to a thread or notification.
pub fn sched_context_bind(ipc: &Ipc, context: u64, object: u64) -> Done {
    done(ipc, context, label::SCHED_CONTEXT_BIND, &[], &[object])
}

/// `X86_PDPT_Map`, `X86_PageDirectory_Map` or `X86_PageTable_Map`, by `label`.
fn map_structure(ipc: &Ipc, label: u64, structure: u64, vspace: u64, address: u64) -> Done {
    done(ipc, structure, label, &[address, 0], &[vspace])
}

/// `X86_PDPT_Map`.
pub fn pdpt_map(ipc: &Ipc, pdpt: u64, vspace: u64, address: u64) -> Done {
    map_structure(ipc, label::X86_PDPT_MAP, pdpt, vspace, address)
}

/// `X86_PageDirectory_Map`.
pub fn page_directory_map(ipc: &Ipc, directory: u64, vspace: u64, address: u64) -> Done {
    map_structure(
        ipc,
        label::X86_PAGE_DIRECTORY_MAP,
        directory,
        vspace,
        address,
    )
}

/// `X86_PageTable_Map`.
pub fn page_table_map(ipc: &Ipc, table: u64, vspace: u64, address: u64) -> Done {
    map_structure(ipc, label::X86_PAGE_TABLE_MAP, table, vspace, address)
}

/// Caching of a mapping: bits of the attributes word (`seL4_X86_VMAttributes`).
pub mod attributes {
    /// Write-back.
    pub const WRITE_BACK: u64 = 0;
    /// Write-through.
    pub const WRITE_THROUGH: u64 = 1;
    /// Uncached.
    pub const UNCACHED: u64 = 2;
    /// Write-combining.
    pub const WRITE_COMBINING: u64 = 4;
}

/// `X86_Page_Map`.
pub fn page_map(
    ipc: &Ipc,
    page: u64,
    vspace: u64,
    address: u64,
    rights: CapRights,
    attributes: u64,
) -> Done {
    let words = [address, rights.0, attributes];
    done(ipc, page, label::X86_PAGE_MAP, &words, &[vspace])
}

/// `X86_Page_Unmap`.
pub fn page_unmap(ipc: &Ipc, page: u64) -> Done {
    done(ipc, page, label::X86_PAGE_UNMAP, &[], &[])
}

/// `X86_Page_GetAddress`: the physical address.
pub fn page_get_address(ipc: &Ipc, page: u64) -> Result<u64, Error> {
    ipc.invoke(page, label::X86_PAGE_GET_ADDRESS, &[], &[])
        .map(|reply| reply.message[0])
}

/// `X86_ASIDControl_MakePool`.
pub fn asid_control_make_pool(ipc: &Ipc, control: u64, untyped: u64, to: SlotPath) -> Done {
    let words = [to.index, to.depth];
    let operation = label::X86_ASID_CONTROL_MAKE_POOL;
    done(ipc, control, operation, &words, &[untyped, to.root])
}

/// `X86_ASIDPool_Assign`.
pub fn asid_pool_assign(ipc: &Ipc, pool: u64, vspace: u64) -> Done {
    done(ipc, pool, label::X86_ASID_POOL_ASSIGN, &[], &[vspace])
}

/// `X86_IOPortControl_Issue` of the ports `first` to `last`.
pub fn io_port_control_issue(ipc: &Ipc, control: u64, first: u16, last: u16, to: SlotPath) -> Done {
    let words = [u64::from(first), u64::from(last), to.index, to.depth];
    let operation = label::X86_IO_PORT_CONTROL_ISSUE;
    done(ipc, control, operation, &words, &[to.root])
}

/// `X86_IOPort_In8`.
pub fn io_port_in8(ipc: &Ipc, ports: u64, port: u16) -> Result<u8, Error> {
    let reply = ipc.invoke(ports, label::X86_IO_PORT_IN8, &[u64::from(port)], &[])?;
    Ok(reply.message[0].to_le_bytes()[0])
}

/// `X86_IOPort_In16`.
pub fn io_port_in16(ipc: &Ipc, ports: u64, port: u16) -> Result<u16, Error> {
    let reply = ipc.invoke(ports, label::X86_IO_PORT_IN16, &[u64::from(port)], &[])?;
    let [low, high, ..] = reply.message[0].to_le_bytes();
    Ok(u16::from_le_bytes([low, high]))
}

/// `X86_IOPort_In32`.
pub fn io_port_in32(ipc: &Ipc, ports: u64, port: u16) -> Result<u32, Error> {
    let reply = ipc.invoke(ports, label::X86_IO_PORT_IN32, &[u64::from(port)], &[])?;
    let [a, b, c, d, ..] = reply.message[0].to_le_bytes();
    Ok(u32::from_le_bytes([a, b, c, d]))
}

/// `X86_IOPort_Out8`.
pub fn io_port_out8(ipc: &Ipc, ports: u64, port: u16, value: u8) -> Done {
    let words = [u64::from(port), u64::from(value)];
    done(ipc, ports, label::X86_IO_PORT_OUT8, &words, &[])
}

/// `X86_IOPort_Out16`.
pub fn io_port_out16(ipc: &Ipc, ports: u64, port: u16, value: u16) -> Done {
    let words = [u64::from(port), u64::from(value)];
    done(ipc, ports, label::X86_IO_PORT_OUT16, &words, &[])
}

/// `X86_IOPort_Out32`.
pub fn io_port_out32(ipc: &Ipc, ports: u64, port: u16, value: u32) -> Done {
    let words = [u64::from(port), u64::from(value)];
    done(ipc, ports, label::X86_IO_PORT_OUT32, &words, &[])
}

/// An input of an I/O APIC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IoApicInput {
    /// Which I/O APIC, from 0.
    pub io_apic: u64,
    /// Which of its inputs, from 0.
    pub pin: u64,
    /// 1 for level-triggered, 0 for edge.
    pub level: u64,
    /// 1 for active low, 0 for active high.
    pub polarity: u64,
    /// User vector, 0 to 107.
    pub vector: u64,
}

/// `IRQControl_GetIOAPIC`.
pub fn irq_control_get_io_apic(ipc: &Ipc, control: u64, input: IoApicInput, to: SlotPath) -> Done {
    let i = input;
    let words = [
        to.index, to.depth, i.io_apic, i.pin, i.level, i.polarity, i.vector,
    ];
    let operation = label::X86_IRQ_ISSUE_HANDLER_IO_APIC;
    done(ipc, control, operation, &words, &[to.root])
}

/// A message-signalled interrupt: the PCI function, a handle of the caller's, the user vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MsiSource {
    /// PCI bus.
    pub bus: u64,
    /// PCI device.
    pub device: u64,
    /// PCI function.
    pub function: u64,
    /// Free for the caller.
    pub handle: u64,
    /// User vector, 0 to 107; the device writes vector + 0x30.
    pub vector: u64,
}

/// `IRQControl_GetMSI`.
pub fn irq_control_get_msi(ipc: &Ipc, control: u64, source: MsiSource, to: SlotPath) -> Done {
    let s = source;
    let words = [
        to.index, to.depth, s.bus, s.device, s.function, s.handle, s.vector,
    ];
    let operation = label::X86_IRQ_ISSUE_HANDLER_MSI;
    done(ipc, control, operation, &words, &[to.root])
}

/// `IRQHandler_Ack`.
pub fn irq_handler_ack(ipc: &Ipc, handler: u64) -> Done {
    done(ipc, handler, label::IRQ_ACK, &[], &[])
}

/// `IRQHandler_SetNotification`.
pub fn irq_handler_set_notification(ipc: &Ipc, handler: u64, notification: u64) -> Done {
    done(ipc, handler, label::IRQ_SET_HANDLER, &[], &[notification])
}

/// `VCpuSetSpace`.
pub fn vcpu_set_space(ipc: &Ipc, vcpu: u64, nested_root: u64) -> Done {
    done(ipc, vcpu, extension::VCPU_SET_SPACE, &[], &[nested_root])
}

/// `NestedTableMap`: the table serves the highest missing level at `address`.
pub fn nested_table_map(ipc: &Ipc, table: u64, nested_root: u64, address: u64) -> Done {
    let operation = extension::NESTED_TABLE_MAP;
    done(ipc, table, operation, &[address], &[nested_root])
}

/// `NestedPageMap`.
pub fn nested_page_map(
    ipc: &Ipc,
    page: u64,
    nested_root: u64,
    address: u64,
    rights: CapRights,
    attributes: u64,
) -> Done {
    let words = [address, rights.0, attributes];
    let operation = extension::NESTED_PAGE_MAP;
    done(ipc, page, operation, &words, &[nested_root])
}

/// `VCpuReadRegisters` of the one register `id` (see [`crate::extension::register`]).
pub fn vcpu_read_register(ipc: &Ipc, vcpu: u64, id: u64) -> Result<u64, Error> {
    ipc.invoke(vcpu, extension::VCPU_READ_REGISTERS, &[id], &[])
        .map(|reply| reply.message[0])
}

/// `VCpuWriteRegisters` of alternating identifications and values, at most 50 pairs.
pub fn vcpu_write_registers(ipc: &Ipc, vcpu: u64, pairs: &[u64]) -> Done {
    done(ipc, vcpu, extension::VCPU_WRITE_REGISTERS, pairs, &[])
}
