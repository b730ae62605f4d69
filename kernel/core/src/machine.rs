//! What the kernel's decisions need from the machine.

use core::cell::Cell;

use crate::object::{Endpoint, Notification, Refill, Reply, SchedContext, Slot, Tcb, VcpuState};
use crate::{
    AsidPoolRef, BufferRef, EndpointRef, NotificationRef, PhysicalAddress, RefillRef, ReplyRef,
    SchedContextRef, SlotRef, TableRef, TcbRef, VcpuRef,
};

/// Memory: follows references to objects.
///
/// The kernel core promises that a reference passed here leads to an object of that type: it was put
/// into a capability by Retype or at boot, and the capability still exists.
pub trait Store {
    /// The slot at this reference.
    fn slot(&self, at: SlotRef) -> &Slot;
    /// The thread at this reference.
    fn tcb(&self, at: TcbRef) -> &Tcb;
    /// The endpoint at this reference.
    fn endpoint(&self, at: EndpointRef) -> &Endpoint;
    /// The notification at this reference.
    fn notification(&self, at: NotificationRef) -> &Notification;
    /// The reply object at this reference.
    fn reply(&self, at: ReplyRef) -> &Reply;
    /// The scheduling context at this reference.
    fn sched_context(&self, at: SchedContextRef) -> &SchedContext;
    /// The refill at this reference.
    fn refill(&self, at: RefillRef) -> &Refill;
    /// The page table at this reference, of any level, of a host or a nested space.
    fn table(&self, at: TableRef) -> &[Cell<u64>; 512];
    /// The ASID pool at this reference.
    fn asid_pool(&self, at: AsidPoolRef) -> &[Cell<u64>; 512];
    /// The decisions' part of the virtual CPU at this reference; the machine chooses its place in the object.
    fn vcpu(&self, at: VcpuRef) -> &VcpuState;
    /// Reads a word of a frame that users may change at any time.
    fn load(&self, at: BufferRef) -> u64;
    /// Writes a word of a frame that users may change at any time.
    fn store(&self, at: BufferRef, value: u64);
    /// Fills physical memory with zeroes. Both numbers are multiples of 16.
    fn zero(&self, start: PhysicalAddress, bytes: u64);
    /// The kernel address of physical memory that the kernel maps: the inverse of `physical`.
    fn kernel_address(&self, at: PhysicalAddress) -> u64;
    /// The physical address behind a kernel address.
    fn physical(&self, kernel_address: u64) -> PhysicalAddress;
    /// The slot that holds the notification of an interrupt (0 up to 255).
    fn irq_slot(&self, irq: u8) -> SlotRef;
}

/// How many bytes an access to an I/O port moves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PortWidth {
    /// One byte.
    Byte,
    /// Two bytes.
    Word,
    /// Four bytes.
    Double,
}

/// How an I/O APIC pin signals.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Trigger {
    /// The pin's level counts, not its edge.
    pub level: bool,
    /// Low means active.
    pub active_low: bool,
}

/// Hardware: time, address spaces, interrupts, ports.
pub trait Machine: Store {
    /// Whether the system calls of debug builds exist.
    const HAS_DEBUG_CALLS: bool;

    /// The time in ticks since some moment; never runs backwards.
    fn now(&self) -> u64;
    /// Ticks in a microsecond, constant since boot.
    fn ticks_per_us(&self) -> u64;
    /// Asks for a timer interrupt: at or as soon as possible after a time, or earlier, then the kernel asks
    /// again; replaces earlier asks. `now` is what [`Machine::now`] said a moment ago.
    fn set_timer(&self, deadline: u64, now: u64);

    /// Makes user addresses be translated by this PML4. Called whenever the thread to run may have
    /// changed; cheap if nothing changed.
    fn activate_space(&self, root: TableRef);
    /// Makes user addresses be translated by no user mapping at all.
    fn activate_kernel_space(&self);
    /// Puts the kernel's own mappings into a new PML4.
    fn add_kernel_mappings(&self, root: TableRef);
    /// Forgets cached translations of one page of an address space.
    fn invalidate_page(&self, root: TableRef, address: u64);
    /// Forgets all cached translations of an address space.
    fn invalidate_space(&self, root: TableRef);
    /// Forgets all cached translations of a nested space.
    fn invalidate_nested_space(&self, root: TableRef);

    /// Writes what the processor holds of a thread (FPU, segment bases) back to its TCB and forgets it:
    /// the TCB is about to be read, changed, or destroyed.
    fn release_thread(&self, thread: TcbRef);

    /// Whether an interrupt is waiting: long operations ask, and stop.
    fn interrupt_pending(&self) -> bool;
    /// Keeps an interrupt line quiet until it is unmasked. Lines: vector − 32.
    fn mask_irq(&self, irq: u8);
    /// Lets an interrupt line be heard.
    fn unmask_irq(&self, irq: u8);
    /// Number of I/O APICs.
    fn ioapic_count(&self) -> u64;
    /// Makes an I/O APIC pin raise this interrupt line, masked at first.
    fn route_ioapic(&self, ioapic: u64, pin: u64, trigger: Trigger, irq: u8);
    /// Frees what [`Machine::route_ioapic`] set up for this line.
    fn unroute_irq(&self, irq: u8);

    /// Reads an I/O port.
    fn port_in(&self, port: u16, width: PortWidth) -> u32;
    /// Writes an I/O port.
    fn port_out(&self, port: u16, width: PortWidth, value: u32);
    /// Prints one byte on the debug port.
    fn debug_put_byte(&self, byte: u8);
    /// Stops the machine for good.
    fn halt(&self) -> !;

    /// Makes a new vCPU's state that of a processor after reset; called once the object is zeroed.
    fn vcpu_initialise(&self, vcpu: VcpuRef);
    /// The value of register `id` (numbers of `sel4_sys::extension::register`).
    fn vcpu_register(&self, vcpu: VcpuRef, id: u64) -> u64;
    /// Changes register `id`; the value has been checked.
    fn vcpu_set_register(&self, vcpu: VcpuRef, id: u64, value: u64);
    /// Changes the first general registers, in the order of instruction encoding.
    fn vcpu_set_general<const COUNT: usize>(&self, vcpu: VcpuRef, values: &[u64; COUNT]);
    /// Plans an event for the next entry (`sel4_sys::extension::event`), checked; zero withdraws an
    /// interrupt that the guest has not taken.
    fn vcpu_set_event(&self, vcpu: VcpuRef, event: u64);
    /// Ends the interrupt shadow.
    fn vcpu_clear_interrupt_shadow(&self, vcpu: VcpuRef);
    /// Whether to leave the guest as soon as it could take an interrupt.
    fn vcpu_request_interrupt_window(&self, vcpu: VcpuRef, request: bool);
    /// The guest runs in this nested space from the next entry on.
    fn vcpu_set_space(&self, vcpu: VcpuRef, root: TableRef, asid: u16);
    /// Passes each word of the exit message, from the instruction pointer on, with its index; the words before
    /// are the cause, which the exit itself brings.
    fn vcpu_exit_words(&self, vcpu: VcpuRef, put: impl FnMut(usize, u64));
    /// Writes what the processor holds of a vCPU back and forgets it: the object is about to go.
    fn release_vcpu(&self, vcpu: VcpuRef);
}
