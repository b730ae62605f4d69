//! Guests in 64-bit mode: memory, page walks, exceptions and interrupts.

use core::sync::atomic::Ordering::SeqCst;

use kernel_calls::{Ipc, invoke};
use sel4_sys::MessageInfo;
use sel4_sys::extension::exit_message::{self, state};
use sel4_sys::extension::{event, label, reason, register};
use test_support::guest::long_mode::{CODE, DATA, NO_MEMORY, STACK, handler};
use test_support::guest::{Exit, Guest};
use test_support::threads::{clear_notes, note, noted};
use test_support::{Outcome, Plan, Test, Tester, ensure, equal, guest_programs as programs};

pub(crate) const TESTS: &[Test] = &[
    Test {
        id: "guest-mode-0001",
        rule: "64-bit registers travel both ways",
        run: registers,
    },
    Test {
        id: "guest-mode-0002",
        rule: "a guest goes from real mode through protected mode into 64-bit mode by itself",
        run: to_long_mode,
    },
    Test {
        id: "guest-memory-0001",
        rule: "a write where no memory is exits with its exact address and touches nothing",
        run: device_write,
    },
    Test {
        id: "guest-memory-0002",
        rule: "a guest's page tables that are no memory exit as page walk",
        run: page_walk,
    },
    Test {
        id: "guest-memory-0003",
        rule: "an instruction fetched from where no memory is exits as fetch",
        run: fetch,
    },
    Test {
        id: "guest-memory-0004",
        rule: "memory taken away while the guest runs is gone at once",
        run: unmap_while_running,
    },
    Test {
        id: "guest-memory-0005",
        rule: "addresses behind 2^47 and the end of the nested space exit and reach nothing",
        run: far_addresses,
    },
    Test {
        id: "guest-event-0001",
        rule: "a guest's own exceptions go to its own handlers without an exit",
        run: own_exception,
    },
    Test {
        id: "guest-event-0002",
        rule: "an injected page fault brings its error code",
        run: page_fault,
    },
    Test {
        id: "guest-event-0003",
        rule: "an interrupt is taken when the guest switches interrupts on, and only then",
        run: interrupt,
    },
    Test {
        id: "guest-event-0004",
        rule: "an NMI is taken with interrupts off",
        run: nmi,
    },
    Test {
        id: "guest-event-0005",
        rule: "an interrupt waits for the task priority",
        run: task_priority,
    },
    Test {
        id: "guest-event-0006",
        rule: "an event whose delivery faults is reported, and can be injected again",
        run: interrupted_delivery,
    },
    Test {
        id: "guest-event-0007",
        rule: "every interrupt vector above the exceptions reaches its handler once",
        run: every_vector,
    },
    Test {
        id: "guest-state-0001",
        rule: "impossible states end in an exit, not in the kernel",
        run: impossible_states,
    },
];

fn is_halt(exit: &Exit) -> Outcome {
    equal("the reason", exit.reason, reason::HALT)
}

/// The guest called the monitor from the handler of this vector.
fn is_in_handler(exit: &Exit, vector: u64) -> Outcome {
    equal("the reason", exit.reason, reason::HYPERCALL)?;
    equal("RIP", exit.rip, handler(vector))
}

fn registers(t: &mut Tester) -> Outcome {
    let guest = Guest::long_mode(t, programs::registers())?;
    let exit = guest.run(t)?;
    equal("the reason", exit.reason, reason::HYPERCALL)?;
    equal("RAX", exit.general(0), 0x1122_3344_5566_7788)?;
    equal("R15", exit.general(15), !0x1122_3344_5566_7788)?;
    equal("the mode", exit.state() & state::CODE_64, state::CODE_64)?;
    equal("CR3", exit.word(exit_message::CR3), 0x1000)?;
    equal("EFER", exit.word(exit_message::EFER), 0xd01)?;
    let general = core::array::from_fn(|index| 0x0101_0101_0101_0101 * index as u64);
    let exit = guest.answer(t, &exit, 3, &general)?;
    is_halt(&exit)?;
    equal("RAX", exit.general(0), general[0] + general[3])?;
    for (number, value) in general.into_iter().enumerate().skip(1) {
        equal("a register", exit.general(number), value)?;
    }
    Ok(())
}

fn to_long_mode(t: &mut Tester) -> Outcome {
    let guest = Guest::long_mode(t, &[])?;
    let at = u64::from(programs::TO_LONG_MODE_AT);
    guest.put(at, programs::to_long_mode());
    let code_segment = 0x9b << 16 | 0xffff << 32;
    let data_segment = 0x93 << 16 | 0xffff << 32;
    guest.set(
        t,
        &[
            (register::CR0, 0x10),
            (register::CR3, 0),
            (register::CR4, 0),
            (register::EFER, 0),
            (register::CS, code_segment),
            (register::SS, data_segment),
            (register::DS, data_segment),
            (register::RIP, at),
        ],
    )?;
    let exit = guest.run(t)?;
    equal("the reason", exit.reason, reason::MSR_READ)?;
    equal("the register", exit.detail, 0xc000_0080)?;
    let mut general = core::array::from_fn(|index| exit.general(index));
    (general[0], general[2]) = (0, 0);
    let exit = guest.answer(t, &exit, 2, &general)?;
    equal("the reason", exit.reason, reason::MSR_WRITE)?;
    equal("the value", exit.detail_2, 0x100)?;
    let rip = exit.rip;
    guest.set(t, &[(register::EFER, 0x100), (register::RIP, rip + 2)])?;
    let exit = guest.run(t)?;
    equal("the reason", exit.reason, reason::HYPERCALL)?;
    equal("RAX", exit.general(0), 0x1122_3344_5566_7788)?;
    equal("long mode is active", exit.word(exit_message::EFER), 0x500)?;
    equal("the mode", exit.state() & state::CODE_64, state::CODE_64)
}

/// Sets RDI.
fn set_destination(t: &Tester, guest: &Guest, address: u64) -> Outcome {
    Ok(guest.set(t, &[(register::GENERAL + 7, address)])?)
}

fn device_write(t: &mut Tester) -> Outcome {
    let guest = Guest::long_mode(t, programs::touch())?;
    set_destination(t, &guest, NO_MEMORY + 0x40)?;
    let exit = guest.run(t)?;
    equal("the reason", exit.reason, reason::MEMORY)?;
    equal("the access", exit.detail, 2)?;
    equal("the address", exit.detail_2, NO_MEMORY + 0x40)?;
    equal("RIP", exit.rip, CODE)?;
    let exit = guest.skip(t, &exit, 6)?;
    equal("the reason of the read", exit.reason, reason::MEMORY)?;
    equal("the access", exit.detail, 0)?;
    equal("the address", exit.detail_2, NO_MEMORY + 0x40)?;
    let exit = guest.skip(t, &exit, 2)?;
    is_halt(&exit)?;
    // Where the address would fall if its high bits were lost.
    equal("the guest's memory", guest.word(0x40), 0)
}

fn page_walk(t: &mut Tester) -> Outcome {
    let guest = Guest::long_mode(t, programs::registers())?;
    guest.set(t, &[(register::CR3, 0x40_0000)])?;
    let exit = guest.run(t)?;
    equal("the reason", exit.reason, reason::MEMORY)?;
    equal("the page walk", exit.detail & 8, 8)?;
    equal("the page", exit.detail_2 & !0xfff, 0x40_0000)
}

fn fetch(t: &mut Tester) -> Outcome {
    let guest = Guest::long_mode(t, programs::jump())?;
    set_destination(t, &guest, NO_MEMORY + 0x80)?;
    let exit = guest.run(t)?;
    equal("the reason", exit.reason, reason::MEMORY)?;
    equal("the access", exit.detail, 4)?;
    equal("the page", exit.detail_2 & !0xfff, NO_MEMORY)?;
    equal("RIP", exit.rip, NO_MEMORY + 0x80)
}

/// Runs the guest until it exits, and notes the reason and the details.
fn run_guest(ipc: Ipc, vcpu: u64) {
    let info = MessageInfo::new(label::VCPU_RUN, 0, 0);
    let received = ipc.call(vcpu, info, [0; 4]);
    for index in 0..4 {
        note(index + 1).store(received.message[index], SeqCst);
    }
    note(0).store(received.info.label() + 1, SeqCst);
}

fn unmap_while_running(t: &mut Tester) -> Outcome {
    let guest = Guest::long_mode(t, programs::count())?;
    set_destination(t, &guest, DATA)?;
    clear_notes();
    let runner = Plan::new(run_guest, guest.vcpu);
    t.spawn(runner.budget(1_000, 10_000))?;
    let counts = t.let_others_run_until(|| guest.word(DATA) > 0)?;
    ensure(counts, "the guest did not run")?;
    equal("the end before", noted(0), 0)?;
    // All the guest's memory, its code included, except the monitor's own view of it.
    let mapped = guest.frame + 1;
    let mapped = expect_mapped(t, mapped)?;
    invoke::page_unmap(&t.ipc, mapped)?;
    let before = guest.word(DATA);
    let ended = t.let_others_run_until(|| noted(0) != 0)?;
    ensure(ended, "the guest goes on without memory")?;
    equal("the reason", noted(1), reason::MEMORY)?;
    equal("the count", guest.word(DATA), before)
}

/// The copy of the guest's frame that is mapped for it: found by its physical address.
fn expect_mapped(t: &mut Tester, first: u64) -> Result<u64, test_support::Failure> {
    let wanted = t.physical(first - 1)?;
    for candidate in first..first + 16 {
        if kernel_calls::debug_cap_identify(candidate) == 1 && t.physical(candidate)? == wanted {
            return Ok(candidate);
        }
    }
    test_support::expect(None, "copy of the guest's frame")
}

fn far_addresses(t: &mut Tester) -> Outcome {
    let guest = Guest::long_mode(t, programs::touch())?;
    // The guest maps its linear gibibyte 1 to far guest-physical addresses, one after the other.
    for (step, far) in [0x40_0000_0000u64, 0x7fff_c000_0000, 0xff_c000_0000]
        .into_iter()
        .enumerate()
    {
        let directory = DATA + 0x1000;
        guest.set_word(0x2008, directory | 3);
        let slot = step as u64;
        guest.set_word(directory + 8 * slot, far | 0x83);
        let linear = 0x4000_0000 + (slot << 21);
        guest.set(
            t,
            &[
                (register::GENERAL + 7, linear + 0x18),
                (register::RIP, CODE),
            ],
        )?;
        let exit = guest.run(t)?;
        if exit.reason == reason::MEMORY {
            equal("the address", exit.detail_2, far + 0x18)?;
        } else {
            // Wider than the CPU's physical addresses: the guest's own page fault.
            is_in_handler(&exit, 14)?;
        }
        equal("the guest's memory", guest.word(0x18), 0)?;
    }
    Ok(())
}

fn own_exception(t: &mut Tester) -> Outcome {
    let guest = Guest::long_mode(t, programs::undefined())?;
    let exit = guest.run(t)?;
    is_in_handler(&exit, 6)?;
    let stack = exit.general(4);
    equal("the stack pointer", stack, STACK - 40)?;
    equal("the return address", guest.word(stack), CODE)?;
    guest.set_word(stack, CODE + 2);
    let exit = guest.skip(t, &exit, 3)?;
    is_halt(&exit)?;
    equal("RAX", exit.general(0), 7)?;
    equal("the stack pointer at the end", exit.general(4), STACK)
}

fn page_fault(t: &mut Tester) -> Outcome {
    let guest = Guest::long_mode(t, programs::interruptible())?;
    guest.set(t, &[(register::CR2, 0xbad_0000)])?;
    let exit = guest.inject(t, event::exception_with_code(14, 0x15))?;
    is_in_handler(&exit, 14)?;
    let stack = exit.general(4);
    equal("the error code", guest.word(stack), 0x15)?;
    equal("the return address", guest.word(stack + 8), CODE)?;
    equal("CR2", guest.get(t, register::CR2)?, 0xbad_0000)?;
    let exit = guest.skip(t, &exit, 3)?;
    is_halt(&exit)?;
    equal("RIP", exit.rip, CODE)
}

fn interrupt(t: &mut Tester) -> Outcome {
    let guest = Guest::long_mode(t, programs::interruptible())?;
    let exit = guest.inject(t, event::interrupt(0x41))?;
    is_halt(&exit)?;
    let pending = exit.state() & state::INTERRUPT_PENDING;
    equal("pending", pending, state::INTERRUPT_PENDING)?;
    let exit = guest.skip(t, &exit, 1)?;
    is_in_handler(&exit, 0x41)?;
    equal("pending", exit.state() & state::INTERRUPT_PENDING, 0)?;
    let return_address = guest.word(exit.general(4));
    // Behind STI lies one instruction in its shadow.
    equal("the return address", return_address, CODE + 3)?;
    let exit = guest.skip(t, &exit, 3)?;
    is_halt(&exit)?;
    equal("RIP", exit.rip, CODE + 5)
}

fn nmi(t: &mut Tester) -> Outcome {
    let guest = Guest::long_mode(t, programs::interruptible())?;
    let exit = guest.inject(t, event::VALID | event::NMI | 2)?;
    is_in_handler(&exit, 2)?;
    let exit = guest.skip(t, &exit, 3)?;
    is_halt(&exit)?;
    equal("RIP", exit.rip, CODE)
}

fn task_priority(t: &mut Tester) -> Outcome {
    // The monitor sets the priority: QEMU 7.2 aborts when a guest lowers it under a waiting interrupt.
    let guest = Guest::long_mode(t, programs::interruptible())?;
    // One class above: at the same class QEMU delivers, the manual (AMD64 2, 15.21.4) does not.
    guest.set(t, &[(register::CR8, 6), (register::RIP, CODE + 1)])?;
    let exit = guest.inject(t, event::interrupt(0x55))?;
    is_halt(&exit)?;
    equal("RIP", exit.rip, CODE + 5)?;
    equal("CR8", exit.word(exit_message::CR8), 6)?;
    let pending = exit.state() & state::INTERRUPT_PENDING;
    equal("pending", pending, state::INTERRUPT_PENDING)?;
    guest.set(t, &[(register::CR8, 4), (register::RIP, CODE + 1)])?;
    let exit = guest.run(t)?;
    is_in_handler(&exit, 0x55)?;
    let exit = guest.skip(t, &exit, 3)?;
    is_halt(&exit)
}

fn interrupted_delivery(t: &mut Tester) -> Outcome {
    let guest = Guest::long_mode(t, programs::interruptible())?;
    let stack = register::GENERAL + 4;
    guest.set(t, &[(stack, NO_MEMORY + 0x1000)])?;
    let wanted = event::exception_with_code(13, 0x50);
    let exit = guest.inject(t, wanted)?;
    equal("the reason", exit.reason, reason::MEMORY)?;
    let interrupted = exit.word(exit_message::INTERRUPTED_EVENT);
    equal("the event", interrupted, wanted)?;
    guest.set(t, &[(stack, STACK)])?;
    let exit = guest.inject(t, interrupted)?;
    is_in_handler(&exit, 13)?;
    equal("the error code", guest.word(exit.general(4)), 0x50)
}

fn every_vector(t: &mut Tester) -> Outcome {
    let guest = Guest::long_mode(t, programs::interruptible())?;
    for vector in 32..=255u8 {
        guest.set(t, &[(register::RIP, CODE + 1)])?;
        let exit = guest.inject(t, event::interrupt(vector))?;
        is_in_handler(&exit, vector.into())?;
        let exit = guest.skip(t, &exit, 3)?;
        is_halt(&exit)?;
        equal("RIP", exit.rip, CODE + 5)?;
    }
    Ok(())
}

fn impossible_states(t: &mut Tester) -> Outcome {
    let cases: [&[(u64, u64)]; 12] = [
        // Paging without protection; cache bits that contradict; long mode without PAE.
        &[(register::CR0, 0x8000_0030)],
        &[(register::CR0, 0xa000_0033)],
        &[(register::CR4, 0x600)],
        // 64-bit and 32-bit code at once.
        &[(register::CS, 8 | 0xe9b << 16 | 0xffff_ffff << 32)],
        &[(register::CR3, 0xfff0_0000_0000_0fff)],
        &[(register::CR3, u64::MAX)],
        &[(register::RFLAGS, u64::MAX)],
        &[(register::RFLAGS, 1 << 17 | 2)],
        &[(register::RIP, 0x8000_0000_0000_0000)],
        &[(register::DR7, u64::MAX)],
        &[(register::CS, 0), (register::SS, 0)],
        &[(register::GDTR_LIMIT, 0xffff), (register::IDTR_LIMIT, 0)],
    ];
    let guest = Guest::long_mode(t, programs::interruptible())?;
    for case in cases {
        guest.set(t, &test_support::guest::long_mode::REGISTERS)?;
        guest.set(t, &[(register::DR7, 0x400), (register::CR8, 0)])?;
        // What the kernel refuses is as good.
        if guest.set(t, case).is_ok() {
            let exit = guest.run(t)?;
            ensure(exit.reason <= reason::OTHER, "an exit without a reason")?;
        }
    }
    guest.set(t, &test_support::guest::long_mode::REGISTERS)?;
    is_halt(&guest.run(t)?)
}
