//! Configuration mechanism 1: an address register and a data window.

use super::{configuration::Configuration, host_bridge};

/// The byte of configuration space that an access to the data window reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Selected {
    /// Device on bus 0, function 0.
    pub(crate) device: u8,
    /// Offset.
    pub(crate) offset: u8,
}

/// The address register and the host bridge.
pub(crate) struct Bus {
    /// Port 0xcf8.
    pub(crate) address: u32,
    /// Device 0.
    pub(crate) host_bridge: Configuration,
}

impl Bus {
    /// A bus with its host bridge.
    pub(crate) fn new() -> Self {
        Self {
            address: 0,
            host_bridge: host_bridge::configuration(),
        }
    }

    /// What byte `index` of the data window stands for; only function 0 of devices on bus 0 exists.
    pub(crate) fn select(&self, index: u8) -> Option<Selected> {
        let [register, device_function, bus, enable] = self.address.to_le_bytes();
        // Bits 27:24 would select configuration space beyond 256 bytes, which no function here has.
        (enable & 0x8f == 0x80 && bus == 0 && device_function & 7 == 0).then_some(Selected {
            device: device_function >> 3,
            offset: (register & 0xfc) | (index & 3),
        })
    }
}
