//! An environment as the root server writes it.

use serde::Serialize;

use crate::{Capability, EncodeError, LENGTH_PREFIX, Parameter, Region};

/// Everything that a component is told.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Description<'a> {
    /// The component's own name.
    pub component: &'a str,
    /// Entropy that no other component has.
    pub seed: [u8; 32],
    /// Ticks of the time-stamp counter in a millisecond.
    pub tsc_khz: u64,
    /// What it holds.
    pub capabilities: &'a [Capability<'a>],
    /// What is mapped.
    pub regions: &'a [Region<'a>],
    /// How it is set up.
    pub parameters: &'a [Parameter<'a>],
}

impl Description<'_> {
    /// Writes the description with its length in front and answers the bytes used in all.
    ///
    /// # Errors
    ///
    /// `page` is too small.
    pub fn encode(&self, page: &mut [u8]) -> Result<usize, EncodeError> {
        let (prefix, space) = page
            .split_first_chunk_mut::<LENGTH_PREFIX>()
            .ok_or(EncodeError::TooLong)?;
        let used = postcard::to_slice(self, space)
            .map_err(|_| EncodeError::TooLong)?
            .len();
        *prefix = u32::try_from(used)
            .map_err(|_| EncodeError::TooLong)?
            .to_le_bytes();
        Ok(LENGTH_PREFIX + used)
    }
}
