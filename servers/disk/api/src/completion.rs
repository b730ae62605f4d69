//! The server's side of the conversation.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Why a request was not carried out. The number is what travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Refusal {
    /// The device failed, or cannot be used.
    InputOutput = 1,
    /// The request is malformed or reaches beyond the device or the data area.
    OutOfRange = 2,
    /// The block on the disk is not the one that was last written.
    Integrity = 3,
}

/// What became of a request.
pub type Outcome = Result<(), Refusal>;

/// The answer to one [`Request`](crate::Request) (8 bytes).
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Completion {
    /// The request's [`id`](crate::Request::id).
    pub id: u32,
    /// 0, or the number of a [`Refusal`].
    pub status: u32,
}

impl Completion {
    /// The answer `outcome` to request `id`.
    pub fn new(id: u32, outcome: Outcome) -> Self {
        let status = outcome.map_or_else(|refusal| refusal as u32, |()| 0);
        Self { id, status }
    }

    /// What the server says became of the request; a status that does not exist counts as an I/O error.
    pub fn outcome(&self) -> Outcome {
        match self.status {
            0 => Ok(()),
            2 => Err(Refusal::OutOfRange),
            3 => Err(Refusal::Integrity),
            _ => Err(Refusal::InputOutput),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_survive_the_channel() {
        let refusals = [
            Refusal::InputOutput,
            Refusal::OutOfRange,
            Refusal::Integrity,
        ];
        for outcome in refusals.map(Err).into_iter().chain([Ok(())]) {
            assert_eq!(Completion::new(7, outcome).outcome(), outcome);
        }
        let unknown = Completion { id: 7, status: 99 };
        assert_eq!(unknown.outcome(), Err(Refusal::InputOutput));
    }
}
