//! Key stores: any bytes are read or refused; what is read lies in the store, and what is remembered can be added to and is
//! read again as it was written.

#![no_main]

use libfuzzer_sys::fuzz_target;
use vpn_core::key_store::{BLOCK_SIZE, KeyStore, Memory, SIZE, own_block};

/// Seconds: more than labels grow in any life.
const CENTURIES: u64 = 1000 * 366 * 24 * 3600;

fuzz_target!(|input: (u32, u16, &[u8])| {
    let (length, text_end, own) = input;
    let mut store = Box::new([0; SIZE]);
    store[..usize::from(text_end)].fill(b'k');
    store[..4].copy_from_slice(&length.to_le_bytes());
    let own = &own[..own.len().min(BLOCK_SIZE)];
    let begin = SIZE - BLOCK_SIZE;
    store[begin..begin + own.len()].copy_from_slice(own);
    let Ok(read) = KeyStore::read(&store) else {
        return;
    };
    assert_eq!(read.text.len(), length as usize);
    assert!(!read.text.is_empty());
    let is_taken = 4 + read.text.len() > begin;
    assert_eq!(read.memory == Memory::Taken, is_taken);
    let memory = read.memory;
    let later = memory.labels().as_secs().checked_add(CENTURIES);
    assert!(later.is_some(), "it is far from the end of time");
    if !is_taken {
        store[begin..].copy_from_slice(&own_block(memory.labels()));
        let again = KeyStore::read(&store).expect("the text is the same");
        assert_eq!(again.memory, memory);
    }
});
