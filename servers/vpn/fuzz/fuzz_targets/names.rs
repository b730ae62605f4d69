//! Queries, answers to them that get their number and port right, and blocklists that are signed rightly:
//! so that what stands behind those checks is reached.
#![no_main]

use core::net::{IpAddr, Ipv4Addr};
use core::time::Duration;

use arbitrary::Arbitrary;
use ed25519_dalek::{Signer, SigningKey};
use frame_api::{Checksum, GATEWAY_ADDRESS, GUEST_ADDRESS};
use libfuzzer_sys::fuzz_target;
use vpn_core::inside::{Blocklist, Configuration, Inside, SERVICE_ADDRESS};

const OWN: Ipv4Addr = Ipv4Addr::new(10, 66, 0, 2);
const RESOLVER: Ipv4Addr = Ipv4Addr::new(10, 66, 0, 1);

#[derive(Arbitrary, Debug)]
struct Input {
    list: String,
    turns: Vec<Turn>,
}

#[derive(Arbitrary, Debug)]
struct Turn {
    query: Vec<u8>,
    /// What the answer has behind the question.
    records: Vec<u8>,
    flags: [u8; 2],
    counts: [u8; 6],
}

fuzz_target!(|input: Input| {
    let now = Duration::from_secs(1);
    let configuration = Configuration {
        ipv4: Some(OWN),
        resolvers: vec![RESOLVER.into()],
        search: Vec::new(),
        mtu: 1420,
        flows_per_second: 1000,
        blocklist: list(&input.list),
        ..Configuration::default()
    };
    let mut inside = Inside::new(configuration, [1; 32], now);
    for turn in input.turns {
        let packet = udp((OWN, 4000), (SERVICE_ADDRESS, 53), &turn.query);
        let mut frame = [&GATEWAY_ADDRESS[..], &GUEST_ADDRESS, &[8, 0], &packet].concat();
        inside.from_guest(&mut frame, Checksum::Good, now);
        while let Some(sent) = inside.next_packet() {
            // Ours: 20 bytes of IP, 8 of UDP, the query.
            let port = u16::from_be_bytes([sent[20], sent[21]]);
            let mut answer = sent[28..].to_vec();
            answer[2..4].copy_from_slice(&turn.flags);
            answer[6..12].copy_from_slice(&turn.counts);
            answer.extend(&turn.records);
            answer.truncate(1300);
            let mut frame = vec![0; 14];
            frame.extend(udp((RESOLVER, 53), (OWN, port), &answer));
            inside.to_guest(&mut frame, now);
        }
        while inside.next_frame().is_some() {}
        while let Some(event) = inside.next_event() {
            assert!(
                event
                    .to_string()
                    .bytes()
                    .all(|byte| (0x20..0x7f).contains(&byte))
            );
        }
    }
});

/// The text as a list that the administrator signed.
fn list(text: &str) -> Option<Blocklist> {
    let text = format!("sekisho-blocklist 1\nnumber 3\n{text}\n");
    let key = SigningKey::from_bytes(&[9; 32]);
    let signature = key.sign(text.as_bytes()).to_bytes();
    let digits: String = signature.iter().map(|byte| format!("{byte:02x}")).collect();
    let signed = format!("{text}signature {digits}\n");
    let list = Blocklist::read(signed.as_bytes(), key.verifying_key().as_bytes(), 3).ok()?;
    for word in text.split_ascii_whitespace() {
        let _ = list.forbids_name(word);
        if let Ok(address) = word.parse::<IpAddr>() {
            let _ = list.forbids_address(address);
        }
    }
    Some(list)
}

fn udp(
    (from, from_port): (Ipv4Addr, u16),
    (to, to_port): (Ipv4Addr, u16),
    payload: &[u8],
) -> Vec<u8> {
    let length = u16::try_from(8 + payload.len()).unwrap_or(u16::MAX);
    let total = length.saturating_add(20);
    let mut packet = vec![0x45, 0];
    packet.extend(total.to_be_bytes());
    packet.extend([0, 0, 0, 0, 64, 17, 0, 0]);
    packet.extend(from.octets());
    packet.extend(to.octets());
    packet.extend(from_port.to_be_bytes());
    packet.extend(to_port.to_be_bytes());
    packet.extend(length.to_be_bytes());
    packet.extend([0, 0]);
    packet.extend(payload);
    packet
}
