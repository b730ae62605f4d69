//! What a monitor asks for when it runs a guest.

use sel4_sys::extension::{GENERAL_REGISTERS, event, run_request};

use super::register::fixed_flags;
use crate::error::Error;

/// A checked request.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct RunRequest {
    pub(super) rip: Option<u64>,
    pub(super) rflags: Option<u64>,
    pub(super) event: Option<u64>,
    pub(super) clear_interrupt_shadow: bool,
    pub(super) request_interrupt_window: bool,
    pub(super) general: Option<[u64; GENERAL_REGISTERS]>,
}

impl RunRequest {
    /// Checks a request of `length` words.
    pub(crate) fn decode(length: u64, word: impl Fn(u64) -> u64) -> Result<Self, Error> {
        match length {
            0 => return Ok(Self::default()),
            run_request::WORDS_SHORT | run_request::WORDS_LONG => (),
            _ if length < run_request::WORDS_LONG => return Err(Error::Truncated),
            _ => {
                return Err(Error::Range {
                    min: 0,
                    max: run_request::WORDS_LONG,
                });
            }
        }
        let flags = word(run_request::FLAGS as u64);
        if flags & !run_request::flag::ALL != 0 {
            return Err(Error::InvalidArgument(run_request::FLAGS as u64));
        }
        let has = |flag| flags & flag != 0;
        let given = |flag, index: usize| has(flag).then(|| word(index as u64));
        let event = given(run_request::flag::EVENT, run_request::EVENT);
        if event.is_some_and(|event| !is_event(event)) {
            return Err(Error::InvalidArgument(run_request::EVENT as u64));
        }
        let general = (length == run_request::WORDS_LONG)
            .then(|| core::array::from_fn(|index| word((run_request::GENERAL + index) as u64)));
        Ok(Self {
            rip: given(run_request::flag::RIP, run_request::RIP),
            rflags: given(run_request::flag::RFLAGS, run_request::RFLAGS).map(fixed_flags),
            event,
            clear_interrupt_shadow: has(run_request::flag::CLEAR_INTERRUPT_SHADOW),
            request_interrupt_window: has(run_request::flag::REQUEST_INTERRUPT_WINDOW),
            general,
        })
    }
}

/// Whether a word is zero or an event that can be injected.
fn is_event(word: u64) -> bool {
    const VECTOR: u64 = 0xff;
    const KNOWN: u64 =
        VECTOR | event::KIND_MASK | event::ERROR_CODE_VALID | event::VALID | 0xffff_ffff << 32;
    if word == 0 {
        return true;
    }
    let vector = word & VECTOR;
    let has_code = word & event::ERROR_CODE_VALID != 0;
    let is_known = word & !KNOWN == 0 && word & event::VALID != 0 && (has_code || word >> 32 == 0);
    is_known
        && match word & event::KIND_MASK {
            event::EXTERNAL_INTERRUPT => vector >= 16 && !has_code,
            event::NMI => vector == 2 && !has_code,
            event::EXCEPTION => vector < 32 && vector != 2,
            _ => false,
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_that_the_processor_would_refuse_are_refused() {
        assert!(is_event(0));
        assert!(is_event(event::interrupt(0x20)));
        assert!(is_event(event::exception(6)));
        assert!(is_event(event::exception_with_code(14, 2)));
        assert!(!is_event(event::interrupt(15)));
        assert!(!is_event(event::exception(2)));
        assert!(!is_event(event::exception(32)));
        assert!(!is_event(event::VALID | 5 << 8));
        assert!(!is_event(1));
        assert!(!is_event(event::interrupt(0x20) | 1 << 40));
    }
}
