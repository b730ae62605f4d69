//! A client that is killed and started afresh at any moment gets the answers to what it asked in this life, and no others.

use std::collections::BTreeSet;

use proptest::prelude::*;

use crate::{Channel, ChannelError, Receiver, Requests, Sender};

const REGION: usize = 512;
const QUEUE: usize = 3;

/// A server that answers in any order, and its client.
struct Pair {
    requests: Requests<u64, u64>,
    /// What the server has taken and not answered.
    held: Vec<u64>,
    channel: Channel,
    life: u64,
    /// A client that was killed as it opened its channel lacks one of its ends.
    sender: Option<Sender<u64>>,
    receiver: Option<Receiver<u64>>,
    /// What the client asked in this life and has no answer to.
    asked: BTreeSet<u64>,
    next: u64,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Ask,
    /// The server takes what was asked.
    Take,
    /// The server answers one of those that it holds.
    Answer(usize),
    /// The client takes an answer.
    Learn,
    Die,
    OpenSender,
    OpenReceiver,
}

impl Pair {
    fn new() -> Self {
        let (ours, theirs) = Channel::simulated_pair(REGION, None);
        Self {
            requests: Requests::open(&ours, QUEUE).expect("large enough"),
            held: Vec::new(),
            sender: Some(theirs.sender(QUEUE).expect("large enough")),
            receiver: Some(theirs.receiver(QUEUE).expect("large enough")),
            channel: theirs,
            life: 0,
            asked: BTreeSet::new(),
            next: 0,
        }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Ask => self.ask(),
            Step::Take => self.held.extend(self.requests.take().expect("nobody lies")),
            Step::Answer(which) => {
                if !self.held.is_empty() {
                    let request = self.held.swap_remove(which % self.held.len());
                    self.requests.answer(&request).expect("nobody lies");
                }
            }
            Step::Learn => self.learn(),
            Step::Die => {
                self.life += 1;
                (self.sender, self.receiver) = (None, None);
                self.asked.clear();
            }
            Step::OpenSender => {
                let channel = self.channel.in_life(self.life);
                let opened = || channel.sender(QUEUE).expect("large enough");
                self.sender.get_or_insert_with(opened);
            }
            Step::OpenReceiver => {
                let channel = self.channel.in_life(self.life);
                let opened = || channel.receiver(QUEUE).expect("large enough");
                self.receiver.get_or_insert_with(opened);
            }
        }
    }

    /// A client opens both ends before it asks.
    fn ask(&mut self) {
        if let (Some(sender), Some(_)) = (&mut self.sender, &self.receiver)
            && sender.push(&self.next).is_ok()
        {
            self.asked.insert(self.next);
            self.next += 1;
        }
    }

    fn learn(&mut self) {
        if let Some(receiver) = &mut self.receiver
            && let Some(answer) = receiver.pop().expect("nobody lies")
        {
            assert!(self.asked.remove(&answer), "{answer} was not asked");
        }
    }
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => Just(Step::Ask),
        6 => Just(Step::Take),
        4 => (0..QUEUE).prop_map(Step::Answer),
        4 => Just(Step::Learn),
        1 => Just(Step::Die),
        2 => Just(Step::OpenSender),
        2 => Just(Step::OpenReceiver),
    ]
}

proptest! {
    #[test]
    fn whenever_the_client_dies_the_next_is_served(steps in proptest::collection::vec(step(), 0..100)) {
        let mut pair = Pair::new();
        for step in steps {
            pair.step(step);
        }
        // Now it lives, asks once more, and all that is asked is answered.
        pair.step(Step::OpenReceiver);
        pair.step(Step::OpenSender);
        let asked = pair.next;
        let rest = [Step::Take, Step::Answer(0), Step::Learn, Step::Ask];
        for _ in 0..4 * QUEUE {
            rest.into_iter().for_each(|step| pair.step(step));
        }
        prop_assert!(pair.next > asked);
        for _ in 0..2 * QUEUE {
            rest[..3].iter().for_each(|&step| pair.step(step));
        }
        prop_assert!(pair.asked.is_empty(), "without an answer: {:?}", pair.asked);
    }
}

#[test]
fn no_request_of_a_new_life_is_taken_before_those_of_the_old_one_are_answered() {
    let mut pair = Pair::new();
    for step in [
        Step::Ask,
        Step::Take,
        Step::Die,
        Step::OpenReceiver,
        Step::OpenSender,
    ] {
        pair.step(step);
    }
    assert_eq!(pair.requests.take(), Ok(None));
    // It waits to be noticed.
    assert!(pair.requests.owes_signal());
    pair.step(Step::Ask);
    assert_eq!(pair.requests.take(), Ok(None));
    pair.step(Step::Answer(0));
    // The next look meets the requests' end in its new life.
    pair.step(Step::Ask);
    assert_eq!(pair.requests.take(), Ok(None));
    pair.step(Step::Ask);
    assert_eq!(pair.requests.take(), Ok(Some(1)));
}

#[test]
fn a_client_that_lies_is_cut_off_and_that_is_said_once() {
    let (ours, theirs) = Channel::simulated_pair(REGION, None);
    let mut requests = Requests::<u64, u64>::open(&ours, QUEUE).expect("large enough");
    let mut sender = theirs.sender::<u64>(QUEUE).expect("large enough");
    assert_eq!(sender.push(&7), Ok(()));
    assert_eq!(requests.take(), Ok(Some(7)));
    // More requests than the queue holds.
    theirs.output().write_u64_at(0, 9).expect("inside");
    assert_eq!(requests.take(), Err(ChannelError::PeerMisbehaved));
    assert_eq!(requests.take(), Ok(None));
    assert_eq!(requests.answer(&7), Ok(()));
}
