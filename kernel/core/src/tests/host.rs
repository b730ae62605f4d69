//! A machine of boxes: every object is leaked and found by its address. It panics where the kernel mixes
//! up types or makes objects overlap.

use core::cell::{Cell, RefCell};
use std::boxed::Box;
use std::collections::BTreeMap;
use std::vec::Vec;

use sel4_sys::extension::exit_message;

use crate::object::{FPU_BYTES, FpuArea, Tcb, ThreadState};
use crate::{
    AsidPoolRef, BufferRef, Endpoint, EndpointRef, Machine, Notification, NotificationRef,
    PhysicalAddress, PortWidth, Refill, RefillRef, Reply, ReplyRef, SchedContext, SchedContextRef,
    Slot, SlotRef, Store, TableRef, TcbRef, Trigger, UserContext, VcpuRef, VcpuState,
};

const DIRECT_MAP: u64 = 0xffff_8000_0000_0000;
/// Where the interrupt slots lie: outside of all memory that tests hand out.
const IRQ_SLOTS: u64 = DIRECT_MAP + 0x4000_0000_0000;

type Words = [Cell<u64>; 512];

#[derive(Clone, Copy)]
enum Object {
    Slot(&'static Slot),
    Tcb(&'static Tcb),
    Endpoint(&'static Endpoint),
    Notification(&'static Notification),
    Reply(&'static Reply),
    SchedContext(&'static SchedContext),
    Refill(&'static Refill),
    Words(&'static Words),
    Vcpu(&'static VcpuState),
}

impl Object {
    fn size(self) -> u64 {
        match self {
            Self::Slot(_) | Self::Reply(_) => 32,
            Self::Tcb(_) => 2048,
            Self::Endpoint(_) | Self::Refill(_) => 16,
            Self::Notification(_) => 64,
            Self::SchedContext(_) => 96,
            Self::Words(_) => 4096,
            Self::Vcpu(_) => 8192,
        }
    }
}

/// What the kernel told the hardware to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Event {
    Activate(Option<TableRef>),
    InvalidatePage(TableRef, u64),
    InvalidateSpace(TableRef),
    Mask(u8),
    Unmask(u8),
    Route(u64, u64, u8),
    PortOut(u16, u32),
    Printed(u8),
    Timer(u64),
}

#[derive(Default)]
pub(super) struct Host {
    objects: RefCell<BTreeMap<u64, Object>>,
    words: RefCell<BTreeMap<u64, u64>>,
    pub(super) events: RefCell<Vec<Event>>,
    pub(super) now: Cell<u64>,
    /// Looks for interrupts until one is found; zero for never.
    pub(super) looks_until_interrupt: Cell<u32>,
    pub(super) guest_registers: RefCell<BTreeMap<(u64, u64), u64>>,
}

fn new_words() -> &'static Words {
    Box::leak(Box::new([const { Cell::new(0) }; 512]))
}

fn new_tcb() -> Tcb {
    Tcb {
        context: UserContext::default(),
        slots: Default::default(),
        fpu: FpuArea {
            bytes: [const { Cell::new(0) }; FPU_BYTES],
        },
        fault_address: Cell::default(),
        state: Cell::new(ThreadState::Inactive),
        in_ready_queue: Cell::default(),
        in_release_queue: Cell::default(),
        priority: Cell::default(),
        max_controlled_priority: Cell::default(),
        domain: Cell::default(),
        flags: Cell::default(),
        sched_context: Cell::default(),
        yield_to: Cell::default(),
        bound_notification: Cell::default(),
        reply: Cell::default(),
        blocking_object: Cell::default(),
        waiting: Default::default(),
        fault: Default::default(),
        ready_previous: Cell::default(),
        ready_next: Cell::default(),
        queue_previous: Cell::default(),
        queue_next: Cell::default(),
        buffer_address: Cell::default(),
        route: Default::default(),
        name: Cell::default(),
        next_thread: Cell::default(),
        vcpu: Cell::default(),
    }
}

impl Host {
    /// A new thread; its slots may have been used before the thread itself.
    fn add_tcb(&self, at: TcbRef) -> &'static Tcb {
        let tcb: &Tcb = Box::leak(Box::new(new_tcb()));
        for (slot, index) in tcb.slots.iter().zip(0..) {
            let address = at
                .slot(crate::address::TcbSlot::CSpace)
                .offset(index)
                .address();
            if let Some(Object::Slot(early)) = self.objects.borrow_mut().remove(&address) {
                slot.assign(early);
            }
        }
        match self.find(at.address(), || Object::Tcb(tcb)) {
            Object::Tcb(tcb) => tcb,
            _ => panic!("another type at {:#x}", at.address()),
        }
    }

    fn find(&self, address: u64, new: impl FnOnce() -> Object) -> Object {
        let mut objects = self.objects.borrow_mut();
        if let Some(object) = objects.get(&address) {
            return *object;
        }
        let object = new();
        let end = address + object.size();
        if let Some((before, other)) = objects.range(..address).next_back() {
            assert!(before + other.size() <= address, "overlap at {address:#x}");
        }
        if let Some((after, _)) = objects.range(address..).next() {
            assert!(*after >= end, "overlap at {address:#x}");
        }
        objects.insert(address, object);
        object
    }

    pub(super) fn word(&self, physical: u64) -> u64 {
        let address = physical + DIRECT_MAP;
        self.words.borrow().get(&address).copied().unwrap_or(0)
    }

    /// Whether physical memory holds zeroes and no objects.
    pub(super) fn is_zeroed(&self, start: u64, bytes: u64) -> bool {
        let range = start + DIRECT_MAP..start + DIRECT_MAP + bytes;
        let objects = self.objects.borrow();
        objects.range(range.clone()).next().is_none()
            && self.words.borrow().range(range).all(|(_, word)| *word == 0)
    }

    pub(super) fn set_word(&self, physical: u64, value: u64) {
        self.words.borrow_mut().insert(physical + DIRECT_MAP, value);
    }

    pub(super) fn log(&self, event: Event) {
        self.events.borrow_mut().push(event);
    }

    pub(super) fn take_events(&self) -> Vec<Event> {
        self.events.take()
    }
}

macro_rules! find {
    ($host:expr, $at:expr, $kind:ident, $new:expr) => {
        match $host.find($at.address(), || Object::$kind(Box::leak(Box::new($new)))) {
            Object::$kind(object) => object,
            _ => panic!("another type at {:#x}", $at.address()),
        }
    };
}

impl Store for Host {
    fn slot(&self, at: SlotRef) -> &Slot {
        let tcb = at.address() & !2047;
        let offset = core::mem::offset_of!(Tcb, slots) as u64;
        if let Some(Object::Tcb(tcb)) = self.objects.borrow().get(&tcb) {
            let index = ((at.address() & 2047) - offset) / 32;
            return &tcb.slots[usize::try_from(index).expect("small")];
        }
        find!(self, at, Slot, Slot::default())
    }

    fn tcb(&self, at: TcbRef) -> &Tcb {
        if let Some(Object::Tcb(tcb)) = self.objects.borrow().get(&at.address()) {
            return tcb;
        }
        self.add_tcb(at)
    }

    fn endpoint(&self, at: EndpointRef) -> &Endpoint {
        find!(self, at, Endpoint, Endpoint::default())
    }

    fn notification(&self, at: NotificationRef) -> &Notification {
        find!(self, at, Notification, Notification::default())
    }

    fn reply(&self, at: ReplyRef) -> &Reply {
        find!(self, at, Reply, Reply::default())
    }

    fn sched_context(&self, at: SchedContextRef) -> &SchedContext {
        find!(self, at, SchedContext, SchedContext::default())
    }

    fn refill(&self, at: RefillRef) -> &Refill {
        find!(self, at, Refill, Refill::default())
    }

    fn table(&self, at: TableRef) -> &Words {
        match self.find(at.address(), || Object::Words(new_words())) {
            Object::Words(words) => words,
            _ => panic!("another type at {:#x}", at.address()),
        }
    }

    fn asid_pool(&self, at: AsidPoolRef) -> &Words {
        match self.find(at.address(), || Object::Words(new_words())) {
            Object::Words(words) => words,
            _ => panic!("another type at {:#x}", at.address()),
        }
    }

    fn vcpu(&self, at: VcpuRef) -> &VcpuState {
        find!(self, at, Vcpu, VcpuState::default())
    }

    fn load(&self, at: BufferRef) -> u64 {
        self.words.borrow().get(&at.address()).copied().unwrap_or(0)
    }

    fn store(&self, at: BufferRef, value: u64) {
        self.words.borrow_mut().insert(at.address(), value);
    }

    fn zero(&self, start: PhysicalAddress, bytes: u64) {
        let range = start.0 + DIRECT_MAP..start.0 + DIRECT_MAP + bytes;
        let mut objects = self.objects.borrow_mut();
        // What is left of an object whose memory is used again goes as a whole.
        objects.retain(|at, object| at + object.size() <= range.start || *at >= range.end);
        let mut words = self.words.borrow_mut();
        let inside: Vec<u64> = words.range(range).map(|(at, _)| *at).collect();
        for address in inside {
            words.remove(&address);
        }
    }

    fn kernel_address(&self, at: PhysicalAddress) -> u64 {
        at.0 + DIRECT_MAP
    }

    fn physical(&self, kernel_address: u64) -> PhysicalAddress {
        PhysicalAddress(kernel_address - DIRECT_MAP)
    }

    fn irq_slot(&self, irq: u8) -> SlotRef {
        SlotRef::new(IRQ_SLOTS + u64::from(irq) * 32).expect("not zero")
    }
}

impl Machine for Host {
    const HAS_DEBUG_CALLS: bool = true;

    fn now(&self) -> u64 {
        self.now.get()
    }

    fn ticks_per_us(&self) -> u64 {
        10
    }

    fn set_timer(&self, deadline: u64, _now: u64) {
        self.log(Event::Timer(deadline));
    }

    fn activate_space(&self, root: TableRef) {
        self.log(Event::Activate(Some(root)));
    }

    fn activate_kernel_space(&self) {
        self.log(Event::Activate(None));
    }

    fn add_kernel_mappings(&self, root: TableRef) {
        self.table(root)[511].set(0x1000 | 1);
    }

    fn invalidate_page(&self, root: TableRef, address: u64) {
        self.log(Event::InvalidatePage(root, address));
    }

    fn invalidate_space(&self, root: TableRef) {
        self.log(Event::InvalidateSpace(root));
    }

    fn invalidate_nested_space(&self, root: TableRef) {
        self.log(Event::InvalidateSpace(root));
    }

    fn release_thread(&self, _thread: TcbRef) {}

    fn interrupt_pending(&self) -> bool {
        match self.looks_until_interrupt.get() {
            0 => false,
            1 => {
                self.looks_until_interrupt.set(0);
                true
            }
            looks => {
                self.looks_until_interrupt.set(looks - 1);
                false
            }
        }
    }

    fn mask_irq(&self, irq: u8) {
        self.log(Event::Mask(irq));
    }

    fn unmask_irq(&self, irq: u8) {
        self.log(Event::Unmask(irq));
    }

    fn ioapic_count(&self) -> u64 {
        1
    }

    fn route_ioapic(&self, ioapic: u64, pin: u64, _trigger: Trigger, irq: u8) {
        self.log(Event::Route(ioapic, pin, irq));
    }

    fn unroute_irq(&self, _irq: u8) {}

    fn port_in(&self, port: u16, _width: PortWidth) -> u32 {
        u32::from(port) + 1
    }

    fn port_out(&self, port: u16, _width: PortWidth, value: u32) {
        self.log(Event::PortOut(port, value));
    }

    fn debug_put_byte(&self, byte: u8) {
        self.log(Event::Printed(byte));
    }

    fn halt(&self) -> ! {
        panic!("halted")
    }

    fn vcpu_initialise(&self, _vcpu: VcpuRef) {}

    fn vcpu_register(&self, vcpu: VcpuRef, id: u64) -> u64 {
        let registers = self.guest_registers.borrow();
        registers.get(&(vcpu.address(), id)).copied().unwrap_or(0)
    }

    fn vcpu_set_register(&self, vcpu: VcpuRef, id: u64, value: u64) {
        let mut registers = self.guest_registers.borrow_mut();
        registers.insert((vcpu.address(), id), value);
    }

    fn vcpu_set_general<const COUNT: usize>(&self, vcpu: VcpuRef, values: &[u64; COUNT]) {
        for (id, value) in (2..).zip(values) {
            self.vcpu_set_register(vcpu, id, *value);
        }
    }

    fn vcpu_set_event(&self, vcpu: VcpuRef, event: u64) {
        self.vcpu_set_register(vcpu, 1000, event);
    }

    fn vcpu_clear_interrupt_shadow(&self, _vcpu: VcpuRef) {}

    fn vcpu_request_interrupt_window(&self, _vcpu: VcpuRef, _request: bool) {}

    fn vcpu_set_space(&self, _vcpu: VcpuRef, _root: TableRef, _asid: u16) {}

    fn vcpu_exit_words(&self, _vcpu: VcpuRef, mut put: impl FnMut(usize, u64)) {
        for index in exit_message::RIP..=exit_message::INSTRUCTION_BYTES_2 {
            put(index, index as u64);
        }
    }

    fn release_vcpu(&self, _vcpu: VcpuRef) {}
}
