//! Virtual CPUs: a guest in real mode, a few bytes long, and what its monitor gets to see.

use kernel_calls::{Ipc, invoke};
use sel4_sys::Error::{self, IllegalOperation, InvalidArgument, RangeError, TruncatedMessage};
use sel4_sys::extension::exit_message::state;
use sel4_sys::extension::run_request::flag;
use sel4_sys::extension::{VCPU_BITS, event, exit_message, label, reason, register, run_request};
use sel4_sys::object::ObjectType::{LargePage, VCpu};
use sel4_sys::{CapRights, MessageInfo, invocation, slot};
use test_support::cpu::spin_until;
use test_support::guest::{Exit, Guest};
use test_support::memory::{self, fresh_address};
use test_support::threads::{clear_notes, note, noted};
use test_support::{Outcome, Plan, Test, Tester, ensure, equal, refused};

const PAGE: u64 = 4096;
const RW: CapRights = CapRights::READ_WRITE;

pub(crate) const TESTS: &[Test] = &[
    Test {
        id: "vcpu-exit-0001",
        rule: "CPUID and HLT exit with their registers; what the monitor writes is what the guest sees",
        run: cpuid_and_halt,
    },
    Test {
        id: "vcpu-exit-0002",
        rule: "every port access exits with port, direction and width",
        run: ports,
    },
    Test {
        id: "vcpu-exit-0003",
        rule: "model-specific registers exit with number and value, but those the guest owns",
        run: model_specific_registers,
    },
    Test {
        id: "vcpu-exit-0004",
        rule: "a triple fault is SHUTDOWN",
        run: triple_fault,
    },
    Test {
        id: "vcpu-exit-0005",
        rule: "hypercalls, cache instructions and debug register writes exit; VMRUN is not for guests",
        run: other_instructions,
    },
    Test {
        id: "vcpu-memory-0001",
        rule: "memory that is not mapped exits with its address; mapped later, the guest goes on",
        run: unmapped_memory,
    },
    Test {
        id: "vcpu-memory-0002",
        rule: "memory mapped read-only exits on a write and is not changed",
        run: read_only_memory,
    },
    Test {
        id: "vcpu-memory-0003",
        rule: "unmapping a frame takes it from the guest at once, and so does deleting it",
        run: unmapping,
    },
    Test {
        id: "vcpu-memory-0004",
        rule: "a frame of 2 MiB serves a guest without a table of the lowest level",
        run: large_memory,
    },
    Test {
        id: "vcpu-memory-0005",
        rule: "two guests in turn see their own memory at the same address",
        run: two_guests,
    },
    Test {
        id: "vcpu-event-0001",
        rule: "an interrupt waits until the guest takes it",
        run: interrupt_waits,
    },
    Test {
        id: "vcpu-event-0002",
        rule: "an exception is delivered at once",
        run: exception,
    },
    Test {
        id: "vcpu-event-0003",
        rule: "a window exits as soon as the guest could take an interrupt, and not before",
        run: window,
    },
    Test {
        id: "vcpu-event-0004",
        rule: "malformed requests and events are refused and change nothing",
        run: malformed_requests,
    },
    Test {
        id: "vcpu-register-0001",
        rule: "registers read back what was written; what would touch the host is refused",
        run: registers,
    },
    Test {
        id: "vcpu-space-0001",
        rule: "a virtual CPU without a nested space does not run; a space that is gone stops it",
        run: no_space,
    },
    Test {
        id: "vcpu-time-0001",
        rule: "a guest that spins with interrupts off loses the processor to others",
        run: preemption,
    },
    Test {
        id: "vcpu-time-0002",
        rule: "a signal to the runner's bound notification ends the run with its badge",
        run: notification,
    },
    Test {
        id: "vcpu-time-0003",
        rule: "a virtual CPU has one runner; suspending it stops the guest",
        run: one_runner,
    },
];

fn is_halt(exit: &Exit) -> Outcome {
    equal("the reason", exit.reason, reason::HALT)
}

fn cpuid_and_halt(t: &mut Tester) -> Outcome {
    // mov eax, 0x40001234; mov ecx, 7; cpuid; mov esi, ebx; hlt
    let code = [
        0x66, 0xb8, 0x34, 0x12, 0x00, 0x40, 0x66, 0xb9, 7, 0, 0, 0, 0x0f, 0xa2, 0x66, 0x89, 0xde,
        0xf4,
    ];
    let guest = Guest::real_mode(t, &code)?;
    let exit = guest.run(t)?;
    equal("the reason", exit.reason, reason::CPUID)?;
    equal("RIP", exit.rip, 12)?;
    equal("RAX", exit.general(0), 0x4000_1234)?;
    equal("RCX", exit.general(1), 7)?;
    equal("the words", exit.word(exit_message::CR0), 0x6000_0010)?;
    for index in 5..20 {
        t.ipc.set_word(index, 0);
    }
    t.ipc.set_word(run_request::GENERAL + 3, 0xfeed);
    let exit = guest.request(&t.ipc, 20, [flag::RIP, exit.rip + 2, 0, 0])?;
    is_halt(&exit)?;
    equal("RIP", exit.rip, 17)?;
    equal("RSI", exit.general(6), 0xfeed)?;
    equal("RBX", exit.general(3), 0xfeed)?;
    equal("RCX", exit.general(1), 0)
}

fn ports(t: &mut Tester) -> Outcome {
    // mov dx, 0x3f9; out dx, al; in ax, dx; in eax, 0x71; rep outsb; hlt
    let code = [
        0xba, 0xf9, 0x03, 0xee, 0xed, 0x66, 0xe5, 0x71, 0xf3, 0x6e, 0xf4,
    ];
    let guest = Guest::real_mode(t, &code)?;
    let (input, string, repeat) = (1 << 16, 1 << 17, 1 << 18);
    let bytes = |count: u64| count << 19;
    let mut exit = guest.run(t)?;
    for (detail, length) in [
        (0x3f9 | bytes(1), 1),
        (0x3f9 | input | bytes(2), 1),
        (0x71 | input | bytes(4), 3),
        (0x3f9 | string | repeat | bytes(1), 2),
    ] {
        equal("the reason", exit.reason, reason::IO_PORT)?;
        // Above lies the width of addresses, which means something for strings only, and which the emulator
        // does not tell.
        equal("the detail", exit.detail & 0x3f_ffff, detail)?;
        let next = exit.word(exit_message::NEXT_RIP);
        equal("the next instruction", next, exit.rip + length)?;
        exit = guest.skip(t, &exit, length)?;
    }
    is_halt(&exit)
}

fn model_specific_registers(t: &mut Tester) -> Outcome {
    // mov ecx, 0x10 (TSC); mov eax, 1; mov edx, 2; wrmsr; rdmsr;
    // mov ecx, 0xc0000082 (LSTAR); wrmsr; mov eax, 0; rdmsr; hlt
    let code = [
        0x66, 0xb9, 0x10, 0, 0, 0, 0x66, 0xb8, 1, 0, 0, 0, 0x66, 0xba, 2, 0, 0, 0, 0x0f, 0x30,
        0x0f, 0x32, 0x66, 0xb9, 0x82, 0, 0, 0xc0, 0x0f, 0x30, 0x66, 0xb8, 0, 0, 0, 0, 0x0f, 0x32,
        0xf4,
    ];
    let guest = Guest::real_mode(t, &code)?;
    let exit = guest.run(t)?;
    equal("the reason", exit.reason, reason::MSR_WRITE)?;
    equal("the register", exit.detail, 0x10)?;
    equal("the value", exit.detail_2, 2 << 32 | 1)?;
    let exit = guest.skip(t, &exit, 2)?;
    equal("the reason", exit.reason, reason::MSR_READ)?;
    equal("the register", exit.detail, 0x10)?;
    let exit = guest.skip(t, &exit, 2)?;
    is_halt(&exit)?;
    equal(
        "LSTAR read",
        exit.general(0) | exit.general(2) << 32,
        2 << 32 | 1,
    )?;
    let lstar = invoke::vcpu_read_register(&t.ipc, guest.vcpu, register::LSTAR)?;
    equal("LSTAR", lstar, 2 << 32 | 1)
}

fn triple_fault(t: &mut Tester) -> Outcome {
    // ud2, without room for a vector
    let guest = Guest::real_mode(t, &[0x0f, 0x0b])?;
    invoke::vcpu_write_registers(&t.ipc, guest.vcpu, &[register::IDTR_LIMIT, 0])?;
    let exit = guest.run(t)?;
    equal("the reason", exit.reason, reason::SHUTDOWN)
}

fn other_instructions(t: &mut Tester) -> Outcome {
    // vmmcall; wbinvd; mov dr0, eax; hlt
    let code = [0x0f, 0x01, 0xd9, 0x0f, 0x09, 0x0f, 0x23, 0xc0, 0xf4];
    let guest = Guest::real_mode(t, &code)?;
    let mut exit = guest.run(t)?;
    for (reason, length) in [
        (reason::HYPERCALL, 3),
        (reason::CACHE, 2),
        (reason::DEBUG_REGISTER, 3),
    ] {
        equal("the reason", exit.reason, reason)?;
        exit = guest.skip(t, &exit, length)?;
    }
    is_halt(&exit)?;
    // In protected mode: vmrun; stgi; clgi; skinit; vmload; vmsave; invlpga.
    let code = [
        0x0f, 0x01, 0xd8, 0x0f, 0x01, 0xdc, 0x0f, 0x01, 0xdd, 0x0f, 0x01, 0xde, 0x0f, 0x01, 0xda,
        0x0f, 0x01, 0xdb, 0x0f, 0x01, 0xdf, 0xf4,
    ];
    guest.put(0x100, &code);
    let protected = [register::CR0, 0x6000_0011, register::RIP, 0x100];
    invoke::vcpu_write_registers(&t.ipc, guest.vcpu, &protected)?;
    let mut exit = guest.run(t)?;
    for _ in 0..7 {
        equal("the reason", exit.reason, reason::FORBIDDEN_INSTRUCTION)?;
        exit = guest.skip(t, &exit, 3)?;
    }
    is_halt(&exit)
}

/// mov al, [0x2000]; mov byte [0x2001], 0x5a; hlt
const TOUCH_2000: [u8; 9] = [0xa0, 0x00, 0x20, 0xc6, 0x06, 0x01, 0x20, 0x5a, 0xf4];

fn unmapped_memory(t: &mut Tester) -> Outcome {
    let guest = Guest::real_mode(t, &TOUCH_2000)?;
    let exit = guest.run(t)?;
    equal("the reason", exit.reason, reason::MEMORY)?;
    equal("the access", exit.detail, 0)?;
    equal("the address", exit.detail_2 & !(PAGE - 1), 0x2000)?;
    equal("RIP", exit.rip, 0)?;
    let (frame, address) = (t.frame()?, fresh_address(4));
    t.map(frame, address, RW)?;
    memory::store(address, 0x33);
    let copy = t.copy(frame, CapRights::ALL)?;
    t.map_nested(copy, guest.root, 0x2000, RW)?;
    let exit = guest.run(t)?;
    is_halt(&exit)?;
    equal("the byte read", exit.general(0) & 0xff, 0x33)?;
    equal("the bytes written", memory::load(address), 0x5a33)
}

fn read_only_memory(t: &mut Tester) -> Outcome {
    let guest = Guest::real_mode(t, &TOUCH_2000)?;
    let (frame, address) = (t.frame()?, fresh_address(4));
    t.map(frame, address, RW)?;
    let copy = t.copy(frame, CapRights::ALL)?;
    t.map_nested(copy, guest.root, 0x2000, CapRights::READ)?;
    let exit = guest.run(t)?;
    equal("the reason", exit.reason, reason::MEMORY)?;
    equal("the access: present and write", exit.detail, 3)?;
    equal("RIP", exit.rip, 3)?;
    equal("the memory", memory::load(address), 0)?;
    // A capability without the right to write gives no more, whatever is asked for.
    invoke::page_unmap(&t.ipc, copy)?;
    let weak = t.copy(frame, CapRights::READ)?;
    t.map_nested(weak, guest.root, 0x2000, RW)?;
    let exit = guest.run(t)?;
    equal("the reason", exit.reason, reason::MEMORY)
}

fn unmapping(t: &mut Tester) -> Outcome {
    // start: mov al, [0x2000]; hlt; jmp start
    let guest = Guest::real_mode(t, &[0xa0, 0x00, 0x20, 0xf4, 0xeb, 0xfa])?;
    let frame = t.frame()?;
    t.map_nested(frame, guest.root, 0x2000, RW)?;
    let exit = guest.run(t)?;
    is_halt(&exit)?;
    invoke::page_unmap(&t.ipc, frame)?;
    let exit = guest.skip(t, &exit, 1)?;
    equal("the reason after unmapping", exit.reason, reason::MEMORY)?;
    t.map_nested(frame, guest.root, 0x2000, RW)?;
    let exit = guest.run(t)?;
    is_halt(&exit)?;
    t.delete(frame)?;
    let exit = guest.skip(t, &exit, 1)?;
    equal("the reason after deleting", exit.reason, reason::MEMORY)
}

fn large_memory(t: &mut Tester) -> Outcome {
    // mov ax, 0x4000; mov ds, ax; mov byte [0x1234], 0x77; hlt: with DS's base at 4 MiB.
    let code = [0xc6, 0x06, 0x34, 0x12, 0x77, 0xf4];
    let guest = Guest::real_mode(t, &code)?;
    let data_segment = 0x93 << 16 | 0xffff << 32;
    let registers = [register::DS, data_segment, register::DS_BASE, 0x40_0000];
    invoke::vcpu_write_registers(&t.ipc, guest.vcpu, &registers)?;
    let (frame, window) = (t.make(LargePage, 0)?, fresh_address(4));
    let copy = t.copy(frame, CapRights::ALL)?;
    t.map(frame, window, RW)?;
    t.map_nested(copy, guest.root, 0x40_0000, RW)?;
    is_halt(&guest.run(t)?)?;
    equal("the word", memory::load(window + 0x1230), 0x77 << 32)
}

fn two_guests(t: &mut Tester) -> Outcome {
    // start: inc word [0x800]; hlt; jmp start
    let code = [0xff, 0x06, 0x00, 0x08, 0xf4, 0xeb, 0xf9];
    let one = Guest::real_mode_at(t, &code, fresh_address(3))?;
    let other = Guest::real_mode_at(t, &code, fresh_address(4))?;
    memory::store(other.window + 0x800, 100);
    let (mut exit_of_one, mut exit_of_other) = (one.run(t)?, other.run(t)?);
    for _ in 0..3 {
        exit_of_one = one.skip(t, &exit_of_one, 1)?;
        exit_of_other = other.skip(t, &exit_of_other, 1)?;
    }
    is_halt(&exit_of_one)?;
    is_halt(&exit_of_other)?;
    equal("the first one's word", memory::load(one.window + 0x800), 4)?;
    equal(
        "the second one's word",
        memory::load(other.window + 0x800),
        104,
    )?;
    ensure(one.frame != other.frame, "they have frames of their own")
}

fn interrupt_waits(t: &mut Tester) -> Outcome {
    // hlt; sti; nop; nop; hlt. Handler: mov al, 0x99; hlt
    let guest = Guest::real_mode(t, &[0xf4, 0xfb, 0x90, 0x90, 0xf4])?;
    guest.put(0x200, &[0xb0, 0x99, 0xf4]);
    guest.set_vector(0x21, 0x200);
    set_stack(t, &guest)?;
    let pending = |exit: &Exit| exit.state() & state::INTERRUPT_PENDING != 0;
    let exit = guest.request(&t.ipc, 4, [flag::EVENT, 0, 0, event::interrupt(0x21)])?;
    is_halt(&exit)?;
    equal("RIP", exit.rip, 0)?;
    ensure(
        pending(&exit),
        "the interrupt waits while the guest has them off",
    )?;
    let exit = guest.skip(t, &exit, 1)?;
    is_halt(&exit)?;
    equal("RIP in the handler", exit.rip, 0x202)?;
    equal("AL", exit.general(0) & 0xff, 0x99)?;
    ensure(!pending(&exit), "the interrupt has been taken")?;
    // Withdrawn, it never comes: the guest is back before `sti`.
    let words = [flag::RIP | flag::EVENT, 0, 0, event::interrupt(0x21)];
    let exit = guest.request(&t.ipc, 4, words)?;
    ensure(pending(&exit), "the second interrupt waits")?;
    let exit = guest.request(&t.ipc, 4, [flag::RIP | flag::EVENT, exit.rip + 1, 0, 0])?;
    equal("RIP at the end", exit.rip, 4)
}

/// A stack at the end of the guest's page.
fn set_stack(t: &Tester, guest: &Guest) -> Result<(), Error> {
    let registers = [register::GENERAL + 4, 0x1000];
    invoke::vcpu_write_registers(&t.ipc, guest.vcpu, &registers)
}

fn exception(t: &mut Tester) -> Outcome {
    let guest = Guest::real_mode(t, &[0xf4])?;
    guest.put(0x200, &[0xb0, 0x66, 0xf4]);
    guest.set_vector(6, 0x200);
    set_stack(t, &guest)?;
    let exit = guest.request(&t.ipc, 4, [flag::EVENT, 0, 0, event::exception(6)])?;
    is_halt(&exit)?;
    equal("RIP in the handler", exit.rip, 0x202)?;
    equal("AL", exit.general(0) & 0xff, 0x66)
}

fn window(t: &mut Tester) -> Outcome {
    // hlt; sti; nop; hlt
    let guest = Guest::real_mode(t, &[0xf4, 0xfb, 0x90, 0xf4])?;
    let ask = flag::REQUEST_INTERRUPT_WINDOW;
    let exit = guest.request(&t.ipc, 4, [ask, 0, 0, 0])?;
    is_halt(&exit)?;
    equal("RIP with interrupts off", exit.rip, 0)?;
    ensure(
        exit.state() & state::INTERRUPT_PENDING == 0,
        "a window is no interrupt",
    )?;
    let exit = guest.request(&t.ipc, 4, [ask | flag::RIP, 1, 0, 0])?;
    equal("the reason", exit.reason, reason::INTERRUPT_WINDOW)?;
    ensure((2..=3).contains(&exit.rip), "the exit comes behind STI")?;
    let exit = guest.run(t)?;
    is_halt(&exit)?;
    equal("RIP without asking again", exit.rip, 3)
}

fn malformed_requests(t: &mut Tester) -> Outcome {
    let guest = Guest::real_mode(t, &[0xf4])?;
    let ipc = t.ipc;
    let request = |length, words| guest.request(&ipc, length, words).map(drop);
    for length in [1, 3, 5, 19] {
        refused("a length", request(length, [0; 4]), TruncatedMessage)?;
    }
    refused("a longer one", request(21, [0; 4]), RangeError)?;
    refused(
        "an unknown flag",
        request(4, [1 << 5, 0, 0, 0]),
        InvalidArgument,
    )?;
    for word in [
        1,
        event::interrupt(15),
        event::exception(2),
        event::exception(32),
        event::interrupt(0x20) | 1 << 12,
        event::VALID | 4 << 8 | 0x80,
        event::exception(6) | 1 << 32,
    ] {
        let words = [flag::EVENT | flag::RIP, 0x123, 0, word];
        refused("an event", request(4, words), InvalidArgument)?;
    }
    let rip = invoke::vcpu_read_register(&t.ipc, guest.vcpu, register::RIP)?;
    equal("RIP", rip, 0)?;
    is_halt(&guest.run(t)?)
}

fn registers(t: &mut Tester) -> Outcome {
    let guest = Guest::real_mode(t, &[0xf4])?;
    let ipc = t.ipc;
    let write = |id, value| invoke::vcpu_write_registers(&ipc, guest.vcpu, &[id, value]);
    let read = |id| invoke::vcpu_read_register(&ipc, guest.vcpu, id);
    for id in (0..register::COUNT).filter(|&id| id != register::XCR0) {
        // Fits everywhere: bit 1 and IF in RFLAGS, three and a half bits elsewhere.
        let value = if id == register::RFLAGS { 0x202 } else { 0xb };
        let value = if id == register::PAT {
            0x0606_0606_0606_0606
        } else {
            value
        };
        let value = if id == register::EFER { 0x100 } else { value };
        write(id, value)?;
        equal("a register", read(id)?, value)?;
    }
    for (id, value) in [
        (register::EFER, 1 << 12),
        (register::CR4, 1 << 13),
        (register::CR4, 1 << 22),
        (register::CR0, 1 << 32),
        (register::CR8, 16),
        (register::XCR0, 0xe7),
        (register::XCR0, 2),
        (register::PAT, 2),
        (register::LSTAR, 1 << 47),
        (register::GS_BASE, 0xffff_0000_0000_0000),
        (register::COUNT, 0),
        (u64::MAX, 0),
    ] {
        refused("a value", write(id, value), InvalidArgument)?;
    }
    // All or nothing.
    let pairs = [register::CR2, 0x77, register::CR8, 16];
    let result = invoke::vcpu_write_registers(&ipc, guest.vcpu, &pairs);
    refused("a bad second pair", result, InvalidArgument)?;
    equal("CR2", read(register::CR2)?, 0xb)?;
    refused(
        "an unknown register",
        read(register::COUNT).map(drop),
        InvalidArgument,
    )
}

fn no_space(t: &mut Tester) -> Outcome {
    t.only_on_sekisho()?;
    equal("the size of a virtual CPU", VCpu.size_bits(0), VCPU_BITS)?;
    let vcpu = t.make(VCpu, 0)?;
    let run = |t: &Tester| t.ipc.invoke(vcpu, label::VCPU_RUN, &[], &[]);
    refused("a run without a space", run(t), Error::FailedLookup)?;
    let guest = Guest::real_mode(t, &[0xf4])?;
    is_halt(&guest.run(t)?)?;
    t.delete(guest.root)?;
    refused(
        "a run in a space that is gone",
        guest.run(t).map(drop),
        Error::FailedLookup,
    )
}

/// Runs the guest until it exits, and notes the reason and the badge.
fn run_guest(ipc: Ipc, vcpu: u64) {
    let info = MessageInfo::new(label::VCPU_RUN, 0, 0);
    let received = ipc.call(vcpu, info, [0; 4]);
    note(1).store(received.badge, core::sync::atomic::Ordering::SeqCst);
    let ended = received.message[0] + 1;
    note(0).store(ended, core::sync::atomic::Ordering::SeqCst);
}

/// cli; start: inc dword [0x800]; jmp start
const SPIN: [u8; 8] = [0xfa, 0x66, 0xff, 0x06, 0x00, 0x08, 0xeb, 0xf9];

fn preemption(t: &mut Tester) -> Outcome {
    let guest = Guest::real_mode(t, &SPIN)?;
    clear_notes();
    let runner = Plan::new(run_guest, guest.vcpu).priority(100);
    t.spawn(runner.budget(1_000, 10_000))?;
    t.set_own_priority(99)?;
    // Far more than the periods that it needs, for a host that has other things to do.
    let second = 1_000_000 * t.ticks_per_us();
    for _ in 0..2 {
        let before = memory::load(guest.window + 0x800);
        let runs = spin_until(second, || memory::load(guest.window + 0x800) > before);
        ensure(runs, "the guest does not run in later periods")?;
    }
    equal("the end of the run", noted(0), 0)
}

fn notification(t: &mut Tester) -> Outcome {
    let guest = Guest::real_mode(t, &SPIN)?;
    clear_notes();
    let notification = t.notification()?;
    let badged = t.mint(notification, CapRights::ALL, 0x40)?;
    let runner = Plan::new(run_guest, guest.vcpu).priority(100);
    let thread = t.prepare(runner.budget(1_000, 10_000))?;
    invoke::tcb_bind_notification(&t.ipc, thread.tcb, notification)?;
    invoke::tcb_write_registers(&t.ipc, thread.tcb, invoke::Resume::Yes, &thread.context)?;
    t.set_own_priority(99)?;
    let second = 1_000_000 * t.ticks_per_us();
    let runs = spin_until(second, || memory::load(guest.window + 0x800) > 0);
    ensure(runs, "the guest has not run")?;
    equal("the end before the signal", noted(0), 0)?;
    t.ipc.signal(badged);
    ensure(spin_until(second, || noted(0) != 0), "the run does not end")?;
    equal("the reason, plus 1", noted(0), reason::NOTIFICATION + 1)?;
    equal("the badge", noted(1), 0x40)?;
    // A signal that is there already: no guest instruction runs.
    let waiting = t.notification()?;
    let badged = t.mint(waiting, CapRights::ALL, 0x7)?;
    t.ipc.signal(badged);
    memory::store(guest.window + 0x800, 0);
    invoke::tcb_bind_notification(&t.ipc, slot::TCB, waiting)?;
    let result = guest.run(t);
    t.ipc
        .invoke(slot::TCB, invocation::TCB_UNBIND_NOTIFICATION, &[], &[])?;
    let exit = result?;
    equal("the reason", exit.reason, reason::NOTIFICATION)?;
    equal("the badge", exit.badge, 0x7)?;
    equal("the guest's count", memory::load(guest.window + 0x800), 0)
}

fn one_runner(t: &mut Tester) -> Outcome {
    let guest = Guest::real_mode(t, &SPIN)?;
    clear_notes();
    let runner = Plan::new(run_guest, guest.vcpu).priority(100);
    let thread = t.spawn(runner.budget(1_000, 10_000))?;
    t.set_own_priority(99)?;
    let second = 1_000_000 * t.ticks_per_us();
    let runs = spin_until(second, || memory::load(guest.window + 0x800) > 0);
    ensure(runs, "the guest has not run")?;
    refused("a second runner", guest.run(t).map(drop), IllegalOperation)?;
    invoke::tcb_suspend(&t.ipc, thread.tcb)?;
    let stopped = memory::load(guest.window + 0x800);
    test_support::cpu::spin(50_000_000);
    let later = memory::load(guest.window + 0x800);
    equal("the guest's count after suspending", later, stopped)
}
