//! Headers and root records from outside, alone and on a disk of any size: nothing may make the parsers fail, and what
//! they accept is legal.

#![no_main]

use disk_crypto_core::header::Header;
use disk_crypto_core::layout::{Layout, Replica};
use disk_crypto_core::tasks::block_on;
use disk_crypto_core::unlock::{Locked, RootSummary};
use disk_crypto_core::{BLOCK_SIZE, BlockDevice, DeviceError};
use libfuzzer_sys::fuzz_target;

/// A disk that holds the same block wherever it is read.
struct Same {
    block: [u8; BLOCK_SIZE],
    count: u64,
}

impl BlockDevice for Same {
    fn block_count(&self) -> u64 {
        self.count
    }

    async fn read(&self, first: u64, data: &mut [u8]) -> Result<(), DeviceError> {
        assert!(first < self.count, "no block outside is read");
        data.copy_from_slice(&self.block[..data.len()]);
        Ok(())
    }

    async fn write(&self, _: u64, _: &[u8]) -> Result<(), DeviceError> {
        unreachable!("who only looks does not write")
    }

    async fn flush(&self) -> Result<(), DeviceError> {
        Ok(())
    }
}

fuzz_target!(|input: (u64, &[u8])| {
    let (count, data) = input;
    let mut block = [0; BLOCK_SIZE];
    let length = data.len().min(BLOCK_SIZE);
    block[..length].copy_from_slice(&data[..length]);
    let _ = RootSummary::decode(&block);
    // The checksum would keep the fuzzer out of all that lies behind it.
    let forged = Header::with_checksum(block);
    if let Ok(header) = Header::decode(&forged) {
        assert!(
            header
                .slots
                .iter()
                .flatten()
                .all(|slot| slot.cost.is_legal())
        );
        let layout = &header.layout;
        assert!(layout.header(Replica::Second) < layout.device_blocks());
        assert!(
            layout.place(layout.zone_of(layout.block_count() - 1), 0)
                < layout.root(Replica::Second)
        );
        assert_eq!(
            Layout::new(layout.block_count(), layout.device_blocks()).as_ref(),
            Some(layout)
        );
    }
    let disk = Same {
        block: forged,
        count,
    };
    if let Ok(locked) = block_on(Locked::read(&disk)) {
        let header = locked.header().expect("one that can be used");
        assert!(header.layout.device_blocks() <= count);
    }
});
