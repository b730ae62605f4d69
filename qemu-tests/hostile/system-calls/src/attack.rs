//! What the attackers do.

use core::sync::atomic::Ordering::Relaxed;

use kernel_calls::ipc_buffer::word;
use kernel_calls::{Ipc, Registers, syscall};
use sel4_sys::MessageInfo;
use sel4_sys::syscall;
use test_support::cpu;
use test_support::memory;
use test_support::random::Random;
use test_support::threads::note;

use crate::sandbox::SPACE_BITS;

/// Index of the note that counts the calls.
pub(crate) const CALLS: usize = 0;

/// Numbers of all system calls that exist in products; debug calls may stop the machine by design.
const NUMBERS: [i64; 12] = [
    syscall::CALL,
    syscall::REPLY_RECV,
    syscall::NB_SEND_RECV,
    syscall::NB_SEND_WAIT,
    syscall::SEND,
    syscall::NB_SEND,
    syscall::RECV,
    syscall::NB_RECV,
    syscall::WAIT,
    syscall::NB_WAIT,
    syscall::YIELD,
    syscall::SET_TLS_BASE,
];

fn count() {
    note(CALLS).fetch_add(1, Relaxed);
}

/// A capability pointer: mostly one that is filled, at times a slot of the CNode, at times nonsense.
fn pointer(random: &mut Random) -> u64 {
    match random.below(1024) {
        0 => random.nasty(),
        1..128 => random.below(1 << SPACE_BITS),
        _ => 1 + random.below(26),
    }
}

/// A word: mostly what invocations take (slots, depths, sizes, addresses), at times nonsense.
fn argument(random: &mut Random) -> u64 {
    match random.below(8) {
        0 => random.nasty(),
        1 => SPACE_BITS,
        2 => 64,
        3 => random.below(16),
        4 => random.below(1 << 30) << 12,
        5 => random.below(16) << 39,
        _ => random.below(1 << SPACE_BITS),
    }
}

fn label(random: &mut Random) -> u64 {
    match random.below(8) {
        0 => random.nasty(),
        1 => 4096 + random.below(8),
        _ => random.below(60),
    }
}

/// Answers whatever arrives, so that calls come back.
pub(crate) fn answer(ipc: Ipc, argument: u64) {
    let (endpoint, reply) = (argument & 0xffff, argument >> 16);
    let mut got = ipc.recv(endpoint, reply);
    loop {
        got = ipc.reply_recv(endpoint, got.info, got.message, reply);
    }
}

/// Invokes its own objects with arguments that often make sense.
pub(crate) fn invoke_at_random(ipc: Ipc, seed: u64) {
    let mut random = Random::new(seed);
    loop {
        for index in 4..9 {
            ipc.set_word(index, argument(&mut random));
        }
        for index in 0..3 {
            ipc.set_capability(index, pointer(&mut random));
        }
        ipc.set_receive_slot(
            pointer(&mut random),
            argument(&mut random),
            argument(&mut random),
        );
        // Mostly Call: it always comes back where the object is no endpoint.
        let number = if random.below(16) == 0 {
            anything(&mut random)
        } else {
            syscall::CALL
        };
        let info = MessageInfo::new(
            label(&mut random),
            random.below(4),
            random.one_of(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 20, 22, 120, 127]),
        );
        let message = core::array::from_fn(|_| argument(&mut random));
        syscall(
            number,
            Registers {
                capability_or_badge: pointer(&mut random),
                info,
                message,
                reply: pointer(&mut random),
                destination: pointer(&mut random),
            },
        );
        count();
    }
}

fn anything(random: &mut Random) -> i64 {
    let index = usize::try_from(random.below(NUMBERS.len() as u64)).unwrap_or(0);
    NUMBERS[index]
}

/// Calls with nonsense in every register and in the IPC buffer, but never waits on purpose.
pub(crate) fn call_at_random(ipc: Ipc, seed: u64) {
    let mut random = Random::new(seed ^ 0xdead_beef);
    loop {
        for index in 0..word::COUNT {
            ipc.set_word(index, random.nasty());
        }
        let number = random.one_of(&[
            syscall::CALL.cast_unsigned(),
            syscall::NB_SEND.cast_unsigned(),
            syscall::NB_WAIT.cast_unsigned(),
            syscall::SET_TLS_BASE.cast_unsigned(),
        ]);
        syscall(
            number.cast_signed(),
            Registers {
                capability_or_badge: random.nasty(),
                info: MessageInfo(random.nasty()),
                message: core::array::from_fn(|_| random.nasty()),
                reply: random.nasty(),
                destination: random.nasty(),
            },
        );
        count();
    }
}

/// Reads, writes and jumps anywhere, and tries instructions that it may not use. Each of these
/// faults, which ends it; so there is one attempt for each seed, after some calls.
pub(crate) fn touch_at_random(_: Ipc, seed: u64) {
    let mut random = Random::new(seed ^ 0x1234);
    for _ in 0..10 {
        syscall(syscall::NB_SEND, Registers::default());
        count();
    }
    let address = match random.nasty() {
        inside if memory::is_image(inside) => 0,
        outside => outside,
    };
    match seed % 7 {
        0 => memory::store(address, random.any()),
        1 => {
            let _ = memory::load(address);
        }
        2 => {
            memory::call(address);
        }
        3 => cpu::privileged_instruction(note(1)),
        4 => cpu::software_interrupt(note(1), 0x1234),
        5 => {
            let _ = cpu::in_instruction(0x3f8);
        }
        _ => cpu::load_stack_and_call(address),
    }
}
