//! Configurations: any text is read or refused, and a refusal names a line of it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use vpn_core::configuration::Configuration;

fuzz_target!(|text: &[u8]| {
    match Configuration::parse(text) {
        Ok(read) => {
            assert!(!read.peers.is_empty());
            assert!(!read.interface.addresses.is_empty());
            assert!((1280..=1500).contains(&read.interface.mtu));
        }
        Err(error) => {
            let lines = text.split(|byte| *byte == b'\n').count();
            assert!((1..=lines).contains(&error.line));
            assert!(error.to_string().len() < 300 + text.len());
        }
    }
});
