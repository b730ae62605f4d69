//! The registers of virtio over PCI, at places that the manifest names.
//!
//! The capabilities that name these places stand in configuration space, to which no driver has access.

use mmio::{Register, Registers};
use shared_memory::AccessError;

use crate::transport::{QueueAddresses, Transport};

/// No MSI-X vector (section 4.1.5.1.2).
const NO_VECTOR: u16 = 0xffff;

/// Where the structures lie within the device's registers, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Places {
    /// The common configuration.
    pub common: usize,
    /// The configuration of the kind of device.
    pub device: usize,
    /// The notification area.
    pub notify: usize,
    /// Bytes for one step of a queue's notification offset.
    pub notify_multiplier: usize,
}

/// The registers in use (section 4.1.4.3).
pub struct Pci {
    device_feature_select: Register<u32>,
    device_feature: Register<u32>,
    driver_feature_select: Register<u32>,
    driver_feature: Register<u32>,
    config_msix_vector: Register<u16>,
    device_status: Register<u8>,
    config_generation: Register<u8>,
    queue_select: Register<u16>,
    queue_size: Register<u16>,
    queue_msix_vector: Register<u16>,
    queue_enable: Register<u16>,
    /// Descriptors, available ring, used ring: the low and the high half of each.
    queue_addresses: [(Register<u32>, Register<u32>); 3],
    capacity: (Register<u32>, Register<u32>),
    notify: Register<u16>,
}

impl Pci {
    /// The registers at `places`.
    ///
    /// # Errors
    ///
    /// A register would lie outside the range, or crooked: the manifest is wrong, or the device.
    pub fn new(registers: &Registers, places: &Places) -> Result<Self, AccessError> {
        let common = registers.part(places.common, 0x38)?;
        let device = registers.part(places.device, 8)?;
        let queue_select: Register<u16> = common.register(0x16)?;
        queue_select.write(0);
        let notify_offset = usize::from(common.register::<u16>(0x1e)?.read());
        let notify = notify_offset
            .checked_mul(places.notify_multiplier)
            .and_then(|offset| offset.checked_add(places.notify))
            .ok_or(AccessError)?;
        let pair = |from: &Registers, offset| {
            Ok::<_, AccessError>((from.register(offset)?, from.register(offset + 4)?))
        };
        Ok(Self {
            device_feature_select: common.register(0x00)?,
            device_feature: common.register(0x04)?,
            driver_feature_select: common.register(0x08)?,
            driver_feature: common.register(0x0c)?,
            config_msix_vector: common.register(0x10)?,
            device_status: common.register(0x14)?,
            config_generation: common.register(0x15)?,
            queue_select,
            queue_size: common.register(0x18)?,
            queue_msix_vector: common.register(0x1a)?,
            queue_enable: common.register(0x1c)?,
            queue_addresses: [
                pair(&common, 0x20)?,
                pair(&common, 0x28)?,
                pair(&common, 0x30)?,
            ],
            capacity: pair(&device, 0)?,
            notify: registers.register(notify)?,
        })
    }
}

impl Transport for Pci {
    fn status(&self) -> u8 {
        self.device_status.read()
    }

    fn set_status(&mut self, status: u8) {
        self.device_status.write(status);
    }

    fn offered_features(&mut self) -> u64 {
        let half = |select| {
            self.device_feature_select.write(select);
            u64::from(self.device_feature.read())
        };
        half(0) | half(1) << 32
    }

    fn accept_features(&mut self, features: u64) {
        for (select, half) in (0..).zip(halves(features)) {
            self.driver_feature_select.write(select);
            self.driver_feature.write(half);
        }
    }

    fn ignore_configuration_changes(&mut self) {
        self.config_msix_vector.write(NO_VECTOR);
    }

    fn queue_size_limit(&mut self) -> u16 {
        self.queue_select.write(0);
        self.queue_size.read()
    }

    fn enable_queue(&mut self, size: u16, addresses: &QueueAddresses) -> bool {
        self.queue_select.write(0);
        self.queue_size.write(size);
        let addresses = [addresses.descriptors, addresses.available, addresses.used];
        // Fields of 64 bits are written by halves (section 4.1.3.1).
        for ((low, high), address) in self.queue_addresses.iter().zip(addresses) {
            let [low_half, high_half] = halves(address);
            low.write(low_half);
            high.write(high_half);
        }
        self.queue_msix_vector.write(0);
        if self.queue_msix_vector.read() != 0 {
            return false;
        }
        self.queue_enable.write(1);
        true
    }

    fn notify(&self) {
        self.notify.write(0);
    }

    fn capacity(&self) -> u64 {
        // Two reads of a field that may change in between (section 2.5.3); a device whose generation never
        // rests is read as it is, and every request is checked against what was read.
        for _ in 0..8 {
            let before = self.config_generation.read();
            let capacity = self.read_capacity();
            if self.config_generation.read() == before {
                return capacity;
            }
        }
        self.read_capacity()
    }
}

impl Pci {
    fn read_capacity(&self) -> u64 {
        let (low, high) = &self.capacity;
        u64::from(low.read()) | u64::from(high.read()) << 32
    }
}

/// The low and the high half.
fn halves(word: u64) -> [u32; 2] {
    let [a, b, c, d, e, f, g, h] = word.to_le_bytes();
    [[a, b, c, d], [e, f, g, h]].map(u32::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACES: Places = Places {
        common: 0,
        device: 0x2000,
        notify: 0x3000,
        notify_multiplier: 4,
    };

    #[test]
    fn registers_are_where_the_specification_says() {
        let registers = Registers::simulated(0x4000);
        registers.register(0x1e).expect("inside").write(2u16);
        let mut pci = Pci::new(&registers, &PLACES).expect("all inside");
        let addresses = QueueAddresses {
            descriptors: 0x1_2345_6780,
            available: 0x2000,
            used: 0x3_0000_0004,
        };
        assert!(pci.enable_queue(128, &addresses));
        let word = |offset| registers.register::<u32>(offset).expect("inside").read();
        assert_eq!([word(0x20), word(0x24)], [0x2345_6780, 1]);
        assert_eq!([word(0x28), word(0x2c)], [0x2000, 0]);
        assert_eq!([word(0x30), word(0x34)], [4, 3]);
        assert_eq!(word(0x1c) & 0xffff, 1);
        registers.register(0x3008).expect("inside").write(7u16);
        pci.notify();
        assert_eq!(word(0x3008), 0);
        pci.accept_features(5 << 32 | 1);
        assert_eq!([word(0x08), word(0x0c)], [1, 5]);
    }

    #[test]
    fn a_wild_notification_offset_is_refused() {
        let registers = Registers::simulated(0x4000);
        registers.register(0x1e).expect("inside").write(0xffffu16);
        assert!(Pci::new(&registers, &PLACES).is_err());
    }
}
