//! Changed compiled manifests: they are refused, or they are what they say when coded again.
#![no_main]

use std::sync::OnceLock;

use compiled_manifest::System;
use libfuzzer_sys::fuzz_target;
use root_fuzz::manifest;

fuzz_target!(|input: (Vec<(u16, u8)>, &[u8])| {
    static BASE: OnceLock<Vec<u8>> = OnceLock::new();
    let (changes, tail) = input;
    let mut bytes = BASE.get_or_init(manifest).clone();
    for (at, byte) in changes {
        let length = bytes.len();
        bytes[usize::from(at) % length] = byte;
    }
    bytes.extend_from_slice(tail);
    if let Ok(system) = System::decode(&bytes) {
        let again = System::decode(&system.encode());
        assert_eq!(again.as_ref(), Ok(&system));
        let _ = system.ram_bytes();
    }
});
