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

/// The registers of a device with one virtqueue in use. What they return is not to be trusted.
pub trait Transport {
    /// The device status field.
    fn status(&self) -> u8;

    /// Writes the device status field; 0 resets the device.
    fn set_status(&mut self, status: u8);

    /// The features that the device offers.
    fn offered_features(&mut self) -> u64;

    /// Tells the device which features are used.
    fn accept_features(&mut self, features: u64);

    /// Says that changes of the configuration interrupt nobody.
    fn ignore_configuration_changes(&mut self);

    /// The most entries that queue 0 can have; 0 if there is no queue.
    fn queue_size_limit(&mut self) -> u16;

    /// Sets queue 0 up with interrupts by entry 0 of the MSI-X table, and enables it. Says whether the
    /// device took the interrupt.
    fn enable_queue(&mut self, size: u16, addresses: &QueueAddresses) -> bool;

    /// Tells the device that there is something in queue 0.
    fn notify(&self);

    /// The device's capacity in sectors of 512 bytes (section 5.2.4).
    fn capacity(&self) -> u64;
}
