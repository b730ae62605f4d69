//! What a guest does to its registers stays in the guest, and the host's stay out of it.
//!
//! Breakpoints are not tried: QEMU 7.2 does not activate those of a guest's DR7.

use sel4_sys::extension::{label, reason, register};
use sel4_sys::{CapRights, MessageInfo, syscall};
use test_support::floating_point::{self, VectorPattern};
use test_support::guest::{Exit, Guest};
use test_support::memory::{self, fresh_address};
use test_support::{Failure, Outcome, Test, Tester, cpu, equal, guest_programs as programs};

pub(crate) const TESTS: &[Test] = &[
    Test {
        id: "guest-isolation-0001",
        rule: "the host thread's SSE registers survive a guest that overwrites them",
        run: host_vectors,
    },
    Test {
        id: "guest-isolation-0002",
        rule: "a guest sees no SSE register of the host, and keeps its own over exits",
        run: guest_vectors,
    },
    Test {
        id: "guest-isolation-0003",
        rule: "a guest that narrows XCR0 narrows its own only",
        run: extended_control,
    },
    Test {
        id: "guest-isolation-0004",
        rule: "a guest that rewrites its system call and segment registers changes none of the host's",
        run: model_specific,
    },
    Test {
        id: "guest-isolation-0005",
        rule: "debug registers belong to one virtual CPU",
        run: debug_registers,
    },
];

const SECOND_WINDOW: u64 = fresh_address(4);

fn is_halt(exit: &Exit) -> Outcome {
    equal("the reason", exit.reason, reason::HALT)
}

fn host_vectors(t: &mut Tester) -> Outcome {
    let guest = Guest::long_mode(t, programs::vector_registers())?;
    let pattern = VectorPattern::new(0x0123_4567_89ab);
    let run = MessageInfo::new(label::VCPU_RUN, 0, 0).0;
    let changed = floating_point::keep_sse(&pattern, syscall::CALL, (guest.vcpu, run));
    equal("the registers that changed", changed, 0)
}

fn guest_vectors(t: &mut Tester) -> Outcome {
    let guest = Guest::long_mode(t, programs::vector_registers())?;
    let other = Guest::long_mode_at(t, programs::vector_registers(), SECOND_WINDOW)?;
    for guest in [&guest, &other] {
        let exit = guest.run(t)?;
        equal("the reason", exit.reason, reason::HYPERCALL)?;
        equal("what the guest found", exit.general(0) | exit.general(3), 0)?;
        // The host uses the registers in between.
        let pattern = VectorPattern::new(0x55);
        let changed = floating_point::keep_sse(&pattern, syscall::YIELD, (0, 0));
        equal("the host's registers that changed", changed, 0)?;
    }
    for guest in [&guest, &other] {
        let rip = guest.get(t, register::RIP)?;
        guest.set(t, &[(register::RIP, rip + 3)])?;
        let exit = guest.run(t)?;
        is_halt(&exit)?;
        equal("what the guest kept", exit.general(0), 0xffff)?;
    }
    Ok(())
}

fn extended_control(t: &mut Tester) -> Outcome {
    if !cpu::has_avx() {
        return Err(Failure::skipped("this machine has no AVX"));
    }
    let guest = Guest::long_mode(t, programs::extended_control())?;
    let mut exit = guest.run(t)?;
    if exit.reason == reason::XSETBV {
        guest.set(t, &[(register::XCR0, 1)])?;
        exit = guest.skip(t, &exit, 3)?;
    }
    is_halt(&exit)?;
    equal("the guest's XCR0", exit.general(0), 1)?;
    equal(
        "the guest's XCR0 as a register",
        guest.get(t, register::XCR0)?,
        1,
    )?;
    let pattern = VectorPattern::new(0x66);
    let changed = floating_point::keep_avx_while_spinning(&pattern, 1000);
    equal("the host's AVX registers that changed", changed, 0)?;
    let other = Guest::long_mode_at(t, programs::registers(), SECOND_WINDOW)?;
    equal("another's XCR0", other.get(t, register::XCR0)? & 1, 1)?;
    other.run(t)?;
    equal("the guest's XCR0 later", guest.get(t, register::XCR0)?, 1)
}

fn model_specific(t: &mut Tester) -> Outcome {
    const VALUE: u64 = 0x1234_5678_9000;
    let (frame, address) = (t.frame()?, fresh_address(5));
    t.map(frame, address, CapRights::READ_WRITE)?;
    memory::store(address, 0x7157);
    kernel_calls::set_tls_base(address);
    let guest = Guest::long_mode(t, programs::own_model_specific())?;
    guest.set(t, &[(register::GENERAL + 7, VALUE)])?;
    let exit = guest.run(t)?;
    is_halt(&exit)?;
    equal("the host's word at FS", cpu::fs_word(), 0x7157)?;
    for id in [
        register::STAR,
        register::LSTAR,
        register::CSTAR,
        register::FS_BASE,
        register::GS_BASE,
        register::KERNEL_GS_BASE,
        register::SYSENTER_ESP,
        register::SYSENTER_EIP,
    ] {
        equal("the guest's register", guest.get(t, id)?, VALUE)?;
    }
    // A system call that lands elsewhere would have ended this program long ago; once more:
    let other = Guest::long_mode_at(t, programs::registers(), SECOND_WINDOW)?;
    equal("another's LSTAR", other.get(t, register::LSTAR)?, 0)
}

fn debug_registers(t: &mut Tester) -> Outcome {
    let guest = Guest::long_mode(t, programs::debug_registers())?;
    let values = [0x1111_0000, 0x2222_0000, 0x3333_0000, 0x4444_0000];
    for (id, value) in (register::DR0..).zip(values) {
        guest.set(t, &[(id, value)])?;
    }
    let exit = guest.run(t)?;
    is_halt(&exit)?;
    // RAX, RBX, RCX, RDX by their numbers.
    for (number, value) in [0, 3, 1, 2].into_iter().zip(values) {
        equal("a debug register", exit.general(number), value)?;
    }
    let other = Guest::long_mode_at(t, programs::debug_registers(), SECOND_WINDOW)?;
    let exit = other.run(t)?;
    is_halt(&exit)?;
    for number in 0..4 {
        equal("another's debug register", exit.general(number), 0)?;
    }
    Ok(())
}
