//! What the transport asks of a device type.

use super::queue::{Queue, QueueError};
use crate::host::Host;

/// A device type.
pub(crate) trait Device {
    /// Device type (section 5).
    const TYPE: u16;
    /// PCI class.
    const CLASS: u32;
    /// Queues that it has.
    const QUEUES: u16;

    /// Feature bits of this type.
    fn features(&self) -> u64;

    /// The configuration space's bytes.
    fn configuration(&self) -> &[u8];

    /// Whether the configuration space changed since this was last asked.
    fn take_configuration_change(&mut self) -> bool {
        false
    }

    /// Forgets everything that the driver asked for.
    fn reset(&mut self);

    /// Takes new chains and finishes old ones, for a driver that accepted `features`.
    fn process<H: Host>(
        &mut self,
        queues: &mut [Queue],
        features: u64,
        host: &mut H,
    ) -> Result<(), QueueError>;

    /// Looks at the outside while there is no driver.
    fn idle<H: Host>(&mut self, _: &mut H) {}
}
