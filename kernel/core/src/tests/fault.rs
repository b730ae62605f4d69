//! Fault messages and their answers.

use sel4_sys::object::ObjectType;
use sel4_sys::{CapRights, Error, fault, invocation as label, slot, syscall};

use super::invariants;
use super::world::{Answer, Thread, World};
use crate::object::{Register, ThreadState};

struct Faulting {
    world: World,
    thread: Thread,
    endpoint: u64,
    reply: u64,
}

/// A running thread above the root server's priority whose faults go to an endpoint with badge 0x99.
fn faulting() -> Faulting {
    let world = World::new();
    let endpoint = world.make(ObjectType::Endpoint, 0);
    let reply = world.make(ObjectType::Reply, 0);
    let handler = world.mint(endpoint, CapRights::ALL, 0x99);
    world.set_root_priority(100);
    let thread = world.new_passive(200);
    let context = world.new_context(1000, 1000);
    let words = [200, 200];
    let caps = [slot::TCB, context, handler];
    world.expect(thread.slot, label::TCB_SET_SCHED_PARAMS, &words, &caps);
    world.expect_yielding(thread.slot, label::TCB_RESUME, &[], &[]);
    assert!(world.is_current(thread.thread));
    Faulting {
        world,
        thread,
        endpoint,
        reply,
    }
}

impl Faulting {
    /// The root server receives the fault message.
    fn message(&self) -> Answer {
        assert!(self.world.is_current(self.world.root));
        self.world.receive(syscall::RECV, self.endpoint, self.reply);
        assert_eq!(self.world.badge(self.world.root), 0x99);
        self.world.message(self.world.root)
    }

    fn register(&self, register: Register) -> u64 {
        self.world
            .kernel
            .tcb(self.thread.thread)
            .context
            .get(register)
    }

    fn answer(&self, label: u64, words: &[u64]) {
        self.world.set_message(self.world.root, label, words, &[]);
        self.world.system_call(syscall::SEND, self.reply);
    }
}

#[test]
fn page_faults_are_reported_and_tried_again() {
    let faulting = faulting();
    let here = faulting.register(Register::Rip);
    faulting.world.kernel.handle_page_fault(0xdead_b000, 0x14);
    let message = Answer::of(fault::VM_FAULT, &[here, 0xdead_b000, 1, 0x14]);
    assert_eq!(faulting.message(), message);
    faulting.answer(5, &[]);
    assert!(faulting.world.is_current(faulting.thread.thread));
    assert_eq!(faulting.register(Register::Rip), here);
    invariants::check(&faulting.world);
}

#[test]
fn exceptions_change_three_registers_in_the_answer() {
    let faulting = faulting();
    let here = faulting.register(Register::Rip);
    faulting.world.kernel.handle_user_exception(6, 0);
    let Answer { label, words } = faulting.message();
    assert_eq!(label, fault::USER_EXCEPTION);
    assert_eq!(
        words,
        [
            here,
            faulting.register(Register::Rsp),
            faulting.register(Register::Rflags),
            6,
            0
        ]
    );
    faulting.answer(0, &[here + 2, 0x7000, u64::MAX]);
    assert_eq!(faulting.register(Register::Rip), here + 2);
    assert_eq!(faulting.register(Register::Rsp), 0x7000);
    // Interrupts on, no trap flag, no I/O privilege.
    assert_eq!(faulting.register(Register::Rflags), 0xed7);
}

#[test]
fn another_label_leaves_the_thread_stopped() {
    let faulting = faulting();
    faulting.world.kernel.handle_user_exception(6, 0);
    faulting.message();
    faulting.answer(1, &[]);
    assert_eq!(
        faulting.world.state(faulting.thread.thread),
        ThreadState::Inactive
    );
}

#[test]
fn unknown_system_calls_show_all_registers() {
    let faulting = faulting();
    let context = &faulting.world.kernel.tcb(faulting.thread.thread).context;
    for (register, value) in [(Register::Rax, 1), (Register::Rbx, 2), (Register::R15, 15)] {
        context.set(register, value);
    }
    let here = context.get(Register::Rip);
    faulting.world.system_call(-100, 0x33);
    let Answer { label, words } = faulting.message();
    assert_eq!(label, fault::UNKNOWN_SYSCALL);
    assert_eq!(words.len(), 19);
    assert_eq!((words[0], words[1], words[14]), (1, 2, 15));
    assert_eq!(words[5], 0x33, "RDI");
    assert_eq!(words[15], here, "the instruction itself");
    assert_eq!(words[18], (-100i64).cast_unsigned());
    let mut answer = words;
    answer[0] = 42;
    answer[15] = here + 2;
    answer.truncate(18);
    faulting.answer(0, &answer);
    assert_eq!(context.get(Register::Rax), 42);
    assert_eq!(context.get(Register::Rip), here + 2);
}

#[test]
fn failed_lookups_are_faults() {
    let faulting = faulting();
    let world = &faulting.world;
    let here = faulting.register(Register::Rip);
    world.send(syscall::SEND, 1 << 20, &[]);
    assert_eq!(
        faulting.message(),
        Answer::of(fault::CAP_FAULT, &[here, 1 << 20, 0, 4, 64, 0, 51])
    );
    faulting.answer(0, &[]);
    assert!(world.is_current(faulting.thread.thread));
    // It tries again; then it receives from something that cannot be received from.
    world.receive(syscall::RECV, slot::TCB, 0);
    assert_eq!(
        faulting.message(),
        Answer::of(fault::CAP_FAULT, &[here, slot::TCB, 1, 2, 0])
    );
}

#[test]
fn interrupt_instructions_are_unknown_system_calls() {
    let faulting = faulting();
    faulting
        .world
        .kernel
        .handle_unknown_system_call(0xa000_1234);
    assert_eq!(faulting.message().words[18], 0xa000_1234);
}

#[test]
fn handlers_must_be_able_to_get_answers() {
    let world = World::new();
    let endpoint = world.make(ObjectType::Endpoint, 0);
    let write = world.mint(endpoint, CapRights::WRITE, 0);
    let thread = world.new_passive(10);
    let words = [0, 0];
    let caps = [write, slot::CNODE, slot::VSPACE];
    assert_eq!(
        world.invoke(thread.slot, label::TCB_SET_SPACE, &words, &caps),
        Answer::error(Error::InvalidCapability, &[1])
    );
    let caps = [endpoint, slot::CNODE, slot::VSPACE];
    world.expect(thread.slot, label::TCB_SET_SPACE, &words, &caps);
    let caps = [12, slot::CNODE, slot::VSPACE];
    world.expect(thread.slot, label::TCB_SET_SPACE, &words, &caps);
}

#[test]
fn nobody_stops_the_machine() {
    let faulting = faulting();
    faulting.world.system_call(syscall::DEBUG_HALT, 0);
    assert_eq!(faulting.message().label, fault::UNKNOWN_SYSCALL);
}
