//! The common configuration structure (section 4.1.4.3) and the device's status.

use alloc::boxed::Box;

use super::queue::{Queue, SIZE_MAX};
use crate::{
    number::{low_u8, low_u16, low_u32, mask_of_bytes},
    pci::NO_VECTOR,
};

/// Bits of the status register (section 2.1).
pub(crate) mod status {
    /// The driver accepted the features.
    pub(crate) const FEATURES_OK: u8 = 8;
    /// The driver is ready.
    pub(crate) const DRIVER_OK: u8 = 4;
    /// The device wants a reset.
    pub(crate) const NEEDS_RESET: u8 = 64;
    /// The driver gave up.
    pub(crate) const FAILED: u8 = 128;
}

/// Feature: version 1 (section 6).
pub(crate) const FEATURE_VERSION_1: u64 = 1 << 32;
/// Feature: indirect descriptors.
pub(crate) const FEATURE_INDIRECT: u64 = 1 << 28;

/// What a write to the structure asks for beyond storing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Nothing.
    None,
    /// The driver resets the device.
    Reset,
}

/// The registers of the common configuration.
pub(crate) struct Transport {
    pub(crate) offered: u64,
    pub(crate) accepted: u64,
    pub(crate) status: u8,
    pub(crate) configuration_vector: u16,
    pub(crate) queues: Box<[Queue]>,
    /// Counts changes of the device's configuration.
    pub(crate) generation: u8,
    device_feature_select: u32,
    driver_feature_select: u32,
    queue_select: u16,
    vectors: u16,
}

impl Transport {
    /// A transport that offers `features`, with `queues` queues and `vectors` MSI-X vectors.
    pub(crate) fn new(features: u64, queues: u16, vectors: u16) -> Self {
        Self {
            offered: features | FEATURE_VERSION_1 | FEATURE_INDIRECT,
            accepted: 0,
            status: 0,
            configuration_vector: NO_VECTOR,
            queues: (0..queues).map(|_| Queue::new()).collect(),
            generation: 0,
            device_feature_select: 0,
            driver_feature_select: 0,
            queue_select: 0,
            vectors,
        }
    }

    /// Back to the state before any driver.
    pub(crate) fn reset(&mut self) {
        for queue in &mut self.queues {
            *queue = Queue::new();
        }
        self.accepted = 0;
        self.status = 0;
        self.configuration_vector = NO_VECTOR;
        self.device_feature_select = 0;
        self.driver_feature_select = 0;
        self.queue_select = 0;
    }

    /// Whether queues that are enabled may be served.
    pub(crate) fn is_live(&self) -> bool {
        self.status & (status::DRIVER_OK | status::NEEDS_RESET | status::FAILED)
            == status::DRIVER_OK
    }

    /// Reads `size` bytes at `offset`.
    pub(crate) fn read(&self, offset: u64, size: usize) -> u64 {
        let image = self.image();
        let mut bytes = [0; 8];
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        for (byte, place) in bytes.iter_mut().zip(image.iter().skip(start)) {
            *byte = *place;
        }
        u64::from_le_bytes(bytes) & mask_of_bytes(size)
    }

    /// Writes a register; each must be written whole, 64-bit ones also by halves.
    pub(crate) fn write(&mut self, offset: u64, size: usize, value: u64) -> Effect {
        match (offset, size) {
            (0x00, 4) => self.device_feature_select = low_u32(value),
            (0x08, 4) => self.driver_feature_select = low_u32(value),
            (0x0c, 4) => self.accept_features(low_u32(value)),
            (0x10, 2) => self.configuration_vector = self.checked_vector(value),
            (0x14, 1) => return self.set_status(low_u8(value)),
            (0x16, 2) => self.queue_select = low_u16(value),
            (0x18..0x38, _) => self.write_queue(offset, size, value),
            _ => {}
        }
        Effect::None
    }

    fn image(&self) -> [u8; 0x38] {
        let mut image = [0; 0x38];
        let half = |features: u64, select| match select {
            0 => low_u32(features),
            1 => low_u32(features >> 32),
            _ => 0,
        };
        let mut put = |at: usize, bytes: &[u8]| {
            for (place, byte) in image.iter_mut().skip(at).zip(bytes) {
                *place = *byte;
            }
        };
        put(0x00, &self.device_feature_select.to_le_bytes());
        put(
            0x04,
            &half(self.offered, self.device_feature_select).to_le_bytes(),
        );
        put(0x08, &self.driver_feature_select.to_le_bytes());
        put(
            0x0c,
            &half(self.accepted, self.driver_feature_select).to_le_bytes(),
        );
        put(0x10, &self.configuration_vector.to_le_bytes());
        put(0x12, &low_u16(self.queues.len() as u64).to_le_bytes());
        put(0x14, &[self.status, self.generation]);
        put(0x16, &self.queue_select.to_le_bytes());
        if let Some(queue) = self.queues.get(usize::from(self.queue_select)) {
            put(0x18, &queue.size.to_le_bytes());
            put(0x1a, &queue.vector.to_le_bytes());
            put(0x1c, &u16::from(queue.enabled).to_le_bytes());
            for (index, area) in queue.areas.iter().enumerate() {
                put(0x20 + index * 8, &area.to_le_bytes());
            }
        }
        image
    }

    fn accept_features(&mut self, value: u32) {
        if self.status & status::FEATURES_OK != 0 {
            return;
        }
        let value = u64::from(value);
        match self.driver_feature_select {
            0 => self.accepted = (self.accepted & !0xffff_ffff) | value,
            1 => self.accepted = (self.accepted & 0xffff_ffff) | (value << 32),
            _ => {}
        }
    }

    /// FEATURES_OK stays off if the driver took what was not offered, or not version 1.
    fn set_status(&mut self, value: u8) -> Effect {
        if value == 0 {
            return Effect::Reset;
        }
        let legal = self.accepted & !self.offered == 0 && self.accepted & FEATURE_VERSION_1 != 0;
        let refused = if legal { 0 } else { status::FEATURES_OK };
        self.status = (value & !refused) | (self.status & status::NEEDS_RESET);
        Effect::None
    }

    fn checked_vector(&self, value: u64) -> u16 {
        let vector = low_u16(value);
        if vector < self.vectors {
            vector
        } else {
            NO_VECTOR
        }
    }

    fn write_queue(&mut self, offset: u64, size: usize, value: u64) {
        let vector = self.checked_vector(value);
        let Some(queue) = self.queues.get_mut(usize::from(self.queue_select)) else {
            return;
        };
        if (offset, size) == (0x1a, 2) {
            queue.vector = vector;
            return;
        }
        // An enabled queue does not change until the reset.
        if queue.enabled {
            return;
        }
        match (offset, size) {
            (0x18, 2) => {
                let entries = low_u16(value);
                if entries.is_power_of_two() && entries <= SIZE_MAX {
                    queue.size = entries;
                }
            }
            (0x1c, 2) => queue.enabled = value == 1,
            (0x20..0x38, 4 | 8) => write_area(queue, offset - 0x20, size, value),
            _ => {}
        }
    }
}

fn write_area(queue: &mut Queue, offset: u64, size: usize, value: u64) {
    let Some(area) = usize::try_from(offset / 8)
        .ok()
        .and_then(|index| queue.areas.get_mut(index))
    else {
        return;
    };
    match (offset % 8, size) {
        (0, 8) => *area = value,
        (0, 4) => *area = (*area & !0xffff_ffff) | value,
        (4, 4) => *area = (*area & 0xffff_ffff) | (value << 32),
        _ => {}
    }
}
