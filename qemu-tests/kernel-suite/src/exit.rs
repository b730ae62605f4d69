//! What a program finds in its registers when it is back from the kernel: its own values, what the interface
//! puts there, and nothing else.

use core::sync::atomic::Ordering::SeqCst;

use kernel_calls::{Ipc, invoke};
use sel4_sys::fault::{UNKNOWN_SYSCALL, USER_EXCEPTION, VM_FAULT};
use sel4_sys::{CapRights, MessageInfo, syscall};
use test_support::registers::{self, Way, place};
use test_support::threads::{Entry, clear_notes, note, noted};
use test_support::{Outcome, Plan, Test, Tester, ensure, equal, expect, memory};

pub(crate) const TESTS: &[Test] = &[
    Test {
        id: "exit-registers-0001",
        rule: "a system call leaves nothing in registers but its outputs",
        run: system_calls,
    },
    Test {
        id: "exit-registers-0002",
        rule: "an exception, page fault or software interrupt leaves every register to the thread",
        run: exceptions,
    },
    Test {
        id: "exit-registers-0003",
        rule: "an interrupt leaves every register to the thread",
        run: interrupts,
    },
];

/// Where page faults happen, and a page is then mapped.
const UNMAPPED: u64 = memory::fresh_address(7);

/// Values that nobody else would leave.
fn pattern() -> [u64; registers::COUNT] {
    core::array::from_fn(|index| 0xa5a5_5a5a_0000_1111 + (index as u64) * 0x0101_0101)
}

/// System calls, and the registers that they answer in.
const RECEIVES: &[usize] = &[
    place::RDI,
    place::RSI,
    place::MESSAGE[0],
    place::MESSAGE[1],
    place::MESSAGE[2],
    place::MESSAGE[3],
];
const CALLS: [(i64, &[usize]); 10] = [
    (syscall::YIELD, &[]),
    (syscall::SEND, &[]),
    (syscall::NB_SEND, &[]),
    (syscall::NB_WAIT, RECEIVES),
    (syscall::NB_RECV, RECEIVES),
    (syscall::WAIT, RECEIVES),
    (syscall::RECV, RECEIVES),
    (syscall::CALL, RECEIVES),
    (syscall::NB_SEND_WAIT, RECEIVES),
    (syscall::NB_SEND_RECV, RECEIVES),
];

const LEFT: usize = 0;

/// Makes the system call of that index in [`CALLS`], on the capability in the upper half.
fn call(_: Ipc, argument: u64) {
    let mut before = pattern();
    let (number, _) = CALLS[usize::try_from(argument & 0xffff).unwrap_or(0)];
    before[place::RDX] = number.cast_unsigned();
    before[place::RDI] = argument >> 16;
    // An invocation that does not exist, or a message of two words; the reply object and destination are none.
    before[place::RSI] = MessageInfo::new(0xfff, 0, 2).0;
    note(LEFT).fetch_add(1, SeqCst);
    registers::leave(Way::SystemCall, &before);
}

fn system_calls(t: &mut Tester) -> Outcome {
    let notification = t.notification()?;
    let frame = t.frame()?;
    for (index, (number, outputs)) in (0..).zip(CALLS) {
        // Calls and sends that block nobody, on objects that answer at once.
        let capability = match number {
            syscall::CALL => frame,
            _ => notification,
        };
        clear_notes();
        t.ipc.signal(notification);
        let rounds = registers::rounds();
        t.spawn(Plan::new(call, index | capability << 16))?;
        t.let_others_run()?;
        equal("the calls", noted(LEFT), 1)?;
        equal("the returns", registers::rounds() - rounds, 1)?;
        let after = registers::after();
        for (register, (&got, &given)) in after.iter().zip(&pattern()).enumerate() {
            match register {
                place::RDX => equal("RDX", got, number.cast_unsigned())?,
                // Addresses and flags of the program; what is not answered in is what was given.
                place::RCX | place::R11 => ensure(got >> 47 == 0, "RCX or R11 is the kernel's")?,
                _ if outputs.contains(&register) => {
                    ensure(got >> 47 == 0 || got == given, "an output is the kernel's")?;
                }
                place::RDI => equal("RDI", got, capability)?,
                place::RSI => equal("RSI", got, MessageInfo::new(0xfff, 0, 2).0)?,
                _ => equal("a register", got, given)?,
            }
        }
        t.reuse_threads_from(0);
    }
    Ok(())
}

fn leave(_: Ipc, way: u64) {
    let mut before = pattern();
    before[place::RAX] = UNMAPPED;
    let way = match way {
        0 => Way::Undefined,
        1 => Way::Read,
        2 => Way::SoftwareInterrupt,
        _ => Way::Spin,
    };
    registers::leave(way, &before);
}

fn are_unchanged() -> Outcome {
    let after = registers::after();
    for (register, (&got, &given)) in after.iter().zip(&pattern()).enumerate() {
        let given = if register == place::RAX {
            UNMAPPED
        } else {
            given
        };
        equal("a register", got, given)?;
    }
    Ok(())
}

fn exceptions(t: &mut Tester) -> Outcome {
    for (way, label) in [(0, USER_EXCEPTION), (1, VM_FAULT), (2, UNKNOWN_SYSCALL)] {
        let rounds = registers::rounds();
        let watched = t.watch(Plan::new(leave as Entry, way))?;
        let fault = expect(t.next_fault(&watched)?, "fault")?;
        equal("the label", fault.label, label)?;
        match label {
            // UD2 is two bytes long.
            USER_EXCEPTION => {
                let behind = [fault.words[0] + 2, fault.words[1], fault.words[2]];
                t.answer(&watched, 0, &behind);
            }
            VM_FAULT => {
                let frame = t.frame()?;
                t.map(frame, UNMAPPED, CapRights::READ_WRITE)?;
                t.answer(&watched, 0, &[]);
            }
            _ => t.answer(&watched, 0, &[]),
        }
        ensure(t.next_fault(&watched)?.is_none(), "a second fault")?;
        equal("the returns", registers::rounds() - rounds, 1)?;
        are_unchanged()?;
    }
    Ok(())
}

fn interrupts(t: &mut Tester) -> Outcome {
    let rounds = registers::rounds();
    let spinning = t.spawn(Plan::new(leave, 3).budget(200, 400))?;
    // The others run when its time is up: so it was interrupted.
    for _ in 0..20 {
        t.let_others_run()?;
    }
    equal("the returns before", registers::rounds() - rounds, 0)?;
    registers::let_go();
    t.let_others_run_until(|| registers::rounds() != rounds)?;
    invoke::tcb_suspend(&t.ipc, spinning.tcb)?;
    equal("the returns", registers::rounds() - rounds, 1)?;
    are_unchanged()
}
