//! A peer that writes anything anywhere in its region never makes this side panic or leave its regions.

use proptest::prelude::*;

use crate::{Channel, ChannelError, PushError};

const REGION: usize = 1024;
const QUEUE: usize = 4;

/// Something that either side does.
#[derive(Clone, Debug)]
enum Step {
    PeerWrites { offset: usize, word: u64 },
    Push(u64),
    Pop,
    Take,
    Release(u64),
    Write(usize),
    Read(usize),
    Wipe,
}

fn step() -> impl Strategy<Value = Step> {
    let counts = prop_oneof![Just(0usize), Just(64)];
    let head = (counts, 0..3usize).prop_map(|(count, word)| count + 8 * word);
    let offset = prop_oneof![head, 0..REGION - 8];
    let word = prop_oneof![0..20u64, Just(u64::MAX), Just(1 << 32), any::<u64>()];
    prop_oneof![
        (offset, word).prop_map(|(offset, word)| Step::PeerWrites { offset, word }),
        any::<u64>().prop_map(Step::Push),
        Just(Step::Pop),
        Just(Step::Take),
        any::<u64>().prop_map(Step::Release),
        (0..2 * REGION).prop_map(Step::Write),
        (0..2 * REGION).prop_map(Step::Read),
        Just(Step::Wipe),
    ]
}

proptest! {
    #[test]
    fn any_counts_are_survived(steps in proptest::collection::vec(step(), 0..60)) {
        let (ours, theirs) = Channel::simulated_pair(REGION, None);
        let mut sender = ours.sender::<u64>(QUEUE).expect("large enough");
        let mut receiver = ours.receiver::<u64>(QUEUE).expect("large enough");
        let mut writer = ours.byte_writer().expect("large enough");
        let mut reader = ours.byte_reader().expect("large enough");
        for step in steps {
            match step {
                Step::PeerWrites { offset, word } => {
                    theirs.output().write_u64_at(offset, word).expect("in the region");
                }
                Step::Push(word) => drop(sender.push(&word)),
                Step::Pop => drop(receiver.pop()),
                Step::Take => drop(receiver.take()),
                Step::Release(count) => drop(receiver.release(count)),
                Step::Write(length) => {
                    if let Ok(count) = writer.write(&vec![7; length]) {
                        prop_assert!(count <= length);
                    }
                }
                Step::Read(length) => {
                    if let Ok(count) = reader.read(&mut vec![0; length]) {
                        prop_assert!(count <= length);
                    }
                }
                Step::Wipe => drop(writer.wipe_consumed()),
            }
        }
    }
}

#[test]
fn counts_that_cannot_be_true_are_named() {
    let (ours, theirs) = Channel::simulated_pair(REGION, None);
    let mut sender = ours.sender::<u64>(QUEUE).expect("large enough");
    let mut receiver = ours.receiver::<u64>(QUEUE).expect("large enough");
    let set = |offset, word| theirs.output().write_u64_at(offset, word).expect("inside");
    // More messages than fit.
    set(0, QUEUE as u64 + 1);
    assert_eq!(receiver.pop(), Err(ChannelError::PeerMisbehaved));
    // Legal again: the messages are read, whatever they are.
    set(0, 2);
    assert!(matches!(receiver.pop(), Ok(Some(_))));
    assert!(matches!(receiver.pop(), Ok(Some(_))));
    // Backwards.
    set(0, 1);
    assert_eq!(receiver.pop(), Err(ChannelError::PeerMisbehaved));
    // Consumed what was never sent.
    set(64, 1);
    assert_eq!(sender.free(), Err(ChannelError::PeerMisbehaved));
    for message in 0..QUEUE as u64 {
        sender.push(&message).expect("there is room");
    }
    set(64, QUEUE as u64 + 1);
    assert_eq!(sender.push(&9), Err(PushError::PeerMisbehaved));
    set(64, 1);
    assert_eq!(sender.push(&9), Ok(()));
    assert_eq!(sender.push(&9), Err(PushError::Full));
}
