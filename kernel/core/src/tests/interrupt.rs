//! Interrupt lines and I/O ports.

use sel4_sys::object::ObjectType;
use sel4_sys::{CapRights, Error, invocation as label, slot, syscall};

use super::host::Event;
use super::invariants;
use super::world::{Answer, World};
use crate::capability::Capability;

fn issue(world: &World, to: u64, words: [u64; 5]) -> Answer {
    let [ioapic, pin, level, polarity, vector] = words;
    let words = [to, 64, ioapic, pin, level, polarity, vector];
    world.invoke(
        slot::IRQ_CONTROL,
        label::X86_IRQ_ISSUE_HANDLER_IO_APIC,
        &words,
        &[slot::CNODE],
    )
}

#[test]
fn handlers_are_issued_once() {
    let world = World::new();
    let to = world.fresh_slot();
    assert_eq!(
        issue(&world, to, [0, 4, 0, 0, 108]),
        Answer::error(Error::RangeError, &[0, 107])
    );
    assert_eq!(
        issue(&world, to, [1, 4, 0, 0, 3]),
        Answer::error(Error::RangeError, &[0, 0])
    );
    assert_eq!(
        issue(&world, to, [0, 24, 0, 0, 3]),
        Answer::error(Error::RangeError, &[0, 23])
    );
    assert_eq!(
        issue(&world, to, [0, 4, 2, 0, 3]),
        Answer::error(Error::RangeError, &[0, 1])
    );
    assert_eq!(
        issue(&world, to, [0, 4, 0, 2, 3]),
        Answer::error(Error::RangeError, &[0, 1])
    );
    assert_eq!(
        issue(&world, slot::TCB, [0, 4, 0, 0, 3]),
        Answer::error(Error::DeleteFirst, &[])
    );
    world.kernel.machine().take_events();
    assert_eq!(issue(&world, to, [0, 4, 0, 0, 3]), Answer::ok());
    assert!(
        world
            .kernel
            .machine()
            .take_events()
            .contains(&Event::Route(0, 4, 19))
    );
    assert_eq!(world.capability(to), Capability::IrqHandler(19));
    let second = world.fresh_slot();
    assert_eq!(
        issue(&world, second, [0, 5, 0, 0, 3]),
        Answer::error(Error::RevokeFirst, &[])
    );
    world.delete(to);
    assert_eq!(issue(&world, second, [0, 5, 0, 0, 3]), Answer::ok());
    let plain = |words: &[u64]| {
        let caps = [slot::CNODE];
        world.invoke(slot::IRQ_CONTROL, label::IRQ_ISSUE_HANDLER, words, &caps)
    };
    assert_eq!(
        plain(&[1, second]),
        Answer::error(Error::TruncatedMessage, &[])
    );
    let plain = plain(&[1, second, 64]);
    assert_eq!(plain, Answer::error(Error::IllegalOperation, &[]));
    invariants::check(&world);
}

#[test]
fn interrupts_signal_and_stay_quiet_until_acknowledged() {
    let world = World::new();
    let handler = world.fresh_slot();
    assert_eq!(issue(&world, handler, [0, 4, 1, 1, 3]), Answer::ok());
    let notification = world.make(ObjectType::Notification, 0);
    let badged = world.mint(notification, CapRights::WRITE, 0x40);
    let read = world.mint(notification, CapRights::READ, 0);
    let set = |cap| world.invoke(handler, label::IRQ_SET_HANDLER, &[], &[cap]);
    assert_eq!(set(read), Answer::error(Error::InvalidCapability, &[0]));
    assert_eq!(
        set(slot::TCB),
        Answer::error(Error::InvalidCapability, &[0])
    );
    assert_eq!(set(badged), Answer::ok());
    world.kernel.machine().take_events();
    world.kernel.handle_interrupt(19);
    assert!(
        world
            .kernel
            .machine()
            .take_events()
            .contains(&Event::Mask(19))
    );
    world.system_call(syscall::WAIT, notification);
    assert_eq!(world.badge(world.root), 0x40);
    world.expect(handler, label::IRQ_ACK, &[], &[]);
    assert!(
        world
            .kernel
            .machine()
            .take_events()
            .contains(&Event::Unmask(19))
    );
    world.expect(handler, label::IRQ_CLEAR_HANDLER, &[], &[]);
    world.kernel.handle_interrupt(19);
    world.system_call(syscall::NB_WAIT, notification);
    assert_eq!(world.badge(world.root), 0);
}

#[test]
fn deleting_the_notification_is_seen_by_the_handler() {
    let world = World::new();
    let handler = world.fresh_slot();
    assert_eq!(issue(&world, handler, [0, 4, 1, 1, 3]), Answer::ok());
    let notification = world.make(ObjectType::Notification, 0);
    let untouched = world.make(ObjectType::Notification, 0);
    world.expect(handler, label::IRQ_SET_HANDLER, &[], &[notification]);
    world.revoke(notification);
    world.delete(notification);
    world.kernel.handle_interrupt(19);
    world.expect(handler, label::IRQ_SET_HANDLER, &[], &[untouched]);
    invariants::check(&world);
}

#[test]
fn messages_name_a_pci_function() {
    let world = World::new();
    let to = world.fresh_slot();
    let issue = |words: [u64; 5]| {
        let [bus, device, function, handle, vector] = words;
        let words = [to, 64, bus, device, function, handle, vector];
        world.invoke(
            slot::IRQ_CONTROL,
            label::X86_IRQ_ISSUE_HANDLER_MSI,
            &words,
            &[slot::CNODE],
        )
    };
    assert_eq!(
        issue([256, 0, 0, 0, 5]),
        Answer::error(Error::RangeError, &[0, 255])
    );
    assert_eq!(
        issue([0, 32, 0, 0, 5]),
        Answer::error(Error::RangeError, &[0, 31])
    );
    assert_eq!(
        issue([0, 0, 8, 0, 5]),
        Answer::error(Error::RangeError, &[0, 7])
    );
    assert_eq!(issue([0, 4, 0, 0, 5]), Answer::ok());
    assert_eq!(world.capability(to), Capability::IrqHandler(21));
}

#[test]
fn ports_are_reached_within_their_range_only() {
    let world = World::new();
    let to = world.fresh_slot();
    let issue = |first, last, to| {
        let words = [first, last, to, 64];
        world.invoke(
            slot::IO_PORT_CONTROL,
            label::X86_IO_PORT_CONTROL_ISSUE,
            &words,
            &[slot::CNODE],
        )
    };
    assert_eq!(
        issue(0x3ff, 0x3f8, to),
        Answer::error(Error::InvalidArgument, &[1])
    );
    assert_eq!(issue(0x3f8, 0x3ff, to), Answer::ok());
    let second = world.fresh_slot();
    assert_eq!(
        issue(0x3ff, 0x400, second),
        Answer::error(Error::RevokeFirst, &[])
    );
    let input = |label, port| world.invoke(to, label, &[port], &[]);
    let illegal = Answer::error(Error::IllegalOperation, &[]);
    assert_eq!(
        input(label::X86_IO_PORT_IN8, 0x3f8),
        Answer::of(0, &[0x3f9])
    );
    assert_eq!(input(label::X86_IO_PORT_IN8, 0x400), illegal);
    assert_eq!(input(label::X86_IO_PORT_IN16, 0x3ff), illegal);
    assert_eq!(
        input(label::X86_IO_PORT_IN32, 0x3fc),
        Answer::of(0, &[0x3fd])
    );
    assert_eq!(input(label::X86_IO_PORT_IN32, 0x3fd), illegal);
    world.kernel.machine().take_events();
    world.expect(to, label::X86_IO_PORT_OUT8, &[0x3f8, 0x41], &[]);
    assert!(
        world
            .kernel
            .machine()
            .take_events()
            .contains(&Event::PortOut(0x3f8, 0x41))
    );
    world.delete(to);
    assert_eq!(issue(0x3ff, 0x400, second), Answer::ok());
}
