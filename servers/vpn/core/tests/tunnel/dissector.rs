//! Another make's reading of the wire: Wireshark, which has the keys, finds the packets that were sent.

use std::{
    fmt::Write as _,
    fs,
    net::IpAddr,
    path::Path,
    process::{Command, id},
    time::Duration,
};

use rand_chacha::{ChaCha20Rng, rand_core::Rng, rand_core::SeedableRng};
use vpn_core::tunnel::SecretKey;

use crate::{
    packets::packet,
    world::{Flying, Setup, Side, World, key_text, secret},
};

const INITIATION: u8 = 1;
const PRESHARED: [u8; 32] = [77; 32];
/// A capture of IP packets without a link (LINKTYPE_RAW, draft-ietf-opsawg-pcaplinktype).
const RAW: u32 = 101;
/// So much of a side's random numbers is looked through for its keys.
const STREAM: usize = 64 << 10;

/// Needs tshark (Debian's package of that name): `cargo xtask test --full` installs it.
#[test]
#[ignore = "needs tshark; `cargo xtask test --full` has it"]
fn wireshark_finds_what_was_sent() {
    let setup = Setup {
        peer_lines: format!("PresharedKey = {}", key_text(&PRESHARED)),
        ..Setup::default()
    };
    let mut world = World::alike(&setup);
    // Two sessions, packets of many lengths both ways in each.
    for _ in 0..2 {
        for (length, mark) in (40..=1420).step_by(92).zip(0..) {
            world.send(0, &packet("10.0.0.1", "10.0.0.2", length, mark));
            world.send(1, &packet("10.0.0.2", "10.0.0.1", length, mark));
            world.pass(Duration::from_millis(100));
        }
        world.pass(Duration::from_secs(125));
    }
    let [one, other] = &world.sides;
    let side = |from: &str, to: &str, side: &Side| {
        let found = |packet: &Vec<u8>| (from.into(), to.into(), packet[20..].to_vec());
        side.delivered.iter().map(found).collect::<Vec<Found>>()
    };
    let sent = [
        side("10.0.0.2", "10.0.0.1", one),
        side("10.0.0.1", "10.0.0.2", other),
    ];
    let mut sent = sent.concat();
    assert_eq!(sent.len(), 64);
    assert!(one.tunnel.counters().sessions >= 2);

    let folder = std::env::temp_dir().join(format!("dissector-{}", id()));
    fs::create_dir_all(&folder).expect("the temporary folder is writable");
    fs::write(folder.join("wire.pcap"), capture(&world.history)).expect("there is room");
    fs::write(folder.join("keys"), key_log(&world.history, setup.seed)).expect("there is room");
    let mut found = dissect(&folder);
    fs::remove_dir_all(&folder).expect("it was just made");
    sent.sort();
    found.sort();
    assert_eq!(found, sent);
}

/// A packet's source, destination and body.
type Found = (String, String, Vec<u8>);

/// The packets that tshark finds in messages of data.
fn dissect(folder: &Path) -> Vec<Found> {
    let keys = format!("wg.keylog_file:{}", folder.join("keys").display());
    // Of fields that occur outside and inside, the last is inside.
    let output = Command::new("tshark")
        .args(["-n", "-o", &keys, "-Y", "wg.type == 4 && data"])
        .args(["-T", "fields", "-E", "occurrence=l", "-E", "separator=/s"])
        .args(["-e", "ip.src", "-e", "ip.dst", "-e", "data.data", "-r"])
        .arg(folder.join("wire.pcap"))
        .output()
        .expect("tshark is installed");
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaints}");
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().map(found).collect()
}

fn found(line: &str) -> Found {
    let words: Vec<_> = line.split(' ').collect();
    let [from, to, digits] = words[..] else {
        panic!("{line}");
    };
    let byte = |at| u8::from_str_radix(&digits[at..at + 2], 16).expect("hexadecimal");
    let body = (0..digits.len()).step_by(2).map(byte).collect();
    (from.into(), to.into(), body)
}

/// The datagrams as IPv4 packets in a file of tcpdump's.
fn capture(history: &[Flying]) -> Vec<u8> {
    let words = [0xa1b2_c3d4, 0x0004_0002, 0, 0, 65535, RAW];
    let mut bytes: Vec<u8> = words.into_iter().flat_map(u32::to_le_bytes).collect();
    for (number, datagram) in (0u32..).zip(history) {
        let (IpAddr::V4(from), IpAddr::V4(to)) = (datagram.from.ip(), datagram.to.ip()) else {
            panic!("both sides have IPv4");
        };
        let udp = u16::try_from(datagram.bytes.len() + 8).expect("short");
        let mut packet = vec![0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, 17, 0, 0];
        packet[2..4].copy_from_slice(&(udp + 20).to_be_bytes());
        packet.extend([from.octets(), to.octets()].concat());
        packet.extend(datagram.from.port().to_be_bytes());
        packet.extend(datagram.to.port().to_be_bytes());
        packet.extend([udp.to_be_bytes(), [0; 2]].concat());
        packet.extend(&datagram.bytes);
        let length = u32::try_from(packet.len()).expect("short");
        let head = [number, 0, length, length];
        bytes.extend(head.into_iter().flat_map(u32::to_le_bytes));
        bytes.extend(packet);
    }
    bytes
}

/// Wireshark's log of keys: of each handshake the initiator's key, the responder's public key, the key of this
/// handshake alone, and the preshared key.
fn key_log(history: &[Flying], seed: u8) -> String {
    let mut log = String::new();
    for datagram in history.iter().filter(|sent| sent.bytes[0] == INITIATION) {
        let [.., last] = match datagram.from.ip() {
            IpAddr::V4(address) => address.octets(),
            IpAddr::V6(_) => panic!("both sides have IPv4"),
        };
        let side = last - 1;
        let ephemeral = ephemeral(seed * 2 + side, &datagram.bytes[8..40]);
        write!(
            log,
            "LOCAL_STATIC_PRIVATE_KEY = {}\nREMOTE_STATIC_PUBLIC_KEY = {}\n\
             LOCAL_EPHEMERAL_PRIVATE_KEY = {}\nPRESHARED_KEY = {}\n",
            key_text(&[side + 1; 32]),
            key_text(secret(1 - side).public_key().as_bytes()),
            key_text(&ephemeral),
            key_text(&PRESHARED),
        )
        .expect("there is room");
    }
    log
}

/// The secret key of that public key: a side takes its keys from a stream that follows from its seed.
fn ephemeral(seed: u8, public: &[u8]) -> [u8; 32] {
    let mut stream = vec![0; STREAM];
    ChaCha20Rng::from_seed([seed; 32]).fill_bytes(&mut stream);
    let mut candidates = stream.windows(32).step_by(4);
    let found = candidates.find_map(|window| {
        let key: [u8; 32] = window.try_into().ok()?;
        (SecretKey::from(key).public_key().as_bytes() == public).then_some(key)
    });
    found.expect("its keys come from its seed")
}
