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
    pub(super) general: General,
}

/// General registers that are written, in encoding order.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum General {
    #[default]
    None,
    First([u64; 4]),
    All([u64; GENERAL_REGISTERS]),
}

impl RunRequest {
    /// Checks a request of `length` words, the first four of them given; `general` fetches the others by register.
    #[inline(always)]
    pub(crate) fn decode(
        length: u64,
        words: [u64; 4],
        general: impl Fn(usize) -> u64,
    ) -> Result<Self, Error> {
        use run_request::{EVENT, FLAGS, RFLAGS, RIP, WORDS_LONG, WORDS_MEDIUM, WORDS_SHORT, flag};
        match length {
            0 => return Ok(Self::default()),
            WORDS_SHORT | WORDS_MEDIUM | WORDS_LONG => (),
            _ if length < WORDS_LONG => return Err(Error::Truncated),
            _ => {
                return Err(Error::Range {
                    min: 0,
                    max: WORDS_LONG,
                });
            }
        }
        let flags = words[FLAGS];
        if flags & !flag::ALL != 0 {
            return Err(Error::InvalidArgument(FLAGS as u64));
        }
        let has = |flag| flags & flag != 0;
        let given = |flag, index: usize| has(flag).then_some(words[index]);
        let event = given(flag::EVENT, EVENT);
        if event.is_some_and(|event| !is_event(event)) {
            return Err(Error::InvalidArgument(EVENT as u64));
        }
        Ok(Self {
            rip: given(flag::RIP, RIP),
            rflags: given(flag::RFLAGS, RFLAGS).map(fixed_flags),
            event,
            clear_interrupt_shadow: has(flag::CLEAR_INTERRUPT_SHADOW),
            request_interrupt_window: has(flag::REQUEST_INTERRUPT_WINDOW),
            general: match length {
                WORDS_LONG => General::All(core::array::from_fn(general)),
                WORDS_MEDIUM => General::First(core::array::from_fn(general)),
                _ => General::None,
            },
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
