//! Exceptions and unknown system calls: the message to the handler, and what its answer does.

use core::sync::atomic::Ordering::SeqCst;

use kernel_calls::{Ipc, Registers, invoke, syscall};
use sel4_sys::MessageInfo;
use sel4_sys::fault::{
    UNKNOWN_SYSCALL, UNKNOWN_SYSCALL_WORDS, USER_EXCEPTION, USER_EXCEPTION_WORDS, VM_FAULT,
};
use sel4_sys::syscall;
use test_support::threads::{Entry, clear_notes, note, noted};
use test_support::{Outcome, Plan, Test, Tester, cpu, ensure, equal, expect, memory};

pub(crate) const TESTS: &[Test] = &[
    Test {
        id: "exception-user-0001",
        rule: "undefined, privileged, divide and breakpoint exceptions give instruction pointer, vector and code",
        run: vectors,
    },
    Test {
        id: "exception-user-0002",
        rule: "an answer with three words sets instruction pointer, stack pointer and flags",
        run: answer_sets_registers,
    },
    Test {
        id: "exception-user-0003",
        rule: "an answer with a label other than 0 leaves the thread stopped",
        run: answer_with_label,
    },
    Test {
        id: "exception-user-0004",
        rule: "a fault without handler stops the thread and nothing else",
        run: no_handler,
    },
    Test {
        id: "exception-user-0005",
        rule: "a fault handler gets the badge of the fault endpoint",
        run: fault_badge,
    },
    Test {
        id: "exception-user-0006",
        rule: "port instructions without right are general protection exceptions",
        run: port_instruction,
    },
    Test {
        id: "exception-syscall-0001",
        rule: "an unknown system call gives all registers and the number",
        run: unknown_syscall,
    },
    Test {
        id: "exception-syscall-0002",
        rule: "the answer to an unknown system call sets the registers",
        run: answer_unknown_syscall,
    },
    Test {
        id: "exception-syscall-0003",
        rule: "`int 0xa3` is an unknown system call with vector and EAX",
        run: software_interrupt,
    },
    Test {
        id: "exception-syscall-0004",
        rule: "system calls keep every register that is no output",
        run: registers_kept,
    },
    Test {
        id: "exception-nested-0001",
        rule: "a fault handler that faults has its own handler",
        run: nested,
    },
];

fn undefined(_: Ipc, _: u64) {
    cpu::undefined_instruction(note(0));
    note(1).fetch_add(1, SeqCst);
}

fn privileged(_: Ipc, _: u64) {
    cpu::privileged_instruction(note(0));
}

fn divide(_: Ipc, _: u64) {
    cpu::divide_by_zero(note(0));
}

fn breakpoint(_: Ipc, _: u64) {
    cpu::breakpoint(note(0));
}

fn vectors(t: &mut Tester) -> Outcome {
    let cases: [(Entry, u64, u64); 4] = [
        (undefined, 6, 0),
        (privileged, 13, 0),
        (divide, 0, 0),
        (breakpoint, 3, 0),
    ];
    for (entry, vector, code) in cases {
        clear_notes();
        let fault = t.fault_of(entry, 0)?;
        equal("the label", fault.label, USER_EXCEPTION)?;
        equal("the length", fault.length, USER_EXCEPTION_WORDS)?;
        equal("the vector", fault.words[3], vector)?;
        equal("the code", fault.words[4], code)?;
        // A breakpoint is a trap: the instruction of one byte is done.
        let behind = u64::from(vector == 3);
        equal("the instruction", fault.words[0], noted(0) + behind)?;
        equal("the fixed flags", fault.words[2] & 0x202, 0x202)?;
    }
    Ok(())
}

fn answer_sets_registers(t: &mut Tester) -> Outcome {
    clear_notes();
    let watched = t.watch(Plan::new(undefined, 0))?;
    let fault = expect(t.next_fault(&watched)?, "fault")?;
    // UD2 is two bytes long.
    let words = [fault.words[0] + 2, fault.words[1], fault.words[2]];
    t.answer(&watched, 0, &words);
    ensure(t.next_fault(&watched)?.is_none(), "a second fault")?;
    equal("the instructions behind", noted(1), 1)
}

fn answer_with_label(t: &mut Tester) -> Outcome {
    clear_notes();
    let watched = t.watch(Plan::new(undefined, 0))?;
    let fault = expect(t.next_fault(&watched)?, "fault")?;
    let words = [fault.words[0] + 2, fault.words[1], fault.words[2]];
    t.answer(&watched, 1, &words);
    ensure(t.next_fault(&watched)?.is_none(), "a second fault")?;
    equal("the instructions behind", noted(1), 0)?;
    invoke::tcb_resume(&t.ipc, watched.thread.tcb)?;
    ensure(
        t.next_fault(&watched)?.is_none(),
        "a fault after the resume",
    )?;
    equal("the instructions behind after the resume", noted(1), 1)
}

fn no_handler(t: &mut Tester) -> Outcome {
    clear_notes();
    t.spawn(Plan::new(undefined, 0))?;
    t.let_others_run()?;
    ensure(noted(0) != 0, "the thread did not run")?;
    equal("the instructions behind", noted(1), 0)
}

fn fault_badge(t: &mut Tester) -> Outcome {
    let (endpoint, reply) = (t.endpoint()?, t.reply()?);
    let badged = t.mint(endpoint, sel4_sys::CapRights::ALL, 0x1234)?;
    t.spawn(Plan::new(undefined, 0).faults_to(badged))?;
    let got = t.ipc.recv(endpoint, reply);
    equal("the label", got.info.label(), USER_EXCEPTION)?;
    equal("the badge", got.badge, 0x1234)
}

fn read_port(_: Ipc, port: u64) {
    let _ = cpu::in_instruction(u16::try_from(port).unwrap_or(0));
}

fn port_instruction(t: &mut Tester) -> Outcome {
    for port in [0, 0x60, 0x3f8, 0xcf8, 0xffff] {
        let fault = t.fault_of(read_port, port)?;
        equal("the label", fault.label, USER_EXCEPTION)?;
        equal("the vector", fault.words[3], 13)?;
    }
    Ok(())
}

fn call_unknown(_: Ipc, number: u64) {
    let got = syscall(
        number.cast_signed(),
        Registers {
            capability_or_badge: 0x1001,
            info: MessageInfo(0x1002),
            message: [0x1003, 0x1004, 0x1005, 0x1006],
            reply: 0x1007,
            destination: 0x1008,
        },
    );
    note(0).store(got.capability_or_badge, SeqCst);
    note(1).store(got.info.0, SeqCst);
    note(2).fetch_add(1, SeqCst);
}

/// Indices of registers in the message.
const RDX: usize = 3;
const RSI: usize = 4;
const RDI: usize = 5;
const R8: usize = 7;
const FAULT_IP: usize = 15;
const NUMBER: usize = 18;

fn unknown_syscall(t: &mut Tester) -> Outcome {
    for number in [0u64, 1, 1000, 1 << 63, u64::MAX - 99] {
        let fault = t.fault_of(call_unknown, number)?;
        equal("the label", fault.label, UNKNOWN_SYSCALL)?;
        equal("the length", fault.length, UNKNOWN_SYSCALL_WORDS)?;
        equal("the number", fault.words[NUMBER], number)?;
        equal("RDX", fault.words[RDX], number)?;
        equal("RSI", fault.words[RSI], 0x1002)?;
        equal("RDI", fault.words[RDI], 0x1001)?;
        // r8, r9, r10, r11, r12, r13, r14, r15
        equal("R8", fault.words[R8], 0x1004)?;
        equal("R9", fault.words[R8 + 1], 0x1005)?;
        equal("R10", fault.words[R8 + 2], 0x1003)?;
        equal("R12", fault.words[R8 + 4], 0x1007)?;
        equal("R13", fault.words[R8 + 5], 0x1008)?;
        equal("R15", fault.words[R8 + 7], 0x1006)?;
    }
    Ok(())
}

fn answer_unknown_syscall(t: &mut Tester) -> Outcome {
    clear_notes();
    let watched = t.watch(Plan::new(call_unknown, 1000))?;
    let fault = expect(t.next_fault(&watched)?, "fault")?;
    let mut words = fault.words;
    words[RDI] = 0x2001;
    words[RSI] = 0x2002;
    // SYSCALL is two bytes long; the fault names the instruction itself.
    words[FAULT_IP] += 2;
    t.answer(&watched, 0, &words[..18]);
    ensure(t.next_fault(&watched)?.is_none(), "a second fault")?;
    equal("the returns", noted(2), 1)?;
    equal("RDI", noted(0), 0x2001)?;
    equal("RSI", noted(1), 0x2002)
}

fn interrupt(_: Ipc, value: u64) {
    cpu::software_interrupt(note(0), u32::try_from(value).unwrap_or(0));
}

fn software_interrupt(t: &mut Tester) -> Outcome {
    clear_notes();
    let fault = t.fault_of(interrupt, 0x1234_5678)?;
    equal("the label", fault.label, UNKNOWN_SYSCALL)?;
    equal("the number", fault.words[NUMBER] & 0xffff_ffff, 0xa334_5678)?;
    equal("RAX", fault.words[0], 0x1234_5678)
}

fn keep_registers(_: Ipc, _: u64) {
    note(0).store(cpu::registers_kept_by(syscall::YIELD), SeqCst);
    note(1).fetch_add(1, SeqCst);
}

fn registers_kept(t: &mut Tester) -> Outcome {
    clear_notes();
    t.no_fault_of(keep_registers, 0)?;
    equal("the runs", noted(1), 1)?;
    equal("the mask of changed registers", noted(0), 0)
}

fn read_nowhere(_: Ipc, address: u64) {
    let _ = memory::load(address);
}

fn handle_badly(ipc: Ipc, argument: u64) {
    let _ = ipc.recv(argument & 0xffff, argument >> 16);
    let _ = memory::load(0x10);
}

fn nested(t: &mut Tester) -> Outcome {
    let (endpoint, reply) = (t.endpoint()?, t.reply()?);
    let handler = t.watch(Plan::new(handle_badly, endpoint | reply << 16))?;
    t.spawn(Plan::new(read_nowhere, 0x20).faults_to(endpoint))?;
    let fault = expect(t.next_fault(&handler)?, "fault of the handler")?;
    equal("the label", fault.label, VM_FAULT)?;
    equal("the address", fault.words[1], 0x10)
}
