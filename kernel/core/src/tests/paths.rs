//! Random steps of many threads in two worlds, with the fast paths in the one and the general code alone in the
//! other: after each step both are in the same state.
//!
//! The worlds' timer is honest: its interrupt comes before a step that would begin after it, unless that step
//! looks at the clock by all means. Only until then the fast paths may leave the clock alone.

use std::collections::BTreeMap;
use std::string::String;
use std::vec::Vec;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use sel4_sys::extension::{label as extension, run_request};
use sel4_sys::object::ObjectType;
use sel4_sys::{CapRights, invocation as label, slot, syscall};

use super::host::Event;
use super::invariants;
use super::world::World;
use crate::capability::Capability;
use crate::fault::FaultReport;
use crate::message::REPLY_REGISTER;
use crate::object::{Register, ThreadState};
use crate::{ReplyRef, Resume, SchedContextRef, SlotRef, TcbRef};

/// Which code does the work.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Path {
    Fast,
    General,
}

/// What happens, by two numbers that mean something else to each thread, and how long after the step before.
#[derive(Clone, Copy, Debug)]
struct Step {
    what: u8,
    value: u64,
    ticks: u64,
}

fn any_step() -> impl Strategy<Value = Step> {
    let ticks = prop_oneof![8 => 0u64..100, 1 => 0u64..12_000];
    (0u8..24, any::<u64>(), ticks).prop_map(|(what, value, ticks)| Step { what, value, ticks })
}

/// Priorities of the threads, in a narrow range so that many are equal.
fn any_priorities() -> impl Strategy<Value = [u64; THREADS]> {
    prop::array::uniform(48u64..53)
}

fn any_steps() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(any_step(), 1..80)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn fast_and_general_code_agree(priorities in any_priorities(), steps in any_steps()) {
        compare(priorities, &steps, &mut BTreeMap::new());
    }
}

/// The comparison means something: each kind of step took a fast path.
#[test]
fn every_fast_path_is_compared() {
    let mut runner = TestRunner::deterministic();
    let mut taken = BTreeMap::new();
    for _ in 0..100 {
        let draw = (any_priorities(), any_steps()).new_tree(&mut runner);
        let (priorities, steps) = draw.expect("nothing is filtered").current();
        compare(priorities, &steps, &mut taken);
    }
    for kind in [
        "call of a server that borrows time",
        "call of a server with time",
        "answer to a client without time",
        "answer to a client with time",
        "answer to a fault of a thread without time",
        "answer to a fault of a thread with time",
        "fault to a server that borrows time",
        "fault to a server with time",
        "interrupt",
        "interrupt of a guest",
        "send",
        "wait",
        "signal and wait",
        "yield",
        "guest",
    ] {
        let count = taken.get(kind).copied().unwrap_or(0);
        assert!(count > 1, "{kind}: {taken:?}");
    }
}

fn compare(priorities: [u64; THREADS], steps: &[Step], taken: &mut BTreeMap<String, u32>) {
    let [fast, general] = [Path::Fast, Path::General].map(|path| Stage::new(path, priorities));
    for step in steps {
        let [a, b] = [&fast, &general].map(|stage| stage.step(*step));
        assert_eq!(a.0, b.0, "goes on otherwise after {step:?} ({})", a.1);
        assert_eq!(fast.state(), general.state(), "after {step:?} ({})", a.1);
        if a.2 {
            *taken.entry(a.1).or_default() += 1;
        }
    }
    for stage in [fast, general] {
        invariants::check(&stage.world);
        invariants::check_objects(&stage.world);
    }
}

const THREADS: usize = 8;
/// The threads by what they do.
mod role {
    pub(super) const SECOND_CLIENT: usize = 2;
    pub(super) const BORROWER: usize = 3;
    pub(super) const SERVER: usize = 4;
    pub(super) const DRIVER: usize = 5;
    pub(super) const SPORADIC: usize = 6;
    pub(super) const MONITOR: usize = 7;
}
const IRQ: u8 = 19;

/// A world with threads in their roles, all but the root server waiting.
struct Stage {
    path: Path,
    world: World,
    threads: Vec<TcbRef>,
    endpoints: [u64; 2],
    replies: [u64; 2],
    /// One for each thread, with a badge.
    notifications: Vec<u64>,
    vcpu: u64,
    /// The slots with the capabilities to all of the above and to the threads' scheduling contexts.
    shared: Vec<SlotRef>,
}

impl Stage {
    fn new(path: Path, priorities: [u64; THREADS]) -> Self {
        let world = World::new();
        let endpoints = [(); 2].map(|()| world.make(ObjectType::Endpoint, 0));
        let replies = [(); 2].map(|()| world.make(ObjectType::Reply, 0));
        let notifications = (0..THREADS as u64).map(|index| {
            let notification = world.make(ObjectType::Notification, 0);
            world.mint(notification, CapRights::ALL, 1 << index)
        });
        let notifications: Vec<u64> = notifications.collect();
        let mut threads = std::vec![world.root];
        let mut borrowed = 0;
        for (index, priority) in priorities.into_iter().enumerate().skip(1) {
            let thread = world.new_passive(priority);
            let (budget, sporadic) = match index {
                role::SECOND_CLIENT => (900, 0),
                role::SPORADIC => (900, 1),
                _ => (1000, 0),
            };
            let context = world.make(ObjectType::SchedContext, 8);
            let control = world.boot_info(core::mem::offset_of!(
                sel4_sys::boot_info::BootInfo,
                sched_control
            ));
            let words = [budget, 1000, 0, 7, sporadic];
            let configure = label::SCHED_CONTROL_CONFIGURE_FLAGS;
            world.expect(control, configure, &words, &[context]);
            let handler = endpoints[index % 2];
            let handler = world.mint(handler, CapRights::ALL, index as u64);
            let caps = match index {
                role::BORROWER | role::SERVER => [slot::TCB, context, slot::NULL],
                _ => [slot::TCB, context, handler],
            };
            let set = label::TCB_SET_SCHED_PARAMS;
            world.expect(thread.slot, set, &[priority, priority], &caps);
            world.expect(thread.slot, label::TCB_RESUME, &[], &[]);
            threads.push(thread.thread);
            match index {
                role::BORROWER => borrowed = context,
                role::MONITOR => {
                    let bind = label::TCB_BIND_NOTIFICATION;
                    world.expect(thread.slot, bind, &[], &[notifications[index]]);
                }
                _ => (),
            }
        }
        let stage = Self {
            path,
            vcpu: new_vcpu(&world),
            shared: shared_slots(&world),
            world,
            threads,
            endpoints,
            replies,
            notifications,
        };
        stage.attach_interrupt();
        stage.world.set_root_priority(1);
        while let Some(turn) = stage.turn()
            && turn > 0
        {
            match turn {
                role::BORROWER | role::SERVER => {
                    let which = turn - role::BORROWER;
                    let (endpoint, reply) = (stage.endpoints[which], stage.replies[which]);
                    stage.world.receive(syscall::RECV, endpoint, reply);
                }
                _ => drop(
                    stage
                        .world
                        .receive(syscall::WAIT, stage.notifications[turn], 0),
                ),
            }
        }
        let unbind = label::SCHED_CONTEXT_UNBIND;
        stage.world.expect(borrowed, unbind, &[], &[]);
        stage.world.set_root_priority(priorities[0]);
        stage
    }

    fn attach_interrupt(&self) {
        let handler = self.world.fresh_slot();
        let words = [handler, 64, 0, 4, 0, 0, 3];
        let issue = label::X86_IRQ_ISSUE_HANDLER_IO_APIC;
        self.world
            .expect(slot::IRQ_CONTROL, issue, &words, &[slot::CNODE]);
        let caps = [self.notifications[role::DRIVER]];
        self.world
            .expect(handler, label::IRQ_SET_HANDLER, &[], &caps);
    }

    /// Whose turn it is.
    fn turn(&self) -> Option<usize> {
        let current = self.world.kernel.current()?;
        self.threads.iter().position(|thread| *thread == current)
    }

    /// Does a step; answers how the kernel is left, what kind of step it was, and whether a fast path took it.
    fn step(&self, step: Step) -> (Resume, String, bool) {
        let kernel = &self.world.kernel;
        let guest = |thread| self.world.state(thread) == ThreadState::RunningGuest;
        let now = &kernel.machine().now;
        now.set(now.get() + step.ticks);
        if now.get() + kernel.min_budget() > kernel.core.deadline.get() {
            // A Yield looks at the clock in any case.
            return match kernel.current() {
                Some(current) if step.what < 12 && !guest(current) => {
                    self.call_system(current, Step { what: 5, ..step })
                }
                _ => (kernel.handle_timer(), "timer".into(), false),
            };
        }
        kernel.machine().take_events();
        match (step.what, kernel.current()) {
            (0, _) => (kernel.handle_timer(), "timer".into(), false),
            (1..=10, Some(current)) if guest(current) => self.interrupt("interrupt of a guest"),
            (1 | 2, _) | (_, None) => self.interrupt("interrupt"),
            (_, Some(current)) if guest(current) => {
                let resume = kernel.handle_guest_exit(step.value % 8, step.value, 0);
                (resume, "exit".into(), false)
            }
            (3 | 4, Some(current)) => self.fault(current, step),
            (_, Some(current)) => self.call_system(current, step),
        }
    }

    /// What the fast path did, or else what the general code does.
    fn either(
        &self,
        kind: &str,
        fast: impl FnOnce() -> Option<Resume>,
        general: impl FnOnce() -> Resume,
    ) -> (Resume, String, bool) {
        let resume = match self.path {
            Path::Fast => fast(),
            Path::General => None,
        };
        let is_fast = resume.is_some();
        (resume.unwrap_or_else(general), kind.into(), is_fast)
    }

    fn interrupt(&self, kind: &str) -> (Resume, String, bool) {
        let kernel = &self.world.kernel;
        let fast = || kernel.fast_interrupt(IRQ);
        self.either(kind, fast, || kernel.general_interrupt(IRQ))
    }

    fn fault(&self, current: TcbRef, step: Step) -> (Resume, String, bool) {
        let kernel = &self.world.kernel;
        let report = if step.what == 3 {
            FaultReport::memory(step.value, step.value & 0x17)
        } else {
            FaultReport::exception(step.value % 32, step.value >> 5)
        };
        let handler = current.slot(crate::address::TcbSlot::FaultHandler);
        let kind = match kernel.slot(handler).capability() {
            Capability::Endpoint(endpoint) if self.is_borrowers(endpoint.object) => {
                "fault to a server that borrows time"
            }
            _ => "fault to a server with time",
        };
        let fast = || kernel.fast_fault(&report).map(Resume::User);
        self.either(kind, fast, || kernel.general_fault(report))
    }

    fn is_borrowers(&self, endpoint: crate::EndpointRef) -> bool {
        matches!(self.world.capability(self.endpoints[0]),
            Capability::Endpoint(own) if own.object == endpoint)
    }

    /// A system call that suits the thread.
    fn call_system(&self, current: TcbRef, step: Step) -> (Resume, String, bool) {
        let turn = self.turn().expect("one of the threads");
        let value = step.value;
        let pick = |slots: &[u64]| slots[usize::try_from(value % 8).expect("small") % slots.len()];
        let length = usize::try_from(value >> 8 & 7).expect("small");
        let words: Vec<u64> = (value..).take(length).collect();
        self.world
            .set_message(current, u64::from(value.is_multiple_of(17)), &words, &[]);
        let own = self.notifications[turn];
        let (number, cptr, reply, kind) = match (turn, step.what) {
            (_, 5) => (syscall::YIELD, 0, 0, "yield"),
            (_, 6 | 7) => (syscall::SEND, pick(&self.notifications), 0, "send"),
            (role::BORROWER | role::SERVER, what) => {
                let which = turn - role::BORROWER;
                let (endpoint, reply) = (self.endpoints[which], self.replies[which]);
                match what {
                    8 => (syscall::RECV, endpoint, reply, "receive"),
                    9 => (
                        syscall::REPLY_RECV,
                        endpoint,
                        self.replies[1 - which],
                        "answer to another's",
                    ),
                    _ => (
                        syscall::REPLY_RECV,
                        endpoint,
                        reply,
                        self.answer_kind(reply),
                    ),
                }
            }
            (role::MONITOR, 8..=20) => {
                self.request_guest(current, value);
                (syscall::CALL, self.vcpu, 0, "guest")
            }
            (_, 8 | 9) => (syscall::SEND, pick(&self.endpoints), 0, "send"),
            (_, 10..=13) => (
                syscall::CALL,
                self.endpoints[0],
                0,
                "call of a server that borrows time",
            ),
            (_, 14..=16) => (
                syscall::CALL,
                self.endpoints[1],
                0,
                "call of a server with time",
            ),
            (_, 17) => (
                syscall::NB_SEND_WAIT,
                own,
                pick(&self.notifications),
                "signal and wait",
            ),
            _ => (syscall::WAIT, own, 0, "wait"),
        };
        self.world.set_registers(current, number, cptr);
        let context = &self.world.kernel.tcb(current).context;
        context.set(REPLY_REGISTER, reply);
        context.set(Register::Rip, context.get(Register::Rip).wrapping_add(2));
        let general = || self.world.kernel.handle_system_call();
        self.either(kind, || self.world.enter_fast(), general)
    }

    fn answer_kind(&self, reply: u64) -> &'static str {
        let kernel = &self.world.kernel;
        let Capability::Reply(reply) = self.world.capability(reply) else {
            panic!("no reply object");
        };
        let Some(client) = kernel.reply(reply.object).tcb.get() else {
            return "answer to nobody";
        };
        let client = kernel.tcb(client);
        match (client.fault.kind.get() != 0, client.sched_context.get()) {
            (false, None) => "answer to a client without time",
            (false, Some(_)) => "answer to a client with time",
            (true, None) => "answer to a fault of a thread without time",
            (true, Some(_)) => "answer to a fault of a thread with time",
        }
    }

    /// A request to run the guest, valid in most cases.
    fn request_guest(&self, monitor: TcbRef, value: u64) {
        let lengths = [
            0,
            run_request::WORDS_SHORT,
            run_request::WORDS_MEDIUM,
            run_request::WORDS_LONG,
            5,
        ];
        let length = lengths[usize::try_from(value % 16).expect("small") % 5];
        let mut words: Vec<u64> = (value..)
            .take(usize::try_from(length).expect("small"))
            .collect();
        if let Some(flags) = words.first_mut() {
            *flags = value >> 4 & 0x1f;
        }
        if let Some(event) = words.get_mut(run_request::EVENT) {
            *event = sel4_sys::extension::event::interrupt((value >> 9 & 0xff) as u8);
        }
        self.world
            .set_message(monitor, extension::VCPU_RUN, &words, &[]);
    }

    /// All that can be seen of the state, now or later; each number with the place of its thread or object.
    fn state(&self) -> Vec<(usize, u64)> {
        let kernel = &self.world.kernel;
        let mut seen = Vec::new();
        for (index, thread) in self.threads.iter().enumerate() {
            let mut note = |word| seen.push((index, word));
            let tcb = kernel.tcb(*thread);
            let registers = tcb.context.registers.iter().map(core::cell::Cell::get);
            registers.for_each(&mut note);
            // Where a thread would be restarted is of use only while it does not run.
            if kernel.current() != Some(*thread) {
                note(tcb.fault_address.get());
            }
            note(tcb.state.get() as u64);
            note(tcb.fault.kind.get());
            note(tcb.blocking_object.get());
            note(u64::from(tcb.in_ready_queue.get()) << 1 | u64::from(tcb.in_release_queue.get()));
            note(tcb.sched_context.get().map_or(0, SchedContextRef::address));
            note(tcb.reply.get().map_or(0, ReplyRef::address));
            note(tcb.vcpu.get().map_or(0, crate::VcpuRef::address));
            let neighbours = [
                &tcb.ready_previous,
                &tcb.ready_next,
                &tcb.queue_previous,
                &tcb.queue_next,
            ];
            neighbours.into_iter().map(address_of).for_each(&mut note);
            self.world.message(*thread).words.into_iter().for_each(note);
        }
        for (index, slot) in self.shared.iter().enumerate() {
            let note = |word| seen.push((THREADS + index, word));
            self.object(self.world.kernel.slot(*slot).capability(), note);
        }
        let mut note = |word| seen.push((usize::MAX, word));
        note(address_of(&kernel.core.current));
        note(kernel.core.payer.get().map_or(0, SchedContextRef::address));
        for ((_, id), value) in kernel.machine().guest_registers.borrow().iter() {
            note(*id);
            note(*value);
        }
        for event in kernel.machine().take_events() {
            if let Event::Mask(irq) = event {
                note(u64::from(irq));
            }
        }
        seen
    }

    /// What can be seen of an object that threads share.
    fn object(&self, capability: Capability, mut note: impl FnMut(u64)) {
        let kernel = &self.world.kernel;
        match capability {
            Capability::Notification(at) => {
                let state = kernel.notification(at.object);
                note(u64::from(state.active.get()));
                note(state.badge.get());
                note(address_of(&state.queue.head));
                note(address_of(&state.queue.tail));
            }
            Capability::Endpoint(at) => {
                let queue = &kernel.endpoint(at.object).queue;
                note(address_of(&queue.head));
                note(address_of(&queue.tail));
            }
            Capability::Reply(at) => {
                let state = kernel.reply(at.object);
                note(address_of(&state.tcb));
                note(state.previous.get().map_or(0, ReplyRef::address));
                note(state.next.get().map_or(0, ReplyRef::address));
                note(
                    state
                        .sched_context
                        .get()
                        .map_or(0, SchedContextRef::address),
                );
            }
            Capability::SchedContext(at) => {
                let state = kernel.sched_context(at.object);
                note(address_of(&state.tcb));
                note(state.reply.get().map_or(0, ReplyRef::address));
                // Time at which the fast paths have not looked yet counts as well.
                let core = &kernel.core;
                let pays = core.payer.get() == Some(at.object);
                let unseen = kernel.machine().now.get() - core.now.get() + core.consumed.get();
                note(state.consumed.get() + if pays { unseen } else { 0 });
                for index in 0..state.refill_max.get() {
                    let refill = kernel.refill(at.object, index);
                    note(refill.time.get());
                    note(refill.amount.get());
                }
            }
            _ => (),
        }
    }
}

fn address_of(thread: &core::cell::Cell<Option<TcbRef>>) -> u64 {
    thread.get().map_or(0, TcbRef::address)
}

/// The slots that hold objects which threads share.
fn shared_slots(world: &World) -> Vec<SlotRef> {
    let mut slots = invariants::reachable_slots(world);
    slots.retain(|slot| {
        use Capability::{Endpoint, Notification, Reply, SchedContext};
        let capability = world.kernel.slot(*slot).capability();
        matches!(
            capability,
            Endpoint(_) | Notification(_) | Reply(_) | SchedContext(_)
        )
    });
    slots
}

/// A virtual CPU with a nested space.
fn new_vcpu(world: &World) -> u64 {
    let vcpu = world.make(ObjectType::VCpu, 0);
    let space = world.make(ObjectType::NestedRoot, 0);
    world.expect(slot::ASID_POOL, label::X86_ASID_POOL_ASSIGN, &[], &[space]);
    world.expect(vcpu, extension::VCPU_SET_SPACE, &[], &[space]);
    vcpu
}
