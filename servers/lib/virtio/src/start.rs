//! From a reset to a running device (virtio 1.2, section 3.1.1).
//!
//! [`agree`], then [`start_queue`] for each queue, then [`go`]; [`give_up`] where one of them fails.

use core::fmt;

use dma::{DmaError, DmaRegion};

use crate::{Queue, Transport, status};

/// The feature without which a device is of an older kind (chapter 6).
pub const VERSION_1: u64 = 1 << 32;

/// How often the status is read while the device resets.
const RESET_ATTEMPTS: usize = 1_000_000;

/// Why a device cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartError {
    /// It does not come out of its reset.
    NoReset,
    /// It lacks a feature that is needed.
    MissingFeature,
    /// It takes back the features that it offered.
    FeaturesRefused,
    /// It has no queue of a legal size.
    NoQueue,
    /// It does not take the interrupt that it is given.
    NoInterrupt,
    /// The memory for its queues does not serve.
    Memory(DmaError),
}

/// Resets the device and agrees with it on `needed` features (virtio 1 is always one of them) and on those of
/// `wanted` that it offers. Answers the features agreed on.
///
/// # Errors
///
/// The device does not reset or lacks a feature.
pub fn agree(transport: &mut impl Transport, needed: u64, wanted: u64) -> Result<u64, StartError> {
    transport.set_status(0);
    // The reset has ended when the status reads 0 (section 4.1.4.3.2).
    (0..RESET_ATTEMPTS)
        .find(|_| transport.status() == 0)
        .ok_or(StartError::NoReset)?;
    transport.set_status(status::ACKNOWLEDGE);
    let state = status::ACKNOWLEDGE | status::DRIVER;
    transport.set_status(state);

    let needed = needed | VERSION_1;
    let offered = transport.offered_features();
    if offered & needed != needed {
        return Err(StartError::MissingFeature);
    }
    let features = offered & (needed | wanted);
    transport.accept_features(features);
    transport.set_status(state | status::FEATURES_OK);
    if transport.status() & status::FEATURES_OK == 0 {
        return Err(StartError::FeaturesRefused);
    }
    Ok(features)
}

/// Sets queue number `number` up in memory cut from `memory`, with at most `size` entries (a power of two)
/// and at least `least`, and with interrupts by that entry of the MSI-X table.
///
/// # Errors
///
/// The device has no such queue, or does not take the interrupt, or the memory does not suffice.
pub fn start_queue(
    transport: &mut impl Transport,
    memory: &mut DmaRegion,
    number: u16,
    sizes: core::ops::RangeInclusive<u16>,
    entry: u16,
) -> Result<Queue, StartError> {
    let size = transport.queue_size_limit(number).min(*sizes.end());
    // Sizes are powers of two (section 2.7).
    if size < *sizes.start() || !size.is_power_of_two() {
        return Err(StartError::NoQueue);
    }
    let queue = Queue::new(memory, size).map_err(StartError::Memory)?;
    if transport.enable_queue(number, size, &queue.addresses(), entry) {
        Ok(queue)
    } else {
        Err(StartError::NoInterrupt)
    }
}

/// Says that the driver is ready: from now on the device reaches its queues.
pub fn go(transport: &mut impl Transport) {
    let state = status::ACKNOWLEDGE | status::DRIVER | status::FEATURES_OK | status::DRIVER_OK;
    transport.set_status(state);
}

/// Says that the driver has given the device up.
pub fn give_up(transport: &mut impl Transport) {
    let state = transport.status();
    transport.set_status(state | status::FAILED);
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoReset => f.write_str("it does not come out of its reset"),
            Self::MissingFeature => f.write_str("it lacks a feature that is needed"),
            Self::FeaturesRefused => f.write_str("it refuses the features that it offered"),
            Self::NoQueue => f.write_str("it has no queue of a legal size"),
            Self::NoInterrupt => f.write_str("it does not take its interrupt"),
            Self::Memory(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for StartError {}
