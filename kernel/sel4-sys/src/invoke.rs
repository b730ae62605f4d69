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
    ipc.invoke(untyped, label::UNTYPED_RETYPE, &words, &[to.root])
        .map(drop)
}

/// `CNode_Revoke`: deletes what was derived from the capability in the slot.
pub fn cnode_revoke(ipc: &Ipc, slot: SlotPath) -> Done {
    ipc.invoke(
        slot.root,
        label::CNODE_REVOKE,
        &[slot.index, slot.depth],
        &[],
    )
    .map(drop)
}

/// `CNode_Delete`.
pub fn cnode_delete(ipc: &Ipc, slot: SlotPath) -> Done {
    ipc.invoke(
        slot.root,
        label::CNODE_DELETE,
        &[slot.index, slot.depth],
        &[],
    )
    .map(drop)
}

/// `CNode_CancelBadgedSends`.
pub fn cnode_cancel_badged_sends(ipc: &Ipc, slot: SlotPath) -> Done {
    ipc.invoke(
        slot.root,
        label::CNODE_CANCEL_BADGED_SENDS,
        &[slot.index, slot.depth],
        &[],
    )
    .map(drop)
}

/// `CNode_Copy`.
pub fn cnode_copy(ipc: &Ipc, to: SlotPath, from: SlotPath, rights: CapRights) -> Done {
    let words = [to.index, to.depth, from.index, from.depth, rights.0];
    ipc.invoke(to.root, label::CNODE_COPY, &words, &[from.root])
        .map(drop)
}

/// `CNode_Mint`: a copy with a badge (endpoints, notifications) or a guard (CNodes).
pub fn cnode_mint(ipc: &Ipc, to: SlotPath, from: SlotPath, rights: CapRights, badge: u64) -> Done {
    let words = [to.index, to.depth, from.index, from.depth, rights.0, badge];
    ipc.invoke(to.root, label::CNODE_MINT, &words, &[from.root])
        .map(drop)
}

/// `CNode_Move`.
pub fn cnode_move(ipc: &Ipc, to: SlotPath, from: SlotPath) -> Done {
    let words = [to.index, to.depth, from.index, from.depth];
    ipc.invoke(to.root, label::CNODE_MOVE, &words, &[from.root])
        .map(drop)
}

/// `CNode_Mutate`.
pub fn cnode_mutate(ipc: &Ipc, to: SlotPath, from: SlotPath, badge: u64) -> Done {
    let words = [to.index, to.depth, from.index, from.depth, badge];
    ipc.invoke(to.root, label::CNODE_MUTATE, &words, &[from.root])
        .map(drop)
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
    ipc.invoke(
        tcb,
        label::TCB_CONFIGURE,
        &words,
        &[cspace.0, vspace, buffer.1],
    )
    .map(drop)
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
    ipc.invoke(tcb, label::TCB_SET_SCHED_PARAMS, &words, &caps)
        .map(drop)
}

/// `TCB_SetPriority`.
pub fn tcb_set_priority(ipc: &Ipc, tcb: u64, authority: u64, priority: u64) -> Done {
    ipc.invoke(tcb, label::TCB_SET_PRIORITY, &[priority], &[authority])
        .map(drop)
}

/// `TCB_SetTimeoutEndpoint`.
pub fn tcb_set_timeout_endpoint(ipc: &Ipc, tcb: u64, endpoint: u64) -> Done {
    ipc.invoke(tcb, label::TCB_SET_TIMEOUT_ENDPOINT, &[], &[endpoint])
        .map(drop)
}

/// `TCB_WriteRegisters` of all registers; `resume` starts the thread.
pub fn tcb_write_registers(ipc: &Ipc, tcb: u64, resume: Resume, context: &UserContext) -> Done {
    let mut words = [0; 2 + USER_CONTEXT_WORDS];
    words[0] = u64::from(resume == Resume::Yes);
    words[1] = USER_CONTEXT_WORDS as u64;
    words[2..].copy_from_slice(&context.to_words());
    ipc.invoke(tcb, label::TCB_WRITE_REGISTERS, &words, &[])
        .map(drop)
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
    ipc.invoke(tcb, label::TCB_SUSPEND, &[], &[]).map(drop)
}

/// `TCB_Resume`.
pub fn tcb_resume(ipc: &Ipc, tcb: u64) -> Done {
    ipc.invoke(tcb, label::TCB_RESUME, &[], &[]).map(drop)
}

/// `TCB_BindNotification`.
pub fn tcb_bind_notification(ipc: &Ipc, tcb: u64, notification: u64) -> Done {
    ipc.invoke(tcb, label::TCB_BIND_NOTIFICATION, &[], &[notification])
        .map(drop)
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
    ipc.invoke(
        control,
        label::SCHED_CONTROL_CONFIGURE_FLAGS,
        &words,
        &[context],
    )
    .map(drop)
}

/// `SchedContext_Bind` to a thread or notification.
pub fn sched_context_bind(ipc: &Ipc, context: u64, object: u64) -> Done {
    ipc.invoke(context, label::SCHED_CONTEXT_BIND, &[], &[object])
        .map(drop)
}

/// `X86_PDPT_Map`, `X86_PageDirectory_Map` or `X86_PageTable_Map`, by `label`.
fn map_structure(ipc: &Ipc, label: u64, structure: u64, vspace: u64, address: u64) -> Done {
    ipc.invoke(structure, label, &[address, 0], &[vspace])
        .map(drop)
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
    ipc.invoke(
        page,
        label::X86_PAGE_MAP,
        &[address, rights.0, attributes],
        &[vspace],
    )
    .map(drop)
}

/// `X86_Page_Unmap`.
pub fn page_unmap(ipc: &Ipc, page: u64) -> Done {
    ipc.invoke(page, label::X86_PAGE_UNMAP, &[], &[]).map(drop)
}

/// `X86_Page_GetAddress`: the physical address.
pub fn page_get_address(ipc: &Ipc, page: u64) -> Result<u64, Error> {
    ipc.invoke(page, label::X86_PAGE_GET_ADDRESS, &[], &[])
        .map(|reply| reply.message[0])
}

/// `X86_ASIDControl_MakePool`.
pub fn asid_control_make_pool(ipc: &Ipc, control: u64, untyped: u64, to: SlotPath) -> Done {
    let words = [to.index, to.depth];
    ipc.invoke(
        control,
        label::X86_ASID_CONTROL_MAKE_POOL,
        &words,
        &[untyped, to.root],
    )
    .map(drop)
}

/// `X86_ASIDPool_Assign`.
pub fn asid_pool_assign(ipc: &Ipc, pool: u64, vspace: u64) -> Done {
    ipc.invoke(pool, label::X86_ASID_POOL_ASSIGN, &[], &[vspace])
        .map(drop)
}

/// `X86_IOPortControl_Issue` of the ports `first` to `last`.
pub fn io_port_control_issue(ipc: &Ipc, control: u64, first: u16, last: u16, to: SlotPath) -> Done {
    let words = [u64::from(first), u64::from(last), to.index, to.depth];
    ipc.invoke(
        control,
        label::X86_IO_PORT_CONTROL_ISSUE,
        &words,
        &[to.root],
    )
    .map(drop)
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
    ipc.invoke(ports, label::X86_IO_PORT_OUT8, &words, &[])
        .map(drop)
}

/// `X86_IOPort_Out16`.
pub fn io_port_out16(ipc: &Ipc, ports: u64, port: u16, value: u16) -> Done {
    let words = [u64::from(port), u64::from(value)];
    ipc.invoke(ports, label::X86_IO_PORT_OUT16, &words, &[])
        .map(drop)
}

/// `X86_IOPort_Out32`.
pub fn io_port_out32(ipc: &Ipc, ports: u64, port: u16, value: u32) -> Done {
    let words = [u64::from(port), u64::from(value)];
    ipc.invoke(ports, label::X86_IO_PORT_OUT32, &words, &[])
        .map(drop)
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
    ipc.invoke(
        control,
        label::X86_IRQ_ISSUE_HANDLER_IO_APIC,
        &words,
        &[to.root],
    )
    .map(drop)
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
    ipc.invoke(
        control,
        label::X86_IRQ_ISSUE_HANDLER_MSI,
        &words,
        &[to.root],
    )
    .map(drop)
}

/// `IRQHandler_Ack`.
pub fn irq_handler_ack(ipc: &Ipc, handler: u64) -> Done {
    ipc.invoke(handler, label::IRQ_ACK, &[], &[]).map(drop)
}

/// `IRQHandler_SetNotification`.
pub fn irq_handler_set_notification(ipc: &Ipc, handler: u64, notification: u64) -> Done {
    ipc.invoke(handler, label::IRQ_SET_HANDLER, &[], &[notification])
        .map(drop)
}

/// `VCpuSetSpace`.
pub fn vcpu_set_space(ipc: &Ipc, vcpu: u64, nested_root: u64) -> Done {
    ipc.invoke(vcpu, extension::VCPU_SET_SPACE, &[], &[nested_root])
        .map(drop)
}

/// `NestedTableMap`: the table serves the highest missing level at `address`.
pub fn nested_table_map(ipc: &Ipc, table: u64, nested_root: u64, address: u64) -> Done {
    ipc.invoke(
        table,
        extension::NESTED_TABLE_MAP,
        &[address],
        &[nested_root],
    )
    .map(drop)
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
    ipc.invoke(page, extension::NESTED_PAGE_MAP, &words, &[nested_root])
        .map(drop)
}

/// `VCpuReadRegisters` of the one register `id` (see [`crate::extension::register`]).
pub fn vcpu_read_register(ipc: &Ipc, vcpu: u64, id: u64) -> Result<u64, Error> {
    ipc.invoke(vcpu, extension::VCPU_READ_REGISTERS, &[id], &[])
        .map(|reply| reply.message[0])
}

/// `VCpuWriteRegisters` of alternating identifications and values, at most 50 pairs.
pub fn vcpu_write_registers(ipc: &Ipc, vcpu: u64, pairs: &[u64]) -> Done {
    ipc.invoke(vcpu, extension::VCPU_WRITE_REGISTERS, pairs, &[])
        .map(drop)
}
