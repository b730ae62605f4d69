//! Priorities, ends of interrupts, timers, and registers that raise #GP.

use super::{
    registers::{DIVIDE, INITIAL_COUNT, INTERRUPT_COMMAND, LVT_TIMER, SPURIOUS},
    state::{AccessError, LocalApic},
};
use crate::{clock::Clock, interrupt::Delivery};

fn clock() -> Clock {
    Clock::new(1_000_000, 0, 0)
}

fn enabled() -> LocalApic {
    let mut apic = LocalApic::new();
    assert_eq!(apic.write(SPURIOUS, 0x1ff, &clock(), 0), Ok(None));
    apic
}

#[test]
fn higher_vectors_go_first_and_lower_ones_wait_for_the_end() {
    let mut apic = enabled();
    apic.request(0x41, false);
    apic.request(0xec, false);
    assert_eq!(apic.deliverable(0), Some(0xec));
    apic.begin_service(0xec);
    assert_eq!(apic.deliverable(0), None);
    assert_eq!(apic.end_of_interrupt(), None);
    assert_eq!(apic.deliverable(0), Some(0x41));
    assert_eq!(apic.deliverable(4), None);
}

#[test]
fn the_end_of_a_level_is_reported() {
    let mut apic = enabled();
    apic.request(0x51, true);
    apic.begin_service(0x51);
    assert_eq!(apic.end_of_interrupt(), Some(0x51));
    assert_eq!(apic.end_of_interrupt(), None);
}

#[test]
fn an_interrupted_delivery_is_requested_again() {
    let mut apic = enabled();
    apic.request(0x51, false);
    apic.begin_service(0x51);
    apic.undo_service(0x51);
    assert_eq!(apic.deliverable(0), Some(0x51));
}

#[test]
fn the_deadline_timer_fires_once() {
    let (clock, mut apic) = (clock(), enabled());
    assert!(apic.write(LVT_TIMER, 0x400ec, &clock, 0).is_ok());
    apic.set_timer_deadline(1000);
    apic.poll_timer(&clock, 999);
    assert_eq!(apic.deliverable(0), None);
    apic.poll_timer(&clock, 1000);
    assert_eq!(apic.deliverable(0), Some(0xec));
    assert_eq!(apic.timer_deadline_register(), 0);
    assert_eq!(apic.next_deadline(), None);
}

#[test]
fn the_periodic_timer_leaves_out_missed_periods() {
    let (clock, mut apic) = (clock(), enabled());
    assert!(apic.write(DIVIDE, 0xb, &clock, 0).is_ok());
    assert!(apic.write(LVT_TIMER, 0x200ec, &clock, 0).is_ok());
    assert!(apic.write(INITIAL_COUNT, 100, &clock, 0).is_ok());
    apic.poll_timer(&clock, 350);
    assert_eq!(apic.next_deadline(), Some(400));
    assert_eq!(apic.deliverable(0), Some(0xec));
}

#[test]
fn interrupt_commands_reach_only_the_one_cpu() {
    let (clock, mut apic) = (clock(), enabled());
    let to_self = apic.write(INTERRUPT_COMMAND, 0x4_00fd, &clock, 0);
    assert_eq!(
        to_self.ok().flatten().map(|message| message.delivery),
        Some(Delivery::Vector(0xfd))
    );
    let elsewhere = apic.write(INTERRUPT_COMMAND, (7 << 32) | 0xfd, &clock, 0);
    assert_eq!(elsewhere, Ok(None));
}

#[test]
fn reserved_registers_and_bits_are_refused() {
    let (clock, mut apic) = (clock(), enabled());
    assert_eq!(apic.write(SPURIOUS, 1 << 32, &clock, 0), Err(AccessError));
    assert_eq!(apic.write(0x02, 0, &clock, 0), Err(AccessError));
    assert_eq!(apic.read(0x0b, &clock, 0), Err(AccessError));
    assert_eq!(apic.read(0x31, &clock, 0), Err(AccessError));
    assert_eq!(apic.set_base(0xfee0_0900), Err(AccessError));
    assert_eq!(apic.set_base(apic.base()), Ok(()));
}
