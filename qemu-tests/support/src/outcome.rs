//! What a test says at its end, and the checks that lead there.

use core::fmt::{Display, Formatter, Result as FormatResult};
use core::panic::Location;

use sel4_sys::Error;

/// What was not as it must be, and where in the test.
#[derive(Clone, Copy, Debug)]
pub struct Failure {
    what: What,
    place: &'static Location<'static>,
}

#[derive(Clone, Copy, Debug)]
enum What {
    Untrue(&'static str),
    Differs(&'static str, u64, u64),
    Kernel(Error),
    NotRefused(&'static str),
    RefusedOtherwise(&'static str, Error, Error),
    Missing(&'static str),
    Skipped(&'static str),
}

/// How a test ended.
pub type Outcome = Result<(), Failure>;

impl Failure {
    /// Not a failure: the machine lacks what the test is about.
    #[track_caller]
    #[must_use]
    pub fn skipped(why: &'static str) -> Self {
        Self::new(What::Skipped(why))
    }

    /// Whether the test was skipped, and why.
    #[must_use]
    pub fn skip_reason(&self) -> Option<&'static str> {
        match self.what {
            What::Skipped(why) => Some(why),
            _ => None,
        }
    }

    #[track_caller]
    fn new(what: What) -> Self {
        Self {
            what,
            place: Location::caller(),
        }
    }
}

impl From<Error> for Failure {
    #[track_caller]
    fn from(error: Error) -> Self {
        Self::new(What::Kernel(error))
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut Formatter<'_>) -> FormatResult {
        match self.what {
            What::Untrue(what) => write!(f, "{what}")?,
            What::Differs(what, got, wanted) => write!(f, "{what} is {got:#x}, not {wanted:#x}")?,
            What::Kernel(error) => write!(f, "the kernel refused with {error:?}")?,
            What::NotRefused(what) => write!(f, "{what} was not refused")?,
            What::RefusedOtherwise(what, got, wanted) => {
                write!(f, "{what} was refused with {got:?}, not {wanted:?}")?;
            }
            What::Missing(what) => write!(f, "there is no {what}")?,
            What::Skipped(why) => write!(f, "skipped: {why}")?,
        }
        write!(f, " ({}:{})", self.place.file(), self.place.line())
    }
}

/// `condition` holds; otherwise `what` says what is wrong.
///
/// # Errors
///
/// The failure, if not.
#[track_caller]
pub fn ensure(condition: bool, what: &'static str) -> Outcome {
    if condition {
        Ok(())
    } else {
        Err(Failure::new(What::Untrue(what)))
    }
}

/// `got` equals `wanted`; `what` names it.
///
/// # Errors
///
/// The failure, if not.
#[track_caller]
pub fn equal(what: &'static str, got: u64, wanted: u64) -> Outcome {
    if got == wanted {
        Ok(())
    } else {
        Err(Failure::new(What::Differs(what, got, wanted)))
    }
}

/// The kernel refused `what` with exactly this error.
///
/// # Errors
///
/// The failure, if it did not.
#[track_caller]
pub fn refused<T>(what: &'static str, result: Result<T, Error>, wanted: Error) -> Outcome {
    match result {
        Ok(_) => Err(Failure::new(What::NotRefused(what))),
        Err(got) if got == wanted => Ok(()),
        Err(got) => Err(Failure::new(What::RefusedOtherwise(what, got, wanted))),
    }
}

/// The value, which must be there; `what` names it.
///
/// # Errors
///
/// The failure, if it is not.
#[track_caller]
pub fn expect<T>(value: Option<T>, what: &'static str) -> Result<T, Failure> {
    match value {
        Some(value) => Ok(value),
        None => Err(Failure::new(What::Missing(what))),
    }
}
