//! The kernel as the root server uses it.

use compiled_manifest::{Caching, PciAddress, Rights, Trigger};
use sel4_sys::{Error, message::CNodeCapData, object::ObjectType};

/// A slot of the CNode that the kernel gave to the root server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct WorkingSlot(pub u64);

/// A slot that the root server can reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Slot {
    /// Of its own CNode.
    Working(WorkingSlot),
    /// Of the vault.
    Vault(u32),
    /// Of a component's CNode, which lies in slot `cnode` of the vault and has 2^`radix` slots.
    /// Such a slot can be filled, not invoked.
    Component {
        /// The vault's slot with the CNode.
        cnode: u32,
        /// Its size.
        radix: u8,
        /// The slot in it.
        slot: u32,
    },
}

/// An input of an I/O APIC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IoApicInput {
    /// Which I/O APIC.
    pub io_apic: u8,
    /// Which input.
    pub pin: u8,
    /// Edge or level.
    pub trigger: Trigger,
    /// User vector.
    pub vector: u8,
}

/// CPU time of a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SchedParams {
    /// Microseconds in each period.
    pub budget_us: u64,
    /// Microseconds.
    pub period_us: u64,
    /// Refills beyond two.
    pub extra_refills: u8,
}

/// What a thread is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thread {
    /// The thread.
    pub tcb: Slot,
    /// Its CNode and the guard that fills capability pointers.
    pub cnode: (Slot, CNodeCapData),
    /// Its address space.
    pub space: Slot,
    /// The frame of its IPC buffer and where it is mapped.
    pub ipc_buffer: (Slot, u64),
    /// Its CPU time.
    pub sched_context: Slot,
    /// The notification that is bound to it.
    pub notification: Slot,
    /// Badged endpoint for its faults.
    pub fault_endpoint: Option<Slot>,
    /// Priority.
    pub priority: u8,
}

type Done = Result<(), Error>;

/// The kernel's operations, with errors as it gives them.
pub trait Kernel {
    /// Makes `count` objects (at most 256) of an untyped, in consecutive slots from `first` on.
    fn retype(
        &mut self,
        untyped: WorkingSlot,
        object: (ObjectType, u8),
        first: Slot,
        count: u32,
    ) -> Done;
    /// Makes the vault reachable: from now on slots of the vault can be named. `top` is a CNode of two slots,
    /// `vault` the vault's CNode with 2^`radix` slots. Also puts a capability to the vault into its slot 1,
    /// and the pool of address space identifiers into slot 2: without it the spaces would lose theirs.
    fn enter(&mut self, top: WorkingSlot, vault: WorkingSlot, radix: u8) -> Done;
    /// Makes the vault unreachable again through what [`Kernel::enter`] set up, except for the capability that it was given.
    fn leave(&mut self) -> Done;
    /// Copies a capability with fewer or equal rights.
    fn copy(&mut self, to: Slot, from: Slot, rights: Rights) -> Done;
    /// Copies a capability with a badge.
    fn mint(&mut self, to: Slot, from: Slot, rights: Rights, badge: u64) -> Done;
    /// Deletes a capability.
    fn delete(&mut self, slot: Slot) -> Done;
    /// Gives an address space, a component's or a guest's, its identifier.
    fn assign_space(&mut self, space: Slot) -> Done;
    /// Maps a paging structure; `object` says which kind.
    fn map_table(&mut self, object: ObjectType, table: Slot, space: Slot, address: u64) -> Done;
    /// Maps a frame in an address space.
    fn map_frame(
        &mut self,
        frame: Slot,
        space: Slot,
        address: u64,
        access: (Rights, Caching),
    ) -> Done;
    /// Maps a frame in a guest, with all rights.
    fn map_in_guest(&mut self, frame: Slot, space: Slot, address: u64) -> Done;
    /// Unmaps a frame.
    fn unmap_frame(&mut self, frame: Slot) -> Done;
    /// The physical address of a frame.
    fn frame_address(&mut self, frame: Slot) -> Result<u64, Error>;
    /// Issues I/O ports.
    fn issue_ports(&mut self, first: u16, last: u16, to: Slot) -> Done;
    /// Issues the handler of an I/O APIC's input.
    fn issue_io_apic(&mut self, input: IoApicInput, to: Slot) -> Done;
    /// Issues the handler of a message-signalled interrupt.
    fn issue_message(&mut self, source: PciAddress, vector: u8, to: Slot) -> Done;
    /// Lets an interrupt signal a badged notification.
    fn set_notification(&mut self, handler: Slot, notification: Slot) -> Done;
    /// Sets the CPU time of a scheduling context.
    fn configure_time(&mut self, context: Slot, parameters: SchedParams) -> Done;
    /// Sets a thread up.
    fn configure_thread(&mut self, thread: &Thread) -> Done;
    /// Sets a thread's first instruction, stack pointer and argument.
    fn set_registers(&mut self, tcb: Slot, entry: u64, stack: u64, argument: u64) -> Done;
    /// Starts a thread.
    fn resume(&mut self, tcb: Slot) -> Done;
    /// Gives a virtual CPU its guest's address space.
    fn set_guest_space(&mut self, cpu: Slot, space: Slot) -> Done;
    /// Reads 8 bits from a port.
    fn port_in8(&mut self, ports: Slot, port: u16) -> Result<u8, Error>;
    /// Writes 8 bits to a port.
    fn port_out8(&mut self, ports: Slot, port: u16, value: u8) -> Done;
    /// Reads 32 bits from a port.
    fn port_in32(&mut self, ports: Slot, port: u16) -> Result<u32, Error>;
    /// Writes 32 bits to a port.
    fn port_out32(&mut self, ports: Slot, port: u16, value: u32) -> Done;
}
