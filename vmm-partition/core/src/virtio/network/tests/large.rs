//! Large frames: each is cut into what a plain account of the rules makes of it, and hostile ones are dropped.

use alloc::{vec, vec::Vec};

use frame_api::{Checksum, MAX_FRAME};
use proptest::prelude::*;

use super::{FEATURES, OUTGOING, TRANSMIT, bench_with};
use crate::virtio::{
    network::Network,
    test_bench::{Bench, DESCRIPTORS, QUEUE_BYTES},
};

const TSO4: u64 = 1 << 11;
const TSO6: u64 = 1 << 12;
const ECN: u64 = 1 << 13;
const ALL: u64 = FEATURES | TSO4 | TSO6 | ECN;
const ETHERNET: usize = 14;

fn bench() -> Bench<Network> {
    bench_with(ALL)
}

/// What a large frame is made of.
#[derive(Clone, Debug)]
struct Large {
    is_4: bool,
    /// Options of IPv4 and of TCP, in words.
    options: (usize, usize),
    identification: u16,
    sequence: u32,
    flags: u8,
    segment: u16,
    payload: Vec<u8>,
}

impl Large {
    fn tcp(&self) -> usize {
        ETHERNET
            + if self.is_4 {
                20 + self.options.0 * 4
            } else {
                40
            }
    }

    fn end(&self) -> usize {
        self.tcp() + 20 + self.options.1 * 4
    }

    /// The frame with this number of those it is cut into, or all of it; nothing if there are not so many. The
    /// checksum of TCP is complete, or the sum of the pseudo header as drivers leave it.
    fn frame(&self, number: Option<usize>) -> Option<Vec<u8>> {
        let mut parts = self.payload.chunks(self.segment.into());
        let count = parts.len();
        let payload = match number {
            Some(number) => parts.nth(number)?,
            None => &self.payload,
        };
        let index = number.unwrap_or(0);
        let mut flags = self.flags;
        if number.is_some_and(|number| number != count - 1) {
            flags &= !0b1001;
        }
        if index != 0 {
            flags &= 0x7f;
        }
        let sequence = self
            .sequence
            .wrapping_add(u32::try_from(index * usize::from(self.segment)).unwrap());
        let mut tcp = vec![0x12, 0x34, 0, 80];
        tcp.extend(sequence.to_be_bytes());
        tcp.extend([
            1,
            2,
            3,
            4,
            u8::try_from(5 + self.options.1).unwrap() << 4,
            flags,
            9,
            9,
            0,
            0,
            7,
            7,
        ]);
        tcp.extend((1..).take(self.options.1 * 4));
        let header = tcp.len();
        tcp.extend(payload);
        let addresses: Vec<u8> = (100..).take(if self.is_4 { 8 } else { 32 }).collect();
        let mut pseudo = addresses.clone();
        pseudo.extend([0, 6]);
        pseudo.extend(length(tcp.len()));
        let sum = match number {
            Some(_) => !sum(&[&pseudo, &tcp]),
            None => sum(&[&pseudo]),
        };
        tcp[16..18].copy_from_slice(&sum.to_be_bytes());
        assert_eq!(header, self.end() - self.tcp());
        let mut frame: Vec<u8> = (0..12).collect();
        frame.extend(self.network(u16::try_from(index).unwrap(), &addresses, tcp.len()));
        frame.extend(tcp);
        Some(frame)
    }

    /// EtherType and header of IP in front of so many bytes.
    fn network(&self, index: u16, addresses: &[u8], behind: usize) -> Vec<u8> {
        if !self.is_4 {
            let mut header = vec![0x86, 0xdd, 0x60, 1, 2, 3];
            header.extend(length(behind));
            header.extend([6, 64]);
            header.extend(addresses);
            return header;
        }
        let words = 5 + self.options.0;
        let mut header = vec![0x40 | u8::try_from(words).unwrap(), 2];
        header.extend(length(words * 4 + behind));
        header.extend(self.identification.wrapping_add(index).to_be_bytes());
        header.extend([0x40, 0, 64, 6, 0, 0]);
        header.extend(addresses);
        header.extend((1..).take(self.options.0 * 4));
        let checksum = !sum(&[&header]);
        header[10..12].copy_from_slice(&checksum.to_be_bytes());
        [vec![8, 0], header].concat()
    }

    /// What virtio's driver says of it.
    fn header(&self) -> [u8; 12] {
        let [size, more] = self.segment.to_le_bytes();
        let ecn = self.flags & 0x80;
        let kind = if self.is_4 { 1 } else { 4 } | ecn;
        let start = u8::try_from(self.tcp()).unwrap();
        // The hint says nonsense.
        [1, kind, 0xee, 0xff, size, more, start, 0, 16, 0, 0, 0]
    }
}

fn length(length: usize) -> [u8; 2] {
    u16::try_from(length).unwrap().to_be_bytes()
}

/// The sum of numbers as RFC 1071 counts it, slowly.
fn sum(parts: &[&[u8]]) -> u16 {
    let bytes = parts.concat();
    let pairs = bytes
        .chunks(2)
        .map(|pair| u64::from(pair[0]) << 8 | u64::from(*pair.get(1).unwrap_or(&0)));
    let mut sum: u64 = pairs.sum();
    while sum > 0xffff {
        sum = (sum >> 16) + (sum & 0xffff);
    }
    u16::try_from(sum).unwrap()
}

/// What the gateway makes of a frame whose checksum is missing.
fn completed((mut frame, checksum): (Vec<u8>, Checksum)) -> Vec<u8> {
    let Checksum::Missing { start, offset } = checksum else {
        panic!("it is missing");
    };
    let (start, at) = (usize::from(start), usize::from(start + offset));
    let sum = !sum(&[&frame[start..]]);
    frame[at..at + 2].copy_from_slice(&sum.to_be_bytes());
    frame
}

impl Bench<Network> {
    /// Offers `header` and `frame` in pieces of these lengths, and a last one.
    fn offer_in_pieces(&mut self, header: &[u8], frame: &[u8], pieces: &[usize]) {
        let bytes = [header, frame].concat();
        self.put(OUTGOING, &bytes);
        let (mut at, mut index) = (0, 0);
        let table = DESCRIPTORS + QUEUE_BYTES;
        for piece in pieces.iter().copied().chain([bytes.len()]) {
            let piece = piece.min(bytes.len() - at);
            let is_last = at + piece == bytes.len();
            let (address, length) = (OUTGOING + at as u64, u32::try_from(piece).unwrap());
            self.describe(table, index, address, length, u16::from(!is_last));
            at += piece;
            index += 1;
            if is_last {
                break;
            }
        }
        self.offer(TRANSMIT, 0);
        self.write(0x3000, 2, u64::from(TRANSMIT));
    }

    /// What the gateway got, completed, while it takes `room` frames at a time.
    fn take_all(&mut self, room: usize) -> Vec<Vec<u8>> {
        let mut frames = Vec::new();
        loop {
            let got: Vec<_> = self.host.gateway.from_guest.drain(..).collect();
            if got.is_empty() {
                return frames;
            }
            frames.extend(got.into_iter().map(completed));
            self.host.gateway.room = room;
            self.complete();
        }
    }
}

fn large() -> impl Strategy<Value = Large> {
    let numbers = (any::<u16>(), any::<u32>(), any::<u8>());
    let sizes = (8..1361u16, prop_oneof![1..5000usize, 60_000..65_300usize]);
    (any::<bool>(), (0..11usize, 0..11usize), numbers, sizes).prop_map(
        |(is_4, options, (identification, sequence, flags), (segment, payload))| Large {
            is_4,
            options,
            identification,
            sequence,
            flags,
            segment,
            payload: (0..251).cycle().take(payload).collect(),
        },
    )
}

fn example() -> Large {
    Large {
        is_4: true,
        options: (0, 3),
        identification: 0xffff,
        sequence: 0xffff_ff00,
        flags: 0x99,
        segment: 1000,
        payload: (0..=255).cycle().take(2500).collect(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn each_segment_is_what_the_rules_say(
        large in large(),
        pieces in proptest::collection::vec(0..20_000usize, 0..14),
        room in 1..300usize,
    ) {
        let whole = large.frame(None).expect("it is there");
        prop_assume!(whole.len() <= 65_549);
        let mut bench = bench();
        bench.host.gateway.room = room;
        bench.offer_in_pieces(&large.header(), &whole, &pieces);
        let expected: Vec<_> = (0..).map_while(|number| large.frame(Some(number))).collect();
        prop_assert!(bench.take_all(room) == expected);
        prop_assert_eq!(bench.used_of(TRANSMIT), 1);
        let payload: Vec<_> = expected.iter().flat_map(|frame| &frame[large.end()..]).copied().collect();
        prop_assert!(payload == large.payload);
        prop_assert!(bench.host.log.is_empty());
    }

    #[test]
    fn no_headers_make_the_device_panic_or_send_what_is_no_frame(
        header in any::<[u8; 12]>(),
        changes in proptest::collection::vec((0..140usize, any::<u8>()), 0..6),
        large in large(),
        cut in 0..3000usize,
        is_wild in any::<bool>(),
    ) {
        let mut whole = large.frame(None).expect("it is there");
        let mut said = large.header();
        if is_wild {
            said = header;
        }
        for (at, byte) in changes {
            if let Some(place) = whole.get_mut(at) {
                *place = byte;
            }
        }
        whole.truncate(whole.len().saturating_sub(cut).max(1));
        let mut bench = bench();
        bench.host.gateway.room = 10_000;
        bench.offer_in_pieces(&said, &whole, &[]);
        prop_assert_eq!(bench.used_of(TRANSMIT), 1);
        for (frame, _) in &bench.host.gateway.from_guest {
            prop_assert!((14..=MAX_FRAME).contains(&frame.len()));
        }
        prop_assert!(bench.host.gateway.from_guest.len() <= 8192);
    }
}

#[test]
fn numbers_wrap_and_flags_stand_where_they_belong() {
    let large = example();
    let mut bench = bench();
    bench.offer_in_pieces(&large.header(), &large.frame(None).unwrap(), &[]);
    let frames = bench.take_all(0);
    let of = |at: usize| frames.iter().map(|frame| frame[at]).collect::<Vec<_>>();
    assert_eq!(of(47), [0x90, 0x10, 0x19], "CWR first; FIN and PSH last");
    assert_eq!((of(18), of(19)), (vec![0xff, 0, 0], vec![0xff, 0, 1]));
    assert_eq!(of(40), [0xff, 2, 6], "the sequence number");
    assert_eq!(
        frames.iter().map(Vec::len).collect::<Vec<_>>(),
        [1066, 1066, 566]
    );
}

#[test]
fn what_is_no_large_frame_is_dropped_and_counted() {
    let good = example();
    let whole = good.frame(None).unwrap();
    let with = |at: usize, byte: u8| {
        let mut frame = whole.clone();
        frame[at] = byte;
        (good.header(), frame)
    };
    let said = |at: usize, byte: u8| {
        let mut header = good.header();
        header[at] = byte;
        (header, whole.clone())
    };
    let sized = |size: u16| {
        let mut header = good.header();
        header[4..6].copy_from_slice(&size.to_le_bytes());
        (header, whole.clone())
    };
    let cases = [
        // A checksum that is not missing, or that of something else.
        said(0, 0),
        said(6, 35),
        said(7, 1),
        said(8, 6),
        // Datagrams; the other version of IP; unknown.
        said(1, 3),
        said(1, 5),
        said(1, 4),
        said(1, 0x84),
        said(1, 2),
        said(1, 0x80),
        // Segments that are none, too small, and one byte too large.
        sized(0),
        sized(7),
        sized(1449),
        sized(u16::MAX),
        // A tag; another version; a header that is too short, that goes on too far; no TCP.
        with(12, 0x81),
        with(14, 0x65),
        with(14, 0x44),
        with(14, 0x4f),
        with(14, 0xff),
        with(23, 17),
        with(46, 0x4f),
        // No payload; headers that are cut off; no frame at all; more than can be.
        (good.header(), whole[..66].to_vec()),
        (good.header(), whole[..65].to_vec()),
        (good.header(), whole[..46].to_vec()),
        (good.header(), whole[..20].to_vec()),
        (good.header(), Vec::new()),
        (good.header(), [whole.clone(), vec![0; 70_000]].concat()),
    ];
    let mut bench = bench();
    for (header, frame) in &cases {
        bench.offer_in_pieces(header, frame, &[]);
        assert!(bench.host.gateway.from_guest.is_empty(), "{header:?}");
    }
    assert_eq!(usize::from(bench.used_of(TRANSMIT)), cases.len());
    assert!(bench.host.log[4].contains("16 frames dropped"));
    assert!(bench.works());
    bench.host.gateway.from_guest.clear();
    let (header, frame) = sized(1448);
    bench.offer_in_pieces(&header, &frame, &[]);
    assert_eq!(bench.host.gateway.from_guest[0].0.len(), MAX_FRAME);
}

#[test]
fn only_what_was_agreed_is_cut() {
    let four = example();
    let mut without_cwr = example();
    without_cwr.flags = 0;
    let mut six = without_cwr.clone();
    six.is_4 = false;
    for (features, large, is_cut) in [
        (ALL, &four, true),
        (ALL & !ECN, &four, false),
        (ALL & !ECN, &without_cwr, true),
        (ALL & !TSO4, &without_cwr, false),
        (ALL & !TSO4, &six, true),
        (ALL & !TSO6, &six, false),
        // A driver that forgot what cutting depends on (section 5.1.3.1).
        (ALL & !1, &without_cwr, false),
    ] {
        let mut bench = bench_with(features);
        bench.offer_in_pieces(&large.header(), &large.frame(None).unwrap(), &[]);
        let frames = bench.host.gateway.from_guest.len();
        assert_eq!(frames, if is_cut { 3 } else { 0 });
        assert_eq!(bench.used_of(TRANSMIT), 1);
    }
}

#[test]
fn memory_that_ends_early_or_changes_costs_the_frame_at_most() {
    let large = example();
    let table = DESCRIPTORS + QUEUE_BYTES;
    let mut bench = bench();
    // The second piece lies nowhere.
    bench.put(
        OUTGOING,
        &[&large.header()[..], &large.frame(None).unwrap()].concat(),
    );
    bench.describe(table, 0, OUTGOING, 1500, 1);
    bench.describe(table, 1, 0x3f_ff00, 1078, 0);
    bench.offer(TRANSMIT, 0);
    bench.write(0x3000, 2, u64::from(TRANSMIT));
    assert_eq!(bench.used_of(TRANSMIT), 1);
    assert_eq!(bench.host.gateway.from_guest.len(), 1);
    bench.host.gateway.from_guest.clear();
    // Headers and descriptors that change between two segments: what was read counts, payload is the guest's.
    bench.host.gateway.room = 1;
    bench.offer_in_pieces(&large.header(), &large.frame(None).unwrap(), &[]);
    assert_eq!(bench.used_of(TRANSMIT), 1);
    bench.put(OUTGOING, &[0xff; 12 + 66]);
    bench.put(table, &[0xff; 16]);
    let frames = bench.take_all(1);
    let expected: Vec<_> = (0..3)
        .map(|number| large.frame(Some(number)).unwrap())
        .collect();
    assert_eq!(frames, expected);
    assert_eq!(bench.used_of(TRANSMIT), 2);
}

#[test]
fn what_waits_for_room_keeps_its_place_and_a_reset_forgets_it() {
    let large = example();
    let mut bench = bench();
    bench.host.gateway.room = 1;
    bench.offer_in_pieces(&large.header(), &large.frame(None).unwrap(), &[]);
    assert_eq!(bench.used_of(TRANSMIT), 0);
    assert!(!bench.notifications_wanted(TRANSMIT));
    // The next one waits behind it.
    let table = DESCRIPTORS + QUEUE_BYTES;
    bench.put(0x19_8000, &[0; 72]);
    bench.describe(table, 5, 0x19_8000, 72, 0);
    bench.offer(TRANSMIT, 5);
    bench.write(0x3000, 2, u64::from(TRANSMIT));
    bench.host.gateway.room = 4;
    bench.complete();
    let lengths = bench
        .host
        .gateway
        .from_guest
        .iter()
        .map(|(frame, _)| frame.len());
    assert_eq!(lengths.collect::<Vec<_>>(), [1066, 1066, 566, 60]);
    assert_eq!(bench.used_of(TRANSMIT), 2);
    assert!(bench.notifications_wanted(TRANSMIT));
    // The last segment finds room, so the chain comes back, though there is none after it.
    bench.host.gateway.room = 3;
    bench.offer_in_pieces(&large.header(), &large.frame(None).unwrap(), &[]);
    assert_eq!(bench.used_of(TRANSMIT), 3);
    bench.host.gateway.room = 1;
    bench.offer_in_pieces(&large.header(), &large.frame(None).unwrap(), &[]);
    assert_eq!(bench.host.gateway.from_guest.len(), 8);
    bench.restart(ALL);
    bench.host.gateway.room = 9;
    bench.complete();
    assert_eq!(bench.host.gateway.from_guest.len(), 8, "it is forgotten");
    assert_eq!(bench.used_of(TRANSMIT), 0);
    assert!(bench.works());
}
