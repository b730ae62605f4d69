//! What the transport asks of a device type.

use super::queue::{Queue, QueueError};
use crate::host::Host;

/// Whether something was returned to the driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Nothing was.
    None,
    /// At least one chain was.
    Returned,
}

impl Progress {
    /// Whether something was returned in either of two steps.
    pub(crate) fn or(self, other: Self) -> Self {
        match self {
            Self::None => other,
            Self::Returned => self,
        }
    }
}

/// A device type with one queue.
pub(crate) trait Device {
    /// Device type (section 5).
    const TYPE: u16;
    /// PCI class.
    const CLASS: u32;

    /// Feature bits of this type.
    fn features(&self) -> u64;

    /// The configuration space's bytes.
    fn configuration(&self) -> &[u8];

    /// Forgets everything that the driver asked for.
    fn reset(&mut self);

    /// Takes new chains and finishes old ones.
    fn process<H: Host>(&mut self, queue: &mut Queue, host: &mut H)
    -> Result<Progress, QueueError>;
}
