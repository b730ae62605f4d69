//! Runs tests one after the other and counts.

use sel4_sys::boot_info::BootInfo;

use crate::outcome::Outcome;
use crate::resources::Tester;
use crate::{ports, print, println};

/// One rule and how it is tried.
#[derive(Clone, Copy)]
pub struct Test {
    /// Stable identification.
    pub id: &'static str,
    /// The rule in one sentence.
    pub rule: &'static str,
    /// Tries it.
    pub run: fn(&mut Tester) -> Outcome,
}

/// Runs all groups of tests, prints a line for each test and the sums, and ends the machine.
pub fn run_all(boot: &'static BootInfo, groups: &[&[Test]]) -> ! {
    let mut tester = match Tester::start(boot) {
        Ok(tester) => tester,
        Err(failure) => {
            println!("the tests cannot start: {failure}");
            ports::exit(ports::FAILED)
        }
    };
    let (mut passed, mut failed, mut skipped) = (0u32, 0u32, 0u32);
    for test in groups.iter().copied().flatten() {
        print!("test {} ", test.id);
        let outcome = (test.run)(&mut tester);
        match outcome.and(tester.clean_up()) {
            Ok(()) => {
                passed += 1;
                println!("ok");
            }
            Err(failure) => {
                if let Some(why) = failure.skip_reason() {
                    skipped += 1;
                    println!("skipped: {why}");
                } else {
                    failed += 1;
                    println!("FAILED {failure}; the rule: {}", test.rule);
                    let _ = tester.clean_up();
                }
            }
        }
    }
    println!("{passed} passed, {failed} failed, {skipped} skipped");
    let all_well = failed == 0 && passed > 0;
    ports::exit(if all_well {
        ports::PASSED
    } else {
        ports::FAILED
    })
}
