//! What the engine asks of the block device below it.

use core::future::Future;

/// The device could not carry out a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceError;

/// A device of 4 KiB blocks that works on several requests at a time.
///
/// What the engine relies on: a write that has completed survives power loss once a later [`flush`](Self::flush)
/// has completed. Until then any part of it, in units of 512-byte sectors, may reach the medium or not, in any
/// order. Nothing else is trusted: data that comes back is checked.
pub trait BlockDevice {
    /// Blocks that the device holds.
    fn block_count(&self) -> u64;

    /// Fills `data` (whole blocks) from block `first` on.
    fn read(&self, first: u64, data: &mut [u8]) -> impl Future<Output = Result<(), DeviceError>>;

    /// Stores `data` (whole blocks) from block `first` on.
    fn write(&self, first: u64, data: &[u8]) -> impl Future<Output = Result<(), DeviceError>>;

    /// Makes every completed write durable.
    fn flush(&self) -> impl Future<Output = Result<(), DeviceError>>;
}

impl<D: BlockDevice> BlockDevice for &D {
    fn block_count(&self) -> u64 {
        (**self).block_count()
    }

    fn read(&self, first: u64, data: &mut [u8]) -> impl Future<Output = Result<(), DeviceError>> {
        (**self).read(first, data)
    }

    fn write(&self, first: u64, data: &[u8]) -> impl Future<Output = Result<(), DeviceError>> {
        (**self).write(first, data)
    }

    fn flush(&self) -> impl Future<Output = Result<(), DeviceError>> {
        (**self).flush()
    }
}
