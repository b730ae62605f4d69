//! Headers and root records from outside: nothing may make the parsers fail, and what they accept is legal.

#![no_main]

use disk_crypto_core::BLOCK_SIZE;
use disk_crypto_core::header::Header;
use disk_crypto_core::layout::{Layout, Replica};
use disk_crypto_core::unlock::RootSummary;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
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
});
