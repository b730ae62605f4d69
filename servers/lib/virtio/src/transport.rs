//! What a driver does to the device's registers (virtio 1.2, section 4.1.4.3).

/// Bits of the device status field (section 2.1).
pub mod status {
    /// The driver has noticed the device.
    pub const ACKNOWLEDGE: u8 = 1;
    /// The driver knows how to drive it.
    pub const DRIVER: u8 = 2;
    /// The driver is ready.
    pub const DRIVER_OK: u8 = 4;
    /// The features are agreed on.
    pub const FEATURES_OK: u8 = 8;
    /// The device cannot go on without a reset.
    pub const NEEDS_RESET: u8 = 64;
    /// The driver has given up.
    pub const FAILED: u8 = 128;
}

/// Where the parts of a virtqueue lie, as physical addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueAddresses {
    /// The descriptor table.
    pub descriptors: u64,
    /// The available ring.
    pub available: u64,
    /// The used ring.
    pub used: u64,
}

/// The registers of a device. What they return is not to be trusted.
pub trait Transport {
    /// The device status field.
    fn status(&self) -> u8;

    /// Writes the device status field; 0 resets the device.
    fn set_status(&mut self, status: u8);

    /// The features that the device offers.
    fn offered_features(&mut self) -> u64;

    /// Tells the device which features are used.
    fn accept_features(&mut self, features: u64);

    /// Has changes of the configuration interrupt by that entry of the MSI-X table, or by none. Says whether the
    /// device took it.
    fn set_configuration_interrupt(&mut self, entry: Option<u16>) -> bool;

    /// The most entries that queue number `queue` can have; 0 if there is no such queue.
    fn queue_size_limit(&mut self, queue: u16) -> u16;

    /// Sets a queue up with interrupts by that entry of the MSI-X table, and enables it. Says whether
    /// the device took the interrupt.
    fn enable_queue(
        &mut self,
        queue: u16,
        size: u16,
        addresses: &QueueAddresses,
        entry: u16,
    ) -> bool;

    /// Tells the device that there is something in queue number `queue`.
    fn notify(&self, queue: u16);

    /// The field of 8 bits at `offset` of the configuration of this kind of device; 0 outside of it.
    fn configuration_u8(&self, offset: usize) -> u8;

    /// The field of 16 bits at `offset` of that configuration; 0 outside of it.
    fn configuration_u16(&self, offset: usize) -> u16;

    /// The field of 32 bits at `offset` of that configuration; 0 outside of it.
    fn configuration_u32(&self, offset: usize) -> u32;

    /// Counts changes of that configuration.
    fn configuration_generation(&self) -> u8;

    /// What `read` reads of the configuration, all from one moment (section 2.5.3).
    ///
    /// A device whose generation never rests is read as it is: what it says is checked where it is used.
    fn consistent<R>(&self, read: impl Fn(&Self) -> R) -> R
    where
        Self: Sized,
    {
        for _ in 0..8 {
            let before = self.configuration_generation();
            let value = read(self);
            if self.configuration_generation() == before {
                return value;
            }
        }
        read(self)
    }
}
