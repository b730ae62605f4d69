//! What one side of a channel sends arrives at the other, whole, once and in order.

use std::collections::VecDeque;

use proptest::prelude::*;

use crate::{
    AccessError, Channel, OpenError, PushError, RegionReader, RegionWriter, data_area_offset,
};

const REGION: usize = 512;

proptest! {
    #[test]
    fn messages_arrive_in_order(moves: Vec<Option<u64>>, length in 1usize..9) {
        let (ours, theirs) = Channel::simulated_pair(REGION, None);
        let mut sender = ours.sender::<u64>(length).expect("large enough");
        let mut receiver = theirs.receiver::<u64>(length).expect("large enough");
        let mut expected = VecDeque::new();
        for sent in moves {
            match sent {
                Some(message) if expected.len() < length => {
                    prop_assert_eq!(sender.push(&message), Ok(()));
                    expected.push_back(message);
                }
                Some(message) => prop_assert_eq!(sender.push(&message), Err(PushError::Full)),
                None => prop_assert_eq!(receiver.pop(), Ok(expected.pop_front())),
            }
        }
    }

    #[test]
    fn places_are_free_again_when_their_messages_are_released(
        moves in proptest::collection::vec(0..4u64, 0..80),
        length in 1usize..9,
    ) {
        let (ours, theirs) = Channel::simulated_pair(REGION, None);
        let mut sender = ours.sender::<u64>(length).expect("large enough");
        let mut receiver = theirs.receiver::<u64>(length).expect("large enough");
        let (mut sent, mut taken, mut released) = (0u64, 0u64, 0u64);
        for action in moves {
            match action {
                0 | 1 => {
                    let room = sent - released < length as u64;
                    prop_assert_eq!(sender.next_place() as u64, sent % length as u64);
                    let pushed = sender.push(&sent);
                    prop_assert_eq!(pushed, if room { Ok(()) } else { Err(PushError::Full) });
                    sent += u64::from(room);
                }
                2 => {
                    let due = (taken < sent).then_some(taken);
                    prop_assert_eq!(receiver.take(), Ok(due));
                    taken += u64::from(due.is_some());
                }
                _ => {
                    // Once too often does no harm.
                    prop_assert_eq!(receiver.release(2), Ok(()));
                    released = taken.min(released + 2);
                    prop_assert_eq!(sender.free(), Ok(length as u64 - (sent - released)));
                }
            }
        }
    }

    #[test]
    fn bytes_arrive_in_order(pieces: Vec<(Vec<u8>, usize)>) {
        let (ours, theirs) = Channel::simulated_pair(REGION, None);
        let mut writer = ours.byte_writer().expect("large enough");
        let mut reader = theirs.byte_reader().expect("large enough");
        let mut expected = VecDeque::new();
        for (bytes, take) in pieces {
            let written = writer.write(&bytes).expect("the peer behaves");
            prop_assert_eq!(written, bytes.len().min(REGION - 192 - expected.len()));
            expected.extend(&bytes[..written]);
            let mut taken = vec![0; take % REGION];
            let count = reader.read(&mut taken).expect("the peer behaves");
            let due: Vec<u8> = expected.drain(..count).collect();
            prop_assert_eq!(&taken[..count], due);
            prop_assert!(count == taken.len() || expected.is_empty());
        }
    }
}

#[test]
fn consumed_bytes_are_wiped_and_waiting_ones_kept() {
    let (ours, theirs) = Channel::simulated_pair(192 + 8, None);
    let mut writer = ours.byte_writer().expect("large enough");
    let mut reader = theirs.byte_reader().expect("large enough");
    assert_eq!(writer.write(b"abcdef"), Ok(6));
    assert_eq!(reader.read(&mut [0; 5]), Ok(5));
    assert_eq!(writer.write(b"ghi"), Ok(3));
    writer.wipe_consumed().expect("the peer behaves");
    let mut ring = [0; 8];
    theirs.input().read_at(192, &mut ring).expect("inside");
    assert_eq!(&ring, b"i\0\0\0\0fgh");
    let mut rest = [0; 8];
    assert_eq!(reader.read(&mut rest), Ok(4));
    assert_eq!(&rest[..4], b"fghi");
}

#[test]
fn data_areas_lie_behind_the_queue() {
    assert_eq!(data_area_offset::<[u8; 24]>(32), 4096);
    assert_eq!(data_area_offset::<[u8; 64]>(64), 8192);
    let (ours, theirs) = Channel::simulated_pair(3 * 4096, Some(0x10_0000));
    let (output, input) = (
        ours.output_data::<[u8; 24]>(32),
        theirs.input_data::<[u8; 24]>(32),
    );
    assert_eq!((output.len(), input.len()), (8192, 8192));
    assert_eq!(output.physical_address(16), Some(0x10_1010));
    output.write_at(8000, b"data").expect("inside");
    let mut bytes = [0; 4];
    input.read_at(8000, &mut bytes).expect("inside");
    assert_eq!(&bytes, b"data");
    assert!(ours.output_data::<[u8; 24]>(32_000).is_empty());
}

#[test]
fn accesses_outside_are_refused_and_change_nothing() {
    let region = RegionWriter::simulated(100, None);
    assert_eq!(region.write_at(97, b"four"), Err(AccessError));
    assert_eq!(region.write_at(usize::MAX, b"four"), Err(AccessError));
    assert_eq!(region.write_u64_at(93, 1), Err(AccessError));
    assert_eq!(region.fill_at(1, 100, 1), Err(AccessError));
    assert_eq!(region.read_u16_at(99), Err(AccessError));
    assert!(region.part(50, 51).is_err());
    let mut bytes = [9; 100];
    region.read_at(0, &mut bytes).expect("inside");
    assert_eq!(bytes, [0; 100]);
    let part = region.part(50, 50).expect("inside");
    part.write_u16_at(48, 0xabcd).expect("inside");
    assert_eq!(region.read_u16_at(98), Ok(0xabcd));
    region.copy_from(0, &part, 48, 2).expect("inside");
    assert_eq!(region.read_u8_at(0), Ok(0xcd));
    assert_eq!(region.copy_from(0, &part, 49, 2), Err(AccessError));
    assert_eq!(RegionReader::EMPTY.read_at(0, &mut []), Ok(()));
    assert_eq!(RegionReader::EMPTY.read_u8_at(0), Err(AccessError));
}

#[test]
fn regions_too_small_are_refused() {
    let (ours, _) = Channel::simulated_pair(192 + 16, None);
    assert!(ours.sender::<u64>(2).is_ok());
    let refused = ours.sender::<u64>(3).expect_err("three words do not fit");
    assert!(matches!(refused, OpenError::Unusable { .. }));
    assert!(ours.receiver::<u64>(0).is_err());
    let (tiny, _) = Channel::simulated_pair(192, None);
    assert!(tiny.byte_writer().is_err());
}
