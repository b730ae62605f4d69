//! Programs that are killed and started afresh at any moment find each other again.

use std::collections::VecDeque;

use proptest::prelude::*;

use crate::{ByteReader, ByteWriter, Channel, ChannelError, PushError, Receiver, Sender};

const REGION: usize = 512;
const QUEUE: usize = 4;

/// One direction between two programs, either of which may die.
struct Direction {
    ours: Channel,
    theirs: Channel,
    lives: (u64, u64),
    sender: Sender<u64>,
    receiver: Receiver<u64>,
    /// What was sent and neither received nor lost with a life.
    waiting: VecDeque<u64>,
    next: u64,
    /// Whether the queue is known to be connected.
    connected: bool,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Send,
    Receive,
    SenderDies,
    ReceiverDies,
}

impl Direction {
    fn new() -> Self {
        let (ours, theirs) = Channel::simulated_pair(REGION, None);
        Self {
            sender: ours.sender(QUEUE).expect("large enough"),
            receiver: theirs.receiver(QUEUE).expect("large enough"),
            ours,
            theirs,
            lives: (0, 0),
            waiting: VecDeque::new(),
            next: 0,
            connected: true,
        }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Send => self.send(),
            Step::Receive => self.receive(),
            Step::SenderDies => {
                self.lives.0 += 1;
                let channel = self.ours.in_life(self.lives.0);
                self.sender = channel.sender(QUEUE).expect("large enough");
                self.disconnect();
            }
            Step::ReceiverDies => {
                self.lives.1 += 1;
                let channel = self.theirs.in_life(self.lives.1);
                self.receiver = channel.receiver(QUEUE).expect("large enough");
                self.disconnect();
            }
        }
    }

    fn disconnect(&mut self) {
        self.waiting.clear();
        self.connected = false;
    }

    fn send(&mut self) {
        self.next += 1;
        match self.sender.push(&self.next) {
            Ok(()) => self.waiting.push_back(self.next),
            // A sender that lives on learns of its peer's death, whatever it sent before.
            Err(PushError::PeerReset) => {
                assert!(!self.connected);
                self.waiting.clear();
            }
            Err(PushError::Full) => assert!(!self.connected || self.waiting.len() == QUEUE),
            Err(PushError::PeerMisbehaved) => panic!("nobody misbehaves"),
        }
    }

    fn receive(&mut self) {
        match self.receiver.pop() {
            Ok(Some(number)) => assert_eq!(Some(number), self.waiting.pop_front()),
            Ok(None) => assert!(!self.connected || self.waiting.is_empty()),
            Err(ChannelError::PeerReset) => {
                assert!(!self.connected);
                self.waiting.clear();
            }
            Err(ChannelError::PeerMisbehaved) => panic!("nobody misbehaves"),
        }
    }
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => Just(Step::Send),
        6 => Just(Step::Receive),
        1 => Just(Step::SenderDies),
        1 => Just(Step::ReceiverDies),
    ]
}

proptest! {
    #[test]
    fn whoever_dies_the_queue_goes_on(steps in proptest::collection::vec(step(), 0..80)) {
        let mut direction = Direction::new();
        for step in steps {
            direction.step(step);
            // A message that was received after a death was sent after it: `waiting` holds no others.
        }
        // Each looks twice: once to learn of the other, once to see the answer.
        for _ in 0..2 {
            direction.receive();
            direction.send();
        }
        while direction.receiver.pop() != Ok(None) {}
        direction.waiting.clear();
        direction.connected = true;
        for _ in 0..2 * QUEUE {
            direction.send();
        }
        prop_assert_eq!(direction.waiting.len(), QUEUE);
        for _ in 0..QUEUE {
            direction.receive();
        }
        prop_assert!(direction.waiting.is_empty());
    }
}

#[test]
fn a_restart_is_said_once_to_each_end_and_nothing_of_before_arrives() {
    let (ours, theirs) = Channel::simulated_pair(REGION, None);
    let mut sender = ours.sender::<u64>(QUEUE).expect("large enough");
    let mut receiver = ours.receiver::<u64>(QUEUE).expect("large enough");
    let mut their_sender = theirs.sender::<u64>(QUEUE).expect("large enough");
    sender.push(&1).expect("there is room");
    their_sender.push(&2).expect("there is room");
    // The peer dies with both queues in use.
    let theirs = theirs.in_life(1);
    let mut their_sender = theirs.sender::<u64>(QUEUE).expect("large enough");
    let mut their_receiver = theirs.receiver::<u64>(QUEUE).expect("large enough");
    // Nothing moves before this side has noticed.
    assert_eq!(their_sender.push(&3), Err(PushError::Full));
    assert_eq!(their_receiver.pop(), Ok(None));
    assert_eq!(receiver.pop(), Err(ChannelError::PeerReset));
    assert_eq!(receiver.pop(), Ok(None));
    assert_eq!(their_sender.push(&3), Ok(()));
    assert_eq!(receiver.pop(), Ok(Some(3)));
    // The other direction has its own news.
    assert_eq!(their_receiver.pop(), Ok(None));
    assert_eq!(sender.push(&4), Err(PushError::PeerReset));
    assert_eq!(sender.push(&4), Ok(()));
    assert_eq!(their_receiver.pop(), Ok(Some(4)));
    assert_eq!(their_receiver.pop(), Ok(None));
}

#[test]
fn streams_begin_anew() {
    let (ours, theirs) = Channel::simulated_pair(REGION, None);
    let (mut writer, mut reader): (ByteWriter, ByteReader) = (
        ours.byte_writer().expect("large enough"),
        theirs.byte_reader().expect("large enough"),
    );
    assert_eq!(writer.write(b"half a li"), Ok(9));
    let mut writer = ours.in_life(1).byte_writer().expect("large enough");
    assert_eq!(writer.write(b"again"), Ok(0));
    let mut bytes = [0; 16];
    assert_eq!(reader.read(&mut bytes), Err(ChannelError::PeerReset));
    assert_eq!(writer.write(b"again"), Ok(5));
    assert_eq!(reader.read(&mut bytes), Ok(5));
    assert_eq!(&bytes[..5], b"again");
    // The reader dies: what it has not read is gone, and the writer learns of it.
    let mut reader = theirs.in_life(7).byte_reader().expect("large enough");
    assert_eq!(reader.read(&mut bytes), Ok(0));
    assert_eq!(writer.write(b"?"), Err(ChannelError::PeerReset));
    assert_eq!(writer.write(b"more"), Ok(4));
    assert_eq!(reader.read(&mut bytes), Ok(4));
}

#[test]
fn a_peer_that_is_not_ready_is_waited_for() {
    let (ours, theirs) = Channel::simulated_pair(REGION, None);
    let mut receiver = ours.receiver::<u64>(QUEUE).expect("large enough");
    // Killed again between the two words of its start: odd lives are no lives.
    theirs.output().write_u64_at(8, 1).expect("inside");
    theirs.output().write_u64_at(0, 2).expect("inside");
    assert_eq!(receiver.pop(), Ok(None));
}

#[test]
fn a_new_life_waits_until_what_was_taken_is_released() {
    let (ours, theirs) = Channel::simulated_pair(REGION, None);
    let mut sender = ours.sender::<u64>(QUEUE).expect("large enough");
    let mut receiver = theirs.receiver::<u64>(QUEUE).expect("large enough");
    for number in 0..3 {
        assert_eq!(sender.push(&number), Ok(()));
    }
    assert_eq!(receiver.take(), Ok(Some(0)));
    assert_eq!(receiver.take(), Ok(Some(1)));
    let mut sender = ours.in_life(1).sender::<u64>(QUEUE).expect("large enough");
    // Somebody still reads what belongs to the first two.
    assert_eq!(receiver.take(), Ok(None));
    assert_eq!(receiver.release(1), Ok(()));
    assert_eq!(receiver.take(), Ok(None));
    assert_eq!(sender.free(), Ok(0));
    assert_eq!(receiver.release(1), Ok(()));
    assert_eq!(receiver.take(), Err(ChannelError::PeerReset));
    assert_eq!(sender.free(), Ok(QUEUE as u64));
    assert_eq!(sender.push(&7), Ok(()));
    assert_eq!(receiver.take(), Ok(Some(7)));
}
