//! Messages of DHCPv6 servers: what is taken for legal is, whatever stands in them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use net_core::dhcp6::{answer::Answer, question::identifier};

fuzz_target!(|input: (bool, Vec<u8>)| {
    let (is_whole, bytes) = input;
    // Behind the identifiers, which no chance finds.
    let start = [
        &[7, 1, 2, 3, 0, 1, 0, 10][..],
        &identifier([2, 0, 0, 0, 0, 1]),
        &[0, 2, 0, 3, 9, 9, 9],
    ]
    .concat();
    let message = if is_whole { [start, bytes].concat() } else { bytes };
    let Ok(answer) = Answer::parse(&message) else {
        return;
    };
    assert!((3..=130).contains(&answer.server.len()));
    assert!(answer.longest_solicit.is_none_or(|time| (60..=86400).contains(&time)));
    if let Some(grant) = answer.grant {
        assert!(grant.preferred <= grant.valid);
        assert!(grant.rebind == 0 || grant.renew <= grant.rebind);
        assert!(!grant.address.is_multicast() && !grant.address.is_unspecified());
        assert!(!grant.address.is_unicast_link_local() && !grant.address.is_loopback());
    }
});
