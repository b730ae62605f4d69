//! Interrupts: handlers for I/O APIC inputs and message-signalled ones, acknowledgement, deletion.

use kernel_calls::invoke::{self, IoApicInput, MsiSource};
use sel4_sys::error::Error::{
    DeleteFirst, IllegalOperation, InvalidCapability, RangeError, RevokeFirst, TruncatedMessage,
};
use sel4_sys::{CapRights, invocation as label, slot};
use test_support::cpu::ticks;
use test_support::resources::path;
use test_support::{Failure, Outcome, Test, Tester, ensure, equal, expect, memory, refused};

pub(crate) const TESTS: &[Test] = &[
    Test {
        id: "interrupt-issue-0001",
        rule: "a vector is issued once, and again after its handler is deleted",
        run: issue_once,
    },
    Test {
        id: "interrupt-issue-0002",
        rule: "vectors above 107, unknown I/O APICs and pins are RangeError",
        run: issue_ranges,
    },
    Test {
        id: "interrupt-issue-0003",
        rule: "handlers of plain interrupt numbers are IllegalOperation, shorter messages TruncatedMessage",
        run: issue_plain,
    },
    Test {
        id: "interrupt-issue-0004",
        rule: "a message's source beyond bus 255, device 31 or function 7 is RangeError, after vector and slot were looked at",
        run: issue_message_ranges,
    },
    Test {
        id: "interrupt-handler-0001",
        rule: "a handler takes only a notification with the write right",
        run: handler_refusals,
    },
    Test {
        id: "interrupt-ioapic-0001",
        rule: "an edge at the I/O APIC (PIT) signals the notification, once for each acknowledgement",
        run: pit,
    },
    Test {
        id: "interrupt-ioapic-0002",
        rule: "an interrupt without acknowledgement comes once",
        run: without_acknowledgement,
    },
    Test {
        id: "interrupt-ioapic-0003",
        rule: "after the handler is cleared or deleted nothing is signalled",
        run: cleared,
    },
    Test {
        id: "interrupt-ioapic-0004",
        rule: "an interrupt preempts a thread of lower priority that never yields",
        run: preempts,
    },
    Test {
        id: "interrupt-level-0001",
        rule: "a level-triggered interrupt (HPET) comes again after each acknowledgement while the level holds",
        run: level,
    },
    Test {
        id: "interrupt-msi-0001",
        rule: "a message-signalled interrupt (HPET) signals the notification",
        run: message_signalled,
    },
];

fn io_apic(t: &mut Tester, pin: u64, level: u64, vector: u64) -> Result<u64, sel4_sys::Error> {
    let to = t.slot();
    let input = IoApicInput {
        io_apic: 0,
        pin,
        level,
        polarity: 0,
        vector,
    };
    invoke::irq_control_get_io_apic(&t.ipc, slot::IRQ_CONTROL, input, path(to))?;
    Ok(to)
}

fn issue_once(t: &mut Tester) -> Outcome {
    let handler = io_apic(t, 2, 0, 10)?;
    refused("the same vector", io_apic(t, 3, 0, 10), RevokeFirst)?;
    t.delete(handler)?;
    let handler = io_apic(t, 2, 0, 10)?;
    let copy = t.copy(handler, CapRights::ALL)?;
    t.delete(handler)?;
    refused(
        "a vector that a copy holds",
        io_apic(t, 2, 0, 10),
        RevokeFirst,
    )?;
    t.delete(copy)?;
    io_apic(t, 2, 0, 10)?;
    Ok(())
}

fn issue_plain(t: &mut Tester) -> Outcome {
    let to = t.slot();
    let issue = |words: &[u64], caps: &[u64]| {
        t.ipc
            .invoke(slot::IRQ_CONTROL, label::IRQ_ISSUE_HANDLER, words, caps)
    };
    let words = [1, to, 64];
    refused(
        "two words",
        issue(&words[..2], &[slot::CNODE]),
        TruncatedMessage,
    )?;
    refused("no CNode", issue(&words, &[]), TruncatedMessage)?;
    refused("line 1", issue(&words, &[slot::CNODE]), IllegalOperation)
}

fn issue_ranges(t: &mut Tester) -> Outcome {
    refused("vector 108", io_apic(t, 2, 0, 108), RangeError)?;
    refused("vector 2^64-1", io_apic(t, 2, 0, u64::MAX), RangeError)?;
    refused("pin 24", io_apic(t, 24, 0, 10), RangeError)?;
    refused("level 2", io_apic(t, 2, 2, 10), RangeError)?;
    let endpoint = t.endpoint()?;
    let input = IoApicInput {
        io_apic: 1,
        pin: 2,
        level: 0,
        polarity: 0,
        vector: 10,
    };
    let to = t.slot();
    let result = invoke::irq_control_get_io_apic(&t.ipc, slot::IRQ_CONTROL, input, path(to));
    refused("a second I/O APIC", result, RangeError)?;
    let input = IoApicInput {
        io_apic: 0,
        ..input
    };
    let result = invoke::irq_control_get_io_apic(&t.ipc, slot::IRQ_CONTROL, input, path(endpoint));
    refused("a used slot", result, DeleteFirst)
}

fn issue_message_ranges(t: &mut Tester) -> Outcome {
    let good = MsiSource {
        bus: 255,
        device: 31,
        function: 7,
        handle: 0,
        vector: 10,
    };
    let (free, used) = (t.slot(), t.endpoint()?);
    let issue =
        |source, to| invoke::irq_control_get_msi(&t.ipc, slot::IRQ_CONTROL, source, path(to));
    let far = MsiSource { bus: 256, ..good };
    refused("bus 256", issue(far, free), RangeError)?;
    refused("bus 256, a used slot", issue(far, used), DeleteFirst)?;
    let device = MsiSource { device: 32, ..good };
    refused("device 32", issue(device, free), RangeError)?;
    let function = MsiSource {
        function: 8,
        ..good
    };
    refused("function 8", issue(function, free), RangeError)?;
    let vector = MsiSource { vector: 108, ..far };
    refused("vector 108, a used slot", issue(vector, used), RangeError)?;
    issue(good, free)?;
    refused("a used vector", issue(far, used), RevokeFirst)
}

fn handler_refusals(t: &mut Tester) -> Outcome {
    let handler = io_apic(t, 2, 0, 10)?;
    let (endpoint, notification) = (t.endpoint()?, t.notification()?);
    let wait_only = t.copy(notification, CapRights::READ)?;
    let set = |with| invoke::irq_handler_set_notification(&t.ipc, handler, with);
    refused("an endpoint", set(endpoint), InvalidCapability)?;
    refused("no write right", set(wait_only), InvalidCapability)?;
    set(notification)?;
    invoke::irq_handler_ack(&t.ipc, handler)?;
    let wrong = t.ipc.invoke(handler, 1, &[0], &[]);
    refused("another label", wrong, IllegalOperation)?;
    let short = t.ipc.invoke(handler, label::IRQ_SET_HANDLER, &[], &[]);
    refused("a short message", short, TruncatedMessage)
}

/// The programmable interval timer's channel 0, which is wired to pin 2 of the I/O APIC.
struct Pit {
    ports: u64,
    handler: u64,
    notification: u64,
}

impl Pit {
    fn new(t: &mut Tester) -> Result<Self, Failure> {
        let ports = t.slot();
        invoke::io_port_control_issue(&t.ipc, slot::IO_PORT_CONTROL, 0x40, 0x43, path(ports))?;
        let handler = io_apic(t, 2, 0, 20)?;
        let notification = t.notification()?;
        let badged = t.mint(notification, CapRights::ALL, 0x1000)?;
        invoke::irq_handler_set_notification(&t.ipc, handler, badged)?;
        invoke::irq_handler_ack(&t.ipc, handler)?;
        let pit = Self {
            ports,
            handler,
            notification,
        };
        // What came before the test is not its own.
        pit.wait_us(t, 2_000);
        let _ = t.ipc.nb_wait(notification);
        invoke::irq_handler_ack(&t.ipc, handler)?;
        Ok(pit)
    }

    /// One edge after about a millisecond (mode 0, 1200 ticks of 1.193182 MHz).
    fn fire(&self, t: &Tester) -> Outcome {
        invoke::io_port_out8(&t.ipc, self.ports, 0x43, 0x30)?;
        invoke::io_port_out8(&t.ipc, self.ports, 0x40, 0xb0)?;
        invoke::io_port_out8(&t.ipc, self.ports, 0x40, 0x04)?;
        Ok(())
    }

    fn wait_us(&self, t: &Tester, duration_us: u64) {
        test_support::cpu::spin(duration_us * t.ticks_per_us());
    }

    /// The notification's word, 0 if nothing comes in a fifth of a second.
    fn poll(&self, t: &Tester) -> u64 {
        let deadline = ticks() + 200_000 * t.ticks_per_us();
        loop {
            let badge = t.ipc.nb_wait(self.notification).badge;
            if badge != 0 || ticks() > deadline {
                return badge;
            }
        }
    }
}

fn pit(t: &mut Tester) -> Outcome {
    let pit = Pit::new(t)?;
    for _ in 0..5 {
        pit.fire(t)?;
        equal("the word", pit.poll(t), 0x1000)?;
        invoke::irq_handler_ack(&t.ipc, pit.handler)?;
    }
    pit.fire(t)?;
    equal(
        "the word waited for",
        t.ipc.wait(pit.notification).badge,
        0x1000,
    )
}

fn without_acknowledgement(t: &mut Tester) -> Outcome {
    let pit = Pit::new(t)?;
    pit.fire(t)?;
    equal("the first", pit.poll(t), 0x1000)?;
    pit.fire(t)?;
    equal("the second, not acknowledged", pit.poll(t), 0)
}

fn cleared(t: &mut Tester) -> Outcome {
    let pit = Pit::new(t)?;
    t.ipc
        .invoke(pit.handler, label::IRQ_CLEAR_HANDLER, &[], &[])?;
    pit.fire(t)?;
    equal("the word after the clear", pit.poll(t), 0)?;
    t.delete(pit.handler)?;
    pit.fire(t)?;
    equal("the word after the delete", pit.poll(t), 0)
}

fn spin_for_ever(_: kernel_calls::Ipc, _: u64) {
    loop {
        test_support::cpu::pause();
    }
}

fn preempts(t: &mut Tester) -> Outcome {
    let pit = Pit::new(t)?;
    t.spawn(test_support::Plan::new(spin_for_ever, 0))?;
    for _ in 0..3 {
        pit.fire(t)?;
        equal("the word", t.ipc.wait(pit.notification).badge, 0x1000)?;
        invoke::irq_handler_ack(&t.ipc, pit.handler)?;
    }
    Ok(())
}

/// The high precision event timer's registers.
const HPET_PHYSICAL: u64 = 0xfed0_0000;
const CONFIGURATION: u64 = 0x10;
const STATUS: u64 = 0x20;
const COUNTER: u64 = 0xf0;
const TIMER_1: u64 = 0x120;

fn map_hpet(t: &mut Tester) -> Result<u64, Failure> {
    let frame = t.device_frame(HPET_PHYSICAL)?;
    let address = memory::fresh_address(9);
    t.map_with(
        slot::VSPACE,
        frame,
        address,
        CapRights::READ_WRITE,
        invoke::attributes::UNCACHED,
    )?;
    memory::store(address + CONFIGURATION, 0);
    memory::store(address + TIMER_1, 0);
    memory::store(address + STATUS, u64::MAX);
    Ok(address)
}

/// Starts timer 1 in one-shot mode with this configuration, to fire soon.
fn start_hpet(address: u64, configuration: u64) {
    memory::store(address + COUNTER, 0);
    memory::store(address + TIMER_1, configuration);
    memory::store(address + TIMER_1 + 8, 100_000);
    memory::store(address + CONFIGURATION, 1);
}

fn level(t: &mut Tester) -> Outcome {
    const LEVEL_TRIGGERED: u64 = 1 << 1;
    const ENABLED: u64 = 1 << 2;
    let address = map_hpet(t)?;
    let routes = memory::load(address + TIMER_1) >> 32;
    let pin = (16..24).find(|pin| routes & (1 << pin) != 0);
    let pin = expect(pin, "pin for the HPET")?;
    let handler = io_apic(t, pin, 1, 30)?;
    let notification = t.notification()?;
    let badged = t.mint(notification, CapRights::ALL, 0x2000)?;
    invoke::irq_handler_set_notification(&t.ipc, handler, badged)?;
    // A new handler's line is masked until its first acknowledgement.
    invoke::irq_handler_ack(&t.ipc, handler)?;
    start_hpet(address, LEVEL_TRIGGERED | ENABLED | (pin << 9));
    for _ in 0..3 {
        equal("the word", t.ipc.wait(notification).badge, 0x2000)?;
        equal("the status", memory::load(address + STATUS) & 2, 2)?;
        invoke::irq_handler_ack(&t.ipc, handler)?;
    }
    // Take the level away: then nothing more comes.
    memory::store(address + CONFIGURATION, 0);
    memory::store(address + TIMER_1, 0);
    memory::store(address + STATUS, u64::MAX);
    let _ = t.ipc.nb_wait(notification);
    invoke::irq_handler_ack(&t.ipc, handler)?;
    test_support::cpu::spin(5_000 * t.ticks_per_us());
    equal(
        "the word without level",
        t.ipc.nb_wait(notification).badge,
        0,
    )
}

fn message_signalled(t: &mut Tester) -> Outcome {
    const CAPABLE: u64 = 1 << 15;
    const BY_MESSAGE: u64 = 1 << 14;
    const ENABLED: u64 = 1 << 2;
    const VECTOR: u64 = 40;
    let address = map_hpet(t)?;
    if memory::load(address + TIMER_1) & CAPABLE == 0 {
        return Err(Failure::skipped(
            "this HPET sends no messages (-global hpet.msi=on)",
        ));
    }
    let to = t.slot();
    let source = MsiSource {
        bus: 0,
        device: 0,
        function: 0,
        handle: 0,
        vector: VECTOR,
    };
    invoke::irq_control_get_msi(&t.ipc, slot::IRQ_CONTROL, source, path(to))?;
    let notification = t.notification()?;
    let badged = t.mint(notification, CapRights::ALL, 0x4000)?;
    invoke::irq_handler_set_notification(&t.ipc, to, badged)?;
    for _ in 0..3 {
        // Fixed delivery to local APIC 0.
        memory::store(
            address + TIMER_1 + 0x10,
            (0xfee0_0000 << 32) | (VECTOR + 0x30),
        );
        start_hpet(address, ENABLED | BY_MESSAGE);
        equal("the word", t.ipc.wait(notification).badge, 0x4000)?;
        invoke::irq_handler_ack(&t.ipc, to)?;
        memory::store(address + CONFIGURATION, 0);
    }
    memory::store(address + TIMER_1, 0);
    let ends = t.ipc.nb_wait(notification).badge;
    ensure(ends == 0, "one interrupt too many")
}
