//! The PC under the kernel: what the kernel core asks of a machine.

use kernel_core::{Machine, PortWidth, Slot, SlotRef, Store, TableRef, TcbRef, Trigger, VcpuRef};
use x86::io::{inb, inl, inw, outb, outl, outw};

use crate::address_space::AddressSpaces;
use crate::apic::io_apic::IoApics;
use crate::apic::local;
use crate::svm::Svm;
use crate::thread_state::ThreadState;
use crate::time::{self, Time};
use crate::{debug, serial_port};

/// The PC.
pub(crate) struct Hardware {
    pub(crate) time: Time,
    pub(crate) spaces: AddressSpaces,
    pub(crate) threads: ThreadState,
    pub(crate) io_apics: IoApics,
    pub(crate) irq_slots: IrqSlots,
    pub(crate) svm: Svm,
}

/// The capabilities of interrupt handlers, one for each line.
pub(crate) struct IrqSlots([Slot; 256]);

impl IrqSlots {
    const fn new() -> Self {
        Self([const { Slot::new() }; 256])
    }

    pub(crate) fn slot(&self, irq: u8) -> SlotRef {
        let address = (&raw const self.0[usize::from(irq)]) as u64;
        match SlotRef::new(address) {
            Some(slot) => slot,
            None => unreachable!("a static has an address"),
        }
    }
}

impl Hardware {
    /// A PC that is not set up.
    pub(crate) const fn new() -> Self {
        Self {
            time: Time::new(),
            spaces: AddressSpaces::new(),
            threads: ThreadState::new(),
            io_apics: IoApics::new(),
            irq_slots: IrqSlots::new(),
            svm: Svm::new(),
        }
    }
}

impl Machine for Hardware {
    const HAS_DEBUG_CALLS: bool = cfg!(feature = "debug");

    #[inline(always)]
    fn now(&self) -> u64 {
        time::now()
    }

    #[inline(always)]
    fn ticks_per_us(&self) -> u64 {
        self.time.ticks_per_us()
    }

    #[inline(always)]
    fn set_timer(&self, deadline: u64, now: u64) {
        self.time.set_timer(deadline, now);
    }

    #[inline(always)]
    fn activate_space(&self, root: TableRef) {
        self.spaces.activate(self.physical(root.address()));
    }

    fn activate_kernel_space(&self) {
        self.spaces.activate_kernel();
    }

    fn add_kernel_mappings(&self, root: TableRef) {
        let (entry, value) = crate::boot::kernel_entry();
        self.table(root)[entry].set(value);
    }

    fn invalidate_page(&self, root: TableRef, address: u64) {
        self.spaces
            .invalidate_page(self.physical(root.address()), address);
    }

    fn invalidate_space(&self, root: TableRef) {
        self.spaces.invalidate(self.physical(root.address()));
    }

    fn invalidate_nested_space(&self, _root: TableRef) {
        self.svm.forget_nested_translations();
    }

    fn release_thread(&self, thread: TcbRef) {
        self.threads.release(thread, self.tcb(thread));
    }

    fn interrupt_pending(&self) -> bool {
        local::is_interrupt_pending()
    }

    fn mask_irq(&self, irq: u8) {
        self.io_apics.mask(irq);
    }

    fn unmask_irq(&self, irq: u8) {
        self.io_apics.unmask(irq);
    }

    fn ioapic_count(&self) -> u64 {
        self.io_apics.count()
    }

    fn route_ioapic(&self, ioapic: u64, pin: u64, trigger: Trigger, irq: u8) {
        self.io_apics.route(ioapic, pin, trigger, irq);
    }

    fn unroute_irq(&self, irq: u8) {
        self.io_apics.unroute(irq);
    }

    fn port_in(&self, port: u16, width: PortWidth) -> u32 {
        // SAFETY: a capability to the port says that its holder may do with it what it likes; the kernel
        // itself rests on no port after boot but the debug port, in debug builds.
        unsafe {
            match width {
                PortWidth::Byte => inb(port).into(),
                PortWidth::Word => inw(port).into(),
                PortWidth::Double => inl(port),
            }
        }
    }

    fn port_out(&self, port: u16, width: PortWidth, value: u32) {
        let [low, high, ..] = value.to_le_bytes();
        // SAFETY: as for `port_in`.
        unsafe {
            match width {
                PortWidth::Byte => outb(port, low),
                PortWidth::Word => outw(port, u16::from_le_bytes([low, high])),
                PortWidth::Double => outl(port, value),
            }
        }
    }

    fn debug_put_byte(&self, byte: u8) {
        serial_port::put(byte);
    }

    fn halt(&self) -> ! {
        debug::halt()
    }

    fn vcpu_initialise(&self, vcpu: VcpuRef) {
        self.whole_vcpu(vcpu).reset();
        self.svm.forget_nested_translations();
    }

    fn vcpu_register(&self, vcpu: VcpuRef, id: u64) -> u64 {
        self.whole_vcpu(vcpu).read_register(id)
    }

    fn vcpu_set_register(&self, vcpu: VcpuRef, id: u64, value: u64) {
        self.whole_vcpu(vcpu).write_register(id, value);
    }

    #[inline(always)]
    fn vcpu_set_general<const COUNT: usize>(&self, vcpu: VcpuRef, values: &[u64; COUNT]) {
        let vcpu = self.whole_vcpu(vcpu);
        for (index, value) in values.iter().enumerate() {
            vcpu.set_general(index, *value);
        }
    }

    fn vcpu_set_event(&self, vcpu: VcpuRef, event: u64) {
        self.whole_vcpu(vcpu).set_event(event);
    }

    fn vcpu_clear_interrupt_shadow(&self, vcpu: VcpuRef) {
        self.whole_vcpu(vcpu).clear_interrupt_shadow();
    }

    fn vcpu_request_interrupt_window(&self, vcpu: VcpuRef, request: bool) {
        self.whole_vcpu(vcpu).request_interrupt_window(request);
    }

    fn vcpu_set_space(&self, vcpu: VcpuRef, root: TableRef, _asid: u16) {
        let root = self.physical(root.address());
        self.whole_vcpu(vcpu).set_nested_root(root);
    }

    #[inline(always)]
    fn vcpu_exit_words(&self, vcpu: VcpuRef, put: impl FnMut(usize, u64)) {
        self.svm.exit_words(self.whole_vcpu(vcpu), put);
    }

    fn release_vcpu(&self, _vcpu: VcpuRef) {
        // The processor holds nothing of a virtual CPU between its runs but cached translations.
        self.svm.forget_nested_translations();
    }
}
