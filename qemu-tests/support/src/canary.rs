//! Memory and capabilities that attackers must not reach, and whether they did.

use kernel_calls::debug_cap_identify;
use sel4_sys::{CapRights, object::ObjectType};

use crate::memory;
use crate::outcome::{Failure, Outcome, equal};
use crate::resources::Tester;

/// Where the canary's frame is mapped.
const WINDOW: u64 = memory::fresh_address(60);
const WORDS: u64 = 512;
const PATTERN: u64 = 0xca9a_2135_0f00_d000;
/// Slots of the first CNode whose types are remembered: the fixed ones.
const SLOTS: u64 = 16;

/// A frame with a pattern, and the types of the fixed capabilities.
pub struct Canary {
    tags: [u64; 16],
}

impl Tester {
    /// Sets a canary up. Its frame comes from the arena: at both sides of it lies what the test makes next.
    ///
    /// # Errors
    ///
    /// What the kernel says.
    pub fn canary(&mut self) -> Result<Canary, Failure> {
        let frame = self.make(ObjectType::Page, 0)?;
        self.map(frame, WINDOW, CapRights::READ_WRITE)?;
        for index in 0..WORDS {
            memory::store(WINDOW + 8 * index, PATTERN + index);
        }
        let mut tags = [0; 16];
        for (slot, tag) in (0..SLOTS).zip(&mut tags) {
            *tag = debug_cap_identify(slot);
        }
        Ok(Canary { tags })
    }
}

impl Canary {
    /// Nothing has changed.
    ///
    /// # Errors
    ///
    /// What has.
    pub fn is_alive(&self) -> Outcome {
        for index in 0..WORDS {
            let word = memory::load(WINDOW + 8 * index);
            equal("a word of the canary", word, PATTERN + index)?;
        }
        for (slot, tag) in (0..SLOTS).zip(&self.tags) {
            equal("the tag of a fixed slot", debug_cap_identify(slot), *tag)?;
        }
        Ok(())
    }
}
