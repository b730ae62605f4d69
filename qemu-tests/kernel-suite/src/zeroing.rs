//! New objects find zeroes, whatever their memory held before and however they were made.

use core::sync::atomic::Ordering::SeqCst;

use kernel_calls::{
    Ipc,
    invoke::{self, Retype},
};
use sel4_sys::CapRights;
use sel4_sys::object::ObjectType::{LargePage, Page, Untyped};
use test_support::memory::{self, fresh_address};
use test_support::resources::retype_into;
use test_support::threads::{Plan, clear_notes, note, noted};
use test_support::{Failure, Outcome, Test, Tester, ensure, equal};

pub(crate) const TESTS: &[Test] = &[
    Test {
        id: "untyped-zero-0001",
        rule: "frames made one by one are zero, in every round and from whatever offset on",
        run: one_by_one,
    },
    Test {
        id: "untyped-zero-0002",
        rule: "memory that was a child untyped's is zero when it is made a frame again",
        run: through_child,
    },
    Test {
        id: "untyped-zero-0003",
        rule: "a long Retype lets others run meanwhile, and its frames are zero all the same",
        run: interrupted,
    },
    Test {
        id: "untyped-zero-0004",
        rule: "a Retype that is refused, or follows another of the same memory, leaves no old contents",
        run: refused_between,
    },
];

const PAGE: u64 = 4096;

/// Maps a frame of `bytes` bytes, checks that it is zero, and writes to it.
fn check_and_use(t: &mut Tester, frame: u64, address: u64, bytes: u64) -> Outcome {
    t.map(frame, address, CapRights::READ_WRITE)?;
    let words = || (address..address + bytes).step_by(512);
    for word in words().flat_map(|word| [word, word + 504]) {
        equal("a word of a new frame", memory::load(word), 0)?;
    }
    for word in words().flat_map(|word| [word, word + 504]) {
        memory::store(word, u64::MAX);
    }
    Ok(())
}

fn one_by_one(t: &mut Tester) -> Outcome {
    let source = t.untyped(17)?;
    for round in 0..3 {
        for index in 0..32 - round {
            // A small object between them, in the later rounds, makes them begin elsewhere.
            if index == round * 3 && round > 0 {
                t.make_from(source, Untyped, 4)?;
            }
            let frame = t.make_from(source, Page, 0)?;
            check_and_use(t, frame, fresh_address(1) + index * PAGE, PAGE)?;
        }
        t.revoke(source)?;
    }
    Ok(())
}

fn through_child(t: &mut Tester) -> Outcome {
    let source = t.untyped(15)?;
    for first in [Untyped, Page] {
        let child = t.make_from(source, first, 12)?;
        let frame = match first {
            Untyped => t.make_from(child, Page, 0)?,
            _ => child,
        };
        check_and_use(t, frame, fresh_address(1), PAGE)?;
        let next = t.make_from(source, Page, 0)?;
        check_and_use(t, next, fresh_address(1) + PAGE, PAGE)?;
        t.revoke(source)?;
    }
    Ok(())
}

fn count_and_yield(_: Ipc, index: u64) {
    loop {
        note(usize::try_from(index).unwrap_or(0)).fetch_add(1, SeqCst);
        kernel_calls::yield_now();
    }
}

fn interrupted(t: &mut Tester) -> Outcome {
    const LARGE: u64 = 2 << 20;
    clear_notes();
    let source = t.untyped(23)?;
    t.spawn(
        Plan::new(count_and_yield, 1)
            .priority(200)
            .budget(500, 1_000),
    )?;
    let first = t.slots(4);
    let retype = Retype {
        count: 4,
        ..retype_into(LargePage, 0, first)
    };
    // Memory may be known to be zero at first, and an emulator's clock may stand still for a while.
    for _ in 0..20 {
        t.set_own_priority(100)?;
        let before = noted(1);
        invoke::untyped_retype(&t.ipc, source, &retype)?;
        let meanwhile = noted(1) - before;
        t.set_own_priority(255)?;
        for index in 0..4 {
            check_and_use(t, first + index, fresh_address(1) + index * LARGE, LARGE)?;
        }
        t.revoke(source)?;
        if meanwhile > 0 {
            return Ok(());
        }
    }
    ensure(false, "nobody ran during any of the Retypes")
}

fn refused_between(t: &mut Tester) -> Outcome {
    let source = t.untyped(16)?;
    let use_up = |t: &mut Tester, count: u64| -> Result<(), Failure> {
        for index in 0..count {
            let frame = t.make_from(source, Page, 0)?;
            check_and_use(t, frame, fresh_address(1) + index * PAGE, PAGE)?;
        }
        Ok(())
    };
    use_up(t, 16)?;
    t.revoke(source)?;
    let to = t.slot();
    let result = invoke::untyped_retype(&t.ipc, source, &retype_into(LargePage, 0, to));
    ensure(result.is_err(), "64 KiB hold no large frame")?;
    use_up(t, 3)?;
    t.revoke(source)?;
    use_up(t, 16)
}
