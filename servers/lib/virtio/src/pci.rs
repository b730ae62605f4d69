//! The registers of virtio over PCI, at places that the manifest names.
//!
//! The capabilities that name these places stand in configuration space, to which no driver has access.

use mmio::{Register, Registers, Word};
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
    /// Bytes of that configuration that are read.
    pub device_length: usize,
    /// The notification area.
    pub notify: usize,
    /// Bytes for one step of a queue's notification offset.
    pub notify_multiplier: usize,
}

/// The registers in use (section 4.1.4.3), of a device with `QUEUES` queues in use.
pub struct Pci<const QUEUES: usize> {
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
    configuration: Registers,
    notify: [Register<u16>; QUEUES],
}

impl<const QUEUES: usize> Pci<QUEUES> {
    /// The registers at `places`.
    ///
    /// # Errors
    ///
    /// A register would lie outside the range, or crooked: the manifest is wrong, or the device.
    pub fn new(registers: &Registers, places: &Places) -> Result<Self, AccessError> {
        let common = registers.part(places.common, 0x38)?;
        let queue_select: Register<u16> = common.register(0x16)?;
        let queue_notify_offset: Register<u16> = common.register(0x1e)?;
        let first: Register<u16> = registers.register(places.notify)?;
        let mut notify = [first; QUEUES];
        for (queue, place) in (0..).zip(&mut notify) {
            queue_select.write(queue);
            let offset = usize::from(queue_notify_offset.read())
                .checked_mul(places.notify_multiplier)
                .and_then(|offset| offset.checked_add(places.notify))
                .ok_or(AccessError)?;
            *place = registers.register(offset)?;
        }
        let pair = |offset| Ok((common.register(offset)?, common.register(offset + 4)?));
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
            queue_addresses: [pair(0x20)?, pair(0x28)?, pair(0x30)?],
            configuration: registers.part(places.device, places.device_length)?,
            notify,
        })
    }

    fn field<W: Word + Default>(&self, offset: usize) -> W {
        self.configuration
            .register(offset)
            .map_or(W::default(), |register| register.read())
    }
}

impl<const QUEUES: usize> Transport for Pci<QUEUES> {
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

    fn set_configuration_interrupt(&mut self, entry: Option<u16>) -> bool {
        let vector = entry.unwrap_or(NO_VECTOR);
        self.config_msix_vector.write(vector);
        self.config_msix_vector.read() == vector
    }

    fn queue_size_limit(&mut self, queue: u16) -> u16 {
        self.queue_select.write(queue);
        self.queue_size.read()
    }

    fn enable_queue(
        &mut self,
        queue: u16,
        size: u16,
        addresses: &QueueAddresses,
        entry: u16,
    ) -> bool {
        self.queue_select.write(queue);
        self.queue_size.write(size);
        let addresses = [addresses.descriptors, addresses.available, addresses.used];
        // Fields of 64 bits are written by halves (section 4.1.3.1).
        for ((low, high), address) in self.queue_addresses.iter().zip(addresses) {
            let [low_half, high_half] = halves(address);
            low.write(low_half);
            high.write(high_half);
        }
        self.queue_msix_vector.write(entry);
        if self.queue_msix_vector.read() != entry {
            return false;
        }
        self.queue_enable.write(1);
        true
    }

    fn notify(&self, queue: u16) {
        if let Some(register) = self.notify.get(usize::from(queue)) {
            register.write(queue);
        }
    }

    fn configuration_u8(&self, offset: usize) -> u8 {
        self.field(offset)
    }

    fn configuration_u16(&self, offset: usize) -> u16 {
        self.field(offset)
    }

    fn configuration_u32(&self, offset: usize) -> u32 {
        self.field(offset)
    }

    fn configuration_generation(&self) -> u8 {
        self.config_generation.read()
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
        device_length: 12,
        notify: 0x3000,
        notify_multiplier: 4,
    };

    #[test]
    fn registers_are_where_the_specification_says() {
        let registers = Registers::simulated(0x4000);
        registers.register(0x1e).expect("inside").write(2u16);
        let mut pci = Pci::<2>::new(&registers, &PLACES).expect("all inside");
        let addresses = QueueAddresses {
            descriptors: 0x1_2345_6780,
            available: 0x2000,
            used: 0x3_0000_0004,
        };
        assert!(pci.enable_queue(1, 128, &addresses, 3));
        let word = |offset| registers.register::<u32>(offset).expect("inside").read();
        assert_eq!([word(0x20), word(0x24)], [0x2345_6780, 1]);
        assert_eq!([word(0x28), word(0x2c)], [0x2000, 0]);
        assert_eq!([word(0x30), word(0x34)], [4, 3]);
        assert_eq!(word(0x14) >> 16, 1);
        assert_eq!(word(0x18), 3 << 16 | 128);
        assert_eq!(word(0x1c) & 0xffff, 1);
        pci.notify(1);
        assert_eq!(word(0x3008), 1);
        pci.notify(0);
        assert_eq!(word(0x3008), 0);
        pci.notify(2);
        pci.accept_features(5 << 32 | 1);
        assert_eq!([word(0x08), word(0x0c)], [1, 5]);
        assert!(pci.set_configuration_interrupt(Some(1)));
        assert_eq!(word(0x10) & 0xffff, 1);
        assert!(pci.set_configuration_interrupt(None));
        assert_eq!(word(0x10) & 0xffff, 0xffff);
    }

    #[test]
    fn configuration_ends_where_it_ends() {
        let registers = Registers::simulated(0x4000);
        registers
            .register(0x2008)
            .expect("inside")
            .write(0x1234_5678u32);
        registers.register(0x200c).expect("inside").write(u32::MAX);
        let pci = Pci::<1>::new(&registers, &PLACES).expect("all inside");
        assert_eq!(pci.configuration_u32(8), 0x1234_5678);
        assert_eq!(pci.configuration_u16(10), 0x1234);
        assert_eq!(pci.configuration_u8(11), 0x12);
        assert_eq!(pci.configuration_u32(12), 0);
        assert_eq!(pci.configuration_u16(11), 0);
        assert_eq!(pci.consistent(|pci| pci.configuration_u8(8)), 0x78);
    }

    #[test]
    fn a_wild_notification_offset_is_refused() {
        let registers = Registers::simulated(0x4000);
        registers.register(0x1e).expect("inside").write(0xffffu16);
        assert!(Pci::<1>::new(&registers, &PLACES).is_err());
    }
}
