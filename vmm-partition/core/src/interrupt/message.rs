//! An interrupt on its way to a local APIC, whether from the I/O APIC, a device's MSI or an IPI.

use crate::number::low_u8;

/// What kind of interrupt a message carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// A vector to take.
    Vector(u8),
    /// A non-maskable interrupt.
    Nmi,
    /// A kind that this machine has no receiver for (SMI, INIT, start-up, external).
    Ignored,
}

/// An interrupt message that is addressed to the one virtual CPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    /// What to deliver.
    pub(crate) delivery: Delivery,
    /// Whether it stands for a level: its end is then reported to the I/O APIC.
    pub(crate) level: bool,
}

impl Message {
    /// Reads the fields that I/O APIC entries, MSI data and ICR share: vector [7:0], delivery mode [10:8].
    pub(crate) fn from_fields(fields: u64, level: bool) -> Self {
        let delivery = match (fields >> 8) & 7 {
            0 | 1 => Delivery::Vector(low_u8(fields)),
            4 => Delivery::Nmi,
            _ => Delivery::Ignored,
        };
        Self { delivery, level }
    }

    /// Reads a message-signalled interrupt (Intel SDM volume 3, 11.11); `None` if it is not for us.
    pub(crate) fn from_msi(address: u64, data: u32) -> Option<Self> {
        let is_interrupt = address & 0xffff_ffff_fff0_0000 == 0xfee0_0000;
        let destination = low_u8(address >> 12);
        let logical = address & (1 << 2) != 0;
        (is_interrupt && reaches_cpu(destination, logical))
            .then(|| Self::from_fields(u64::from(data), data & (1 << 15) != 0))
    }
}

/// Whether an 8-bit destination names the one CPU, whose physical and logical identification are
/// 0 and cluster 0, bit 0.
pub(crate) fn reaches_cpu(destination: u8, logical: bool) -> bool {
    if logical {
        destination & 1 != 0
    } else {
        destination == 0 || destination == 0xff
    }
}
