//! Large frames to be cut, by any header and in any pieces: whatever is sent has the payload in order, each byte once.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vmm_partition_core::{Machine, machine::MachineParameters};
use vmm_partition_fuzz::{Ram, Script, System, start_devices};

const RAM_BYTES: usize = 1 << 20;
/// The queue to send by: descriptors, available ring.
const DESCRIPTORS: usize = 0x3000;
const AVAILABLE: usize = 0x3100;
/// Where header and frame lie.
const FRAME: usize = 0x1_0000;
const HEADER_BYTES: usize = 12;
const PIECES_MAX: usize = 15;
/// A write to the network device's notification register, and looks at the channels after it: each sends a frame or
/// more, at least every third time.
const NOTIFY: [u8; 8] = [0, 4 << 3 | 1, 0, 0x30, 1, 0, 0, 0];
const LOOKS: usize = 600;
const LOOK: u8 = 7;

/// Whether it is IPv4, bytes of payload in a segment and in all, changes of header and frame, lengths of pieces.
type Input = (bool, u16, u16, Vec<(u8, u8)>, Vec<u16>);

/// Header and frame by the book.
fn large(is_4: bool, segment: u16, payload: u16) -> Vec<u8> {
    let mut bytes = vec![1, if is_4 { 1 } else { 4 }, 0, 0];
    bytes.extend(segment.to_le_bytes());
    bytes.extend([if is_4 { 34 } else { 54 }, 0, 16, 0, 0, 0]);
    bytes.extend([0; 12]);
    if is_4 {
        bytes.extend([8, 0, 0x45, 0, 0, 0, 0, 0, 0, 0, 64, 6]);
        bytes.extend([0; 10]);
    } else {
        bytes.extend([0x86, 0xdd, 0x60, 0, 0, 0, 0, 0, 6, 64]);
        bytes.extend([0; 32]);
    }
    bytes.extend([0; 12]);
    bytes.extend([0x50, 0xff, 0, 0, 0, 0, 0, 0]);
    bytes.extend((1..=251).cycle().take(payload.into()));
    bytes
}

/// A guest's memory with `bytes` as one chain of such pieces.
fn memory(bytes: &[u8], pieces: &[u16]) -> Vec<u8> {
    let mut memory = vec![0; FRAME];
    let mut at = 0;
    let lengths = pieces
        .iter()
        .take(PIECES_MAX)
        .map(|length| usize::from(*length));
    for (index, length) in lengths.chain([bytes.len()]).enumerate() {
        let length = length.min(bytes.len() - at);
        let is_last = at + length == bytes.len();
        let words = [
            (FRAME + at) as u64,
            length as u64 | u64::from(!is_last) << 32 | (index as u64 + 1) << 48,
        ];
        for (word, place) in words.iter().zip([0, 8]) {
            let place = DESCRIPTORS + index * 16 + place;
            memory[place..place + 8].copy_from_slice(&word.to_le_bytes());
        }
        at += length;
        if is_last {
            break;
        }
    }
    memory[AVAILABLE + 2] = 1;
    memory.extend(bytes);
    memory
}

/// Bytes in front of the payload of TCP over IPv4 or IPv6.
fn end_of_headers(frame: &[u8]) -> usize {
    let transport = match frame[12] {
        8 => 14 + usize::from(frame[14] & 15) * 4,
        _ => 54,
    };
    transport + usize::from(frame[transport + 12] >> 4) * 4
}

fuzz_target!(|input: Input| {
    let (is_4, segment, payload, changes, pieces) = input;
    let mut bytes = large(is_4, segment, payload);
    for (at, byte) in changes {
        if let Some(place) = bytes.get_mut(usize::from(at)) {
            *place = byte;
        }
    }
    let ram = Ram::new(RAM_BYTES, &memory(&bytes, &pieces));
    let parameters = MachineParameters {
        tsc_khz: 1_000_000,
        unix_ns: 0,
        entropy_seed: [0; 32],
    };
    let mut steps = start_devices();
    steps.extend(NOTIFY);
    steps.extend([LOOK].repeat(LOOKS));
    let mut machine = Machine::new(System::new(ram.clone()), &parameters);
    let _ = machine.run(&mut Script::new(ram, &steps));
    let (header, frame) = bytes.split_at(HEADER_BYTES);
    let sent = machine.host().sent();
    if header[1] == 0 {
        assert!(sent.iter().all(|one| one == frame) && sent.len() <= 1);
    } else if !sent.is_empty() {
        let end = end_of_headers(frame);
        let payload: Vec<u8> = sent.iter().flat_map(|one| &one[end..]).copied().collect();
        assert!(
            frame[end..].starts_with(&payload),
            "what is sent is what was there"
        );
        let is_all = end + payload.len() == frame.len();
        assert!(is_all || sent.len() >= LOOKS / 3, "nothing is lost");
    }
});
