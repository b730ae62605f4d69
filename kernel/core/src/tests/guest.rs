//! Virtual CPUs and nested spaces.

use sel4_sys::extension::{event, exit_message, label as extension, reason, register, run_request};
use sel4_sys::object::ObjectType;
use sel4_sys::{CapRights, Error, invocation as label, slot, syscall};

use super::invariants;
use super::world::{Answer, World};
use crate::Resume;
use crate::capability::{Capability, Level};
use crate::object::ThreadState;

struct Guest {
    world: World,
    vcpu: u64,
    space: u64,
}

fn guest() -> Guest {
    let world = World::new();
    let vcpu = world.make(ObjectType::VCpu, 0);
    let space = world.make(ObjectType::NestedRoot, 0);
    world.expect(slot::ASID_POOL, label::X86_ASID_POOL_ASSIGN, &[], &[space]);
    world.expect(vcpu, extension::VCPU_SET_SPACE, &[], &[space]);
    Guest { world, vcpu, space }
}

impl Guest {
    fn run(&self, words: &[u64]) -> Resume {
        let root = self.world.root;
        self.world
            .set_message(root, extension::VCPU_RUN, words, &[]);
        self.world.system_call(syscall::CALL, self.vcpu)
    }

    fn register(&self, id: u64) -> u64 {
        let answer = self
            .world
            .invoke(self.vcpu, extension::VCPU_READ_REGISTERS, &[id], &[]);
        answer.words[0]
    }
}

#[test]
fn running_enters_the_guest_and_an_exit_returns() {
    let guest = guest();
    let resume = guest.run(&[]);
    assert!(
        matches!(resume, Resume::Guest(_) if guest.world.kernel.current() == Some(guest.world.root))
    );
    let resume = guest.world.kernel.handle_guest_exit(reason::CPUID, 7, 8);
    assert_eq!(resume, Resume::User(guest.world.root));
    let Answer { label, words } = guest.world.message(guest.world.root);
    assert_eq!(label, 0);
    assert_eq!(words.len() as u64, exit_message::WORDS);
    assert_eq!(words[..4], [reason::CPUID, 7, 8, exit_message::RIP as u64]);
    assert_eq!(words[31], 31);
    invariants::check(&guest.world);
}

#[test]
fn requests_write_registers_before_entering() {
    let guest = guest();
    let mut words = [0; 20];
    words[0] = run_request::flag::RIP | run_request::flag::RFLAGS | run_request::flag::EVENT;
    words[1] = 0xfff0;
    words[2] = 0;
    words[3] = event::interrupt(0x21);
    for (word, value) in words[4..].iter_mut().zip(100..) {
        *word = value;
    }
    guest.run(&words);
    guest.world.kernel.handle_guest_exit(reason::HALT, 0, 0);
    assert_eq!(guest.register(register::RIP), 0xfff0);
    assert_eq!(guest.register(register::RFLAGS), 2);
    assert_eq!(guest.register(register::GENERAL), 100);
    assert_eq!(guest.register(register::GENERAL + 15), 115);
    // Eight words write four of them.
    guest.run(&[0, 0, 0, 0, 200, 201, 202, 203]);
    assert_eq!(guest.register(register::GENERAL), 200);
    assert_eq!(guest.register(register::GENERAL + 3), 203);
    assert_eq!(guest.register(register::GENERAL + 4), 104);
}

#[test]
fn bad_requests_are_refused_and_change_nothing() {
    let guest = guest();
    let refused = |words: &[u64]| {
        guest.run(words);
        guest.world.message(guest.world.root)
    };
    assert_eq!(
        refused(&[1, 5]),
        Answer::error(Error::TruncatedMessage, &[])
    );
    assert_eq!(
        refused(&[1, 5, 0, 0, 0, 0, 0]),
        Answer::error(Error::TruncatedMessage, &[])
    );
    assert_eq!(
        refused(&[0; 21]),
        Answer::error(Error::RangeError, &[0, 20])
    );
    assert_eq!(
        refused(&[1 << 5, 0, 0, 0]),
        Answer::error(Error::InvalidArgument, &[0])
    );
    let bad_event = run_request::flag::EVENT | run_request::flag::RIP;
    assert_eq!(
        refused(&[bad_event, 5, 0, 1]),
        Answer::error(Error::InvalidArgument, &[3])
    );
    assert_eq!(guest.register(register::RIP), 0);
}

#[test]
fn a_signal_ends_the_run() {
    let guest = guest();
    let world = &guest.world;
    let notification = world.make(ObjectType::Notification, 0);
    let badged = world.mint(notification, CapRights::WRITE, 6);
    world.expect(
        slot::TCB,
        label::TCB_BIND_NOTIFICATION,
        &[],
        &[notification],
    );
    guest.run(&[]);
    let Capability::Notification(capability) = world.capability(badged) else {
        panic!("no notification");
    };
    world.kernel.signal(capability.object, capability.badge);
    assert_eq!(world.state(world.root), ThreadState::Running);
    assert_eq!(world.badge(world.root), 6);
    assert_eq!(world.message(world.root).words[0], reason::NOTIFICATION);
    // A signal that is there already ends the run before it begins.
    world.send(syscall::SEND, badged, &[]);
    assert_eq!(guest.run(&[]), Resume::User(world.root));
    assert_eq!(world.badge(world.root), 6);
}

#[test]
fn the_end_of_the_budget_pauses_the_guest_unseen() {
    let guest = guest();
    let world = &guest.world;
    let other = world.new_thread(254);
    guest.run(&[]);
    world.kernel.reschedule();
    assert!(matches!(world.kernel.leave(), Resume::Guest(..)));
    world.set_root_priority_of_guest(1);
    assert!(world.is_current(other.thread));
    assert_eq!(world.state(world.root), ThreadState::RunningGuest);
    world.kernel.suspend(other.thread);
    assert!(
        matches!(world.kernel.leave(), Resume::Guest(_) if world.kernel.current() == Some(world.root))
    );
}

#[test]
fn a_suspended_run_goes_on_where_it_was() {
    let guest = guest();
    let world = &guest.world;
    let flags = run_request::flag::RIP;
    guest.run(&[flags, 0x1000, 0, 0]);
    let Capability::Vcpu(vcpu) = world.capability(guest.vcpu) else {
        panic!("no vcpu");
    };
    crate::Machine::vcpu_set_register(world.kernel.machine(), vcpu, register::RIP, 0x2000);
    world.kernel.suspend(world.root);
    world.kernel.restart(world.root);
    world.kernel.leave();
    world.enter();
    assert_eq!(world.state(world.root), ThreadState::RunningGuest);
    world.kernel.handle_guest_exit(reason::HALT, 0, 0);
    assert_eq!(
        guest.register(register::RIP),
        0x2000,
        "not set back by the old request"
    );
}

#[test]
fn registers_that_would_touch_the_host_are_refused() {
    let guest = guest();
    let write = |id, value| {
        guest.world.invoke(
            guest.vcpu,
            extension::VCPU_WRITE_REGISTERS,
            &[id, value],
            &[],
        )
    };
    let refused = Answer::error(Error::InvalidArgument, &[0]);
    const SVME: u64 = 1 << 12;
    assert_eq!(write(register::EFER, SVME), refused);
    assert_eq!(write(register::EFER, 0xd01), Answer::ok());
    assert_eq!(write(register::XCR0, 0), refused);
    assert_eq!(write(register::XCR0, 5), refused);
    assert_eq!(write(register::XCR0, 0xe7), refused);
    assert_eq!(write(register::XCR0, 7), Answer::ok());
    assert_eq!(write(register::LSTAR, 1 << 47), refused);
    assert_eq!(write(register::KERNEL_GS_BASE, 1 << 63), refused);
    assert_eq!(write(register::PAT, 2), refused);
    assert_eq!(write(register::CR4, 1 << 22), refused, "PKE");
    assert_eq!(write(register::CR8, 16), refused);
    assert_eq!(write(register::TSC_AUX, 1 << 32), refused);
    assert_eq!(write(register::COUNT, 0), refused);
    let pairs = [register::RIP, 9, register::XCR0, 0];
    let answer = guest
        .world
        .invoke(guest.vcpu, extension::VCPU_WRITE_REGISTERS, &pairs, &[]);
    assert_eq!(answer, Answer::error(Error::InvalidArgument, &[2]));
    assert_eq!(guest.register(register::RIP), 0, "all or nothing");
}

#[test]
fn nested_tables_fill_the_highest_missing_level() {
    let guest = guest();
    let world = &guest.world;
    let address = 0x1234_5000;
    let tables = world.make_many(ObjectType::NestedTable, 0, 4);
    let map = |table| {
        world.invoke(
            table,
            extension::NESTED_TABLE_MAP,
            &[address],
            &[guest.space],
        )
    };
    for (table, level) in (tables..).zip([Level::Pointers, Level::Directory, Level::Table]) {
        assert_eq!(map(table), Answer::ok());
        assert!(
            matches!(world.capability(table), Capability::Table(table) if table.level == level)
        );
    }
    assert_eq!(map(tables + 3), Answer::error(Error::DeleteFirst, &[]));
    let frame = world.make(ObjectType::Page, 0);
    let words = [address, CapRights::READ_WRITE.0, 1];
    world.expect(frame, extension::NESTED_PAGE_MAP, &words, &[guest.space]);
    let Capability::Table(root) = world.capability(guest.space) else {
        panic!("no root");
    };
    let entry = world.kernel.entry(root.object, address, Level::Table);
    let entry = entry.expect("tables are there").get();
    assert_eq!(entry.word() >> 63, 1, "not executable");
    // The same capability cannot be mapped in a host space as well.
    let host = world.invoke(
        frame,
        label::X86_PAGE_MAP,
        &[address, 3, 0],
        &[slot::VSPACE],
    );
    assert_eq!(host, Answer::error(Error::InvalidCapability, &[1]));
    world.expect(frame, label::X86_PAGE_UNMAP, &[], &[]);
    assert!(
        !world
            .kernel
            .entry(root.object, address, Level::Table)
            .expect("there")
            .get()
            .is_present()
    );
    // A host table does not fit into a nested space, nor the other way round.
    let table = world.make(ObjectType::PageTable, 0);
    let wrong = world.invoke(
        table,
        extension::NESTED_TABLE_MAP,
        &[address],
        &[guest.space],
    );
    assert_eq!(wrong, Answer::error(Error::IllegalOperation, &[]));
    let wrong = world.invoke(
        table,
        label::X86_PAGE_TABLE_MAP,
        &[address, 0],
        &[guest.space],
    );
    assert_eq!(wrong, Answer::error(Error::InvalidCapability, &[1]));
    invariants::check(world);
}

#[test]
fn a_guest_without_space_does_not_run() {
    let guest = guest();
    let world = &guest.world;
    guest.run(&[]);
    let slot = world
        .kernel
        .lookup_slot(world.root, guest.space)
        .expect("is there");
    assert!(world.kernel.delete(slot).is_ok());
    assert_eq!(world.kernel.leave(), Resume::User(world.root));
    assert_eq!(world.message(world.root).words[0], reason::INVALID_STATE);
    guest.run(&[]);
    assert_eq!(
        world.message(world.root),
        Answer::error(Error::FailedLookup, &[0, 1])
    );
}

#[test]
fn deleting_the_vcpu_ends_the_run() {
    let guest = guest();
    let world = &guest.world;
    guest.run(&[]);
    let slot = world
        .kernel
        .lookup_slot(world.root, guest.vcpu)
        .expect("is there");
    assert!(world.kernel.delete(slot).is_ok());
    assert_eq!(world.kernel.leave(), Resume::User(world.root));
    assert_eq!(world.message(world.root).words[0], reason::INVALID_STATE);
}
