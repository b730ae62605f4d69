//! Guests made of noise: random instructions in real and 64-bit mode, random registers.
//!
//! What must be observed: every run comes back with an exit that the interface names, or with the
//! end of its time; the canary, the host thread's vector registers, and the host's capabilities are
//! as they were; no exit claims an address outside the guest-physical space.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::sync::atomic::Ordering::SeqCst;

use kernel_calls::{
    Ipc,
    invoke::{self, Resume},
};
use sel4_sys::MessageInfo;
use sel4_sys::extension::run_request::flag;
use sel4_sys::extension::{GUEST_PHYSICAL_BITS, label, reason, register};
use test_support::floating_point::{VectorPattern, keep_sse};
use test_support::guest::{Guest, long_mode};
use test_support::random::Random;
use test_support::threads::{Thread, clear_notes, note, noted};
use test_support::{Failure, Outcome, Plan, Test, Tester, ensure, equal, print};

const TESTS: &[Test] = &[
    Test {
        id: "hostile-guest-0001",
        rule: "random instructions in real mode reach nothing of the host",
        run: |t| noise(t, Mode::Real),
    },
    Test {
        id: "hostile-guest-0002",
        rule: "random instructions in 64-bit mode reach nothing of the host",
        run: |t| noise(t, Mode::Long),
    },
    Test {
        id: "hostile-guest-0003",
        rule: "random registers are refused or end in an exit",
        run: random_registers,
    },
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Real,
    Long,
}

/// Guests of each kind, and runs of each guest.
const GUESTS: u64 = 120;
const RUNS: u64 = 60;

fn noise(t: &mut Tester, mode: Mode) -> Outcome {
    let mut exits = [0u64; 18];
    for seed in 1..=GUESTS {
        let canary = t.canary()?;
        let mut random = Random::new(seed);
        let mut code = [0u8; 256];
        for byte in &mut code {
            *byte = random.any().to_le_bytes()[3];
        }
        let guest = match mode {
            Mode::Real => Guest::real_mode(t, &code)?,
            Mode::Long => Guest::long_mode(t, &code)?,
        };
        let runner = Runner::new(t, &guest)?;
        for _ in 0..RUNS {
            let Some(exit) = runner.run(t)? else {
                // It spins, on its own time.
                break;
            };
            is_sound(&exit)?;
            exits[usize::try_from(exit.reason).unwrap_or(0)] += 1;
            // Into the next piece of noise.
            let start = match mode {
                Mode::Real => 0,
                Mode::Long => long_mode::CODE,
            };
            let from = start + random.below(256);
            if exit.reason == reason::SHUTDOWN || guest.set(t, &[(register::RIP, from)]).is_err() {
                break;
            }
        }
        canary.is_alive()?;
        t.clean_up()?;
    }
    print!("(exits by reason {exits:?}) ");
    ensure(exits.iter().sum::<u64>() > GUESTS, "the guests hardly ran")
}

/// What a run said.
struct Exit {
    reason: u64,
    detail_2: u64,
}

fn is_sound(exit: &Exit) -> Outcome {
    ensure(exit.reason <= reason::OTHER, "a reason that nobody knows")?;
    if exit.reason == reason::MEMORY {
        // A little beyond, for CPUs whose physical addresses are wider than the nested space.
        ensure(
            exit.detail_2 >> (GUEST_PHYSICAL_BITS + 5) == 0,
            "an address outside the guest's space",
        )?;
    }
    Ok(())
}

/// A thread that runs the guest, on a budget.
struct Runner {
    thread: Thread,
}

const ENDED: usize = 0;
const REASON: usize = 1;
const DETAIL_2: usize = 2;
const CHANGED: usize = 3;

fn run_guest(ipc: Ipc, vcpu: u64) {
    let info = MessageInfo::new(label::VCPU_RUN, 0, 0);
    let received = ipc.call(vcpu, info, [0; 4]);
    note(REASON).store(received.message[0], SeqCst);
    note(DETAIL_2).store(received.message[2], SeqCst);
    note(ENDED).store(received.info.label() + 1, SeqCst);
}

fn run_guest_with_pattern(_: Ipc, vcpu: u64) {
    let run = MessageInfo::new(label::VCPU_RUN, 0, 0).0;
    let pattern = VectorPattern::new(vcpu ^ 0x5555);
    let changed = keep_sse(&pattern, sel4_sys::syscall::CALL, (vcpu, run));
    note(CHANGED).store(changed, SeqCst);
    note(ENDED).store(1, SeqCst);
}

impl Runner {
    fn new(t: &mut Tester, guest: &Guest) -> Result<Self, Failure> {
        let plan = Plan::new(run_guest, guest.vcpu).budget(200, 400);
        let thread = t.prepare(plan)?;
        Ok(Self { thread })
    }

    /// The next exit, or nothing if none comes in a few periods.
    fn run(&self, t: &mut Tester) -> Result<Option<Exit>, Failure> {
        clear_notes();
        invoke::tcb_write_registers(&t.ipc, self.thread.tcb, Resume::Yes, &self.thread.context)?;
        for _ in 0..3 {
            t.let_others_run()?;
            if noted(ENDED) != 0 {
                break;
            }
        }
        if noted(ENDED) == 0 {
            invoke::tcb_suspend(&t.ipc, self.thread.tcb)?;
            return Ok(None);
        }
        equal("the run's error", noted(ENDED), 1)?;
        Ok(Some(Exit {
            reason: noted(REASON),
            detail_2: noted(DETAIL_2),
        }))
    }
}

fn random_registers(t: &mut Tester) -> Outcome {
    let (mut taken, mut refused, mut ended) = (0u64, 0u64, 0u64);
    let mut seed = 1;
    for _ in 0..GUESTS {
        let canary = t.canary()?;
        let guest = Guest::long_mode(t, &[0xf4; 64])?;
        let plan = Plan::new(run_guest_with_pattern, guest.vcpu).budget(200, 400);
        let thread = t.prepare(plan)?;
        for _ in 0..20 {
            let mut random = Random::new(seed);
            seed += 1;
            guest.set(t, &long_mode::REGISTERS)?;
            for _ in 0..=random.below(6) {
                let id = random.below(register::COUNT + 2);
                if id == register::TR {
                    // QEMU 7.2 aborts ("invalid tss") when it needs a task segment that is not present.
                    continue;
                }
                let value = random.nasty() ^ (random.nasty() & random.nasty());
                match guest.set(t, &[(id, value)]) {
                    Ok(()) => taken += 1,
                    Err(_) => refused += 1,
                }
            }
            ended += u64::from(run_once(t, &guest, thread, &mut random)?);
        }
        canary.is_alive()?;
        t.clean_up()?;
    }
    print!("({taken} values taken, {refused} refused, {ended} exits) ");
    ensure(
        taken > 100 && refused > 100 && ended > 100,
        "the registers were hardly tried",
    )
}

/// Runs the guest once with a random request; whether it came back.
fn run_once(
    t: &mut Tester,
    guest: &Guest,
    thread: Thread,
    random: &mut Random,
) -> Result<bool, Failure> {
    // A flag that does not exist: refused without a run, whatever stands beside it.
    let nonsense = [
        (flag::ALL + 1) | random.nasty(),
        random.nasty(),
        random.nasty(),
        random.nasty(),
    ];
    ensure(
        guest.request(&t.ipc, 4, nonsense).is_err(),
        "nonsense was not refused",
    )?;
    clear_notes();
    invoke::tcb_write_registers(&t.ipc, thread.tcb, Resume::Yes, &thread.context)?;
    for _ in 0..3 {
        t.let_others_run()?;
        if noted(ENDED) != 0 {
            break;
        }
    }
    invoke::tcb_suspend(&t.ipc, thread.tcb)?;
    equal("the host's registers that changed", noted(CHANGED), 0)?;
    Ok(noted(ENDED) != 0)
}

const GROUPS: &[&[Test]] = &[TESTS];

test_support::root_task!(GROUPS);
