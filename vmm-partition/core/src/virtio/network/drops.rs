//! Counts of frames that went nowhere.

use core::fmt;

use crate::host::Host;

/// Frames dropped for one reason.
#[derive(Debug, Default)]
pub(super) struct Drops(u64);

impl Drops {
    /// Counts one. The operator is told of the first, the second, the fourth, and so on: whoever causes them
    /// cannot fill the console.
    pub(super) fn count(&mut self, what: impl fmt::Display, host: &mut impl Host) {
        self.0 = self.0.saturating_add(1);
        if self.0.is_power_of_two() {
            host.log(format_args!("network: {} frames dropped: {what}", self.0));
        }
    }
}
