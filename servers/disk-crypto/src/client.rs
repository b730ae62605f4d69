//! A client's side, such as that of the guest's monitor: requests, answers, blocks in the clear.

use core::cell::{Cell, RefCell};

use block_api::{
    CheckedRequest, Completion, LOOKS_BY_ITSELF, Outcome, QUEUE_LENGTH, Refusal, Request,
};
use runtime::shared_memory::{
    AccessError, Channel, ChannelError, Memory, OpenError, PushError, Receiver, RegionReader,
    RegionWriter, Sender,
};

/// What changes.
struct State {
    requests: Receiver<Request>,
    completions: Sender<Completion>,
    /// Requests that were taken and not answered.
    unanswered: u64,
    /// Those of them that the client sent before it was started afresh: their answers are for nobody, and no other
    /// is taken before they have left the data areas alone.
    orphaned: u64,
    /// It broke the rules of the channel; nothing it says counts any more.
    is_cut_off: bool,
}

/// The channel to a client.
pub(crate) struct Client {
    channel: Channel,
    /// Where read blocks go.
    pub(crate) output: RegionWriter,
    /// Where blocks to be written come from.
    pub(crate) input: RegionReader,
    area_size: usize,
    state: RefCell<State>,
    owes_signal: Cell<bool>,
}

/// A request and what it asks for.
#[derive(Clone, Copy)]
pub(crate) struct Job {
    pub(crate) id: u32,
    pub(crate) request: Result<CheckedRequest, Refusal>,
}

impl Client {
    pub(crate) fn open(memory: &Memory, role: &str) -> Result<Self, OpenError> {
        let channel = Channel::open(memory, role)?;
        let output = channel.output_data::<Completion>(QUEUE_LENGTH);
        let input = channel.input_data::<Request>(QUEUE_LENGTH);
        let state = State {
            requests: channel.receiver(QUEUE_LENGTH)?,
            completions: channel.sender(QUEUE_LENGTH)?,
            unanswered: 0,
            orphaned: 0,
            is_cut_off: false,
        };
        Ok(Self {
            channel,
            area_size: output.len().min(input.len()),
            output,
            input,
            state: RefCell::new(state),
            owes_signal: Cell::new(false),
        })
    }

    /// The same, if the manifest grants such a channel.
    pub(crate) fn open_optional(memory: &Memory, role: &str) -> Result<Option<Self>, OpenError> {
        match Self::open(memory, role) {
            Err(OpenError::Missing(_)) => Ok(None),
            opened => opened.map(Some),
        }
    }

    /// Takes the next request to `block_count` blocks, if there is one and room for its answer.
    pub(crate) fn next(&self, block_count: u64) -> Option<Job> {
        let mut state = self.state.borrow_mut();
        let request = loop {
            match state.take() {
                Ok(request) => break request?,
                Err(ChannelError::PeerReset) => {
                    state.begin_anew();
                    // It waits until that is noticed.
                    self.owes_signal.set(true);
                }
                Err(error) => {
                    state.cut_off(error);
                    return None;
                }
            }
        };
        state.unanswered += 1;
        Some(Job {
            id: request.id,
            request: request.check(block_count, self.area_size),
        })
    }

    /// Answers a request. Waking the client for it is [owed](Self::whom_to_wake) to it.
    pub(crate) fn answer(&self, id: u32, outcome: Outcome) {
        let mut state = self.state.borrow_mut();
        state.unanswered = state.unanswered.saturating_sub(1);
        if state.orphaned > 0 {
            state.orphaned -= 1;
            return;
        }
        self.owes_signal.set(true);
        match state.completions.push(&Completion::new(id, outcome)) {
            Ok(()) => {}
            // Room was made sure of when the request was taken.
            Err(PushError::Full | PushError::PeerMisbehaved) => {
                state.cut_off(ChannelError::PeerMisbehaved);
            }
            Err(PushError::PeerReset) => state.begin_anew(),
        }
    }

    /// Forgets everything that was read for it.
    pub(crate) fn wipe(&self) -> Result<(), AccessError> {
        self.output.fill_at(0, self.output.len(), 0)
    }

    /// The channel to be signalled, if there is anything new for a client that would not look by itself. Answers
    /// once.
    pub(crate) fn whom_to_wake(&self) -> Option<&Channel> {
        let wakes = self.owes_signal.take() && self.channel.attention() != LOOKS_BY_ITSELF;
        wakes.then_some(&self.channel)
    }
}

impl State {
    fn take(&mut self) -> Result<Option<Request>, ChannelError> {
        if self.is_cut_off || self.orphaned > 0 || self.completions.free()? <= self.unanswered {
            return Ok(None);
        }
        let request = self.requests.pop()?;
        if request.is_some() && self.completions.peer_life() != self.requests.peer_life() {
            self.follow()?;
        }
        Ok(request)
    }

    /// The two ends of the channel learn of a client's new life one after the other: what was just taken is of the new one
    /// if the completions' end learns of it now, because a client opens both ends before it asks.
    fn follow(&mut self) -> Result<(), ChannelError> {
        match self.completions.free() {
            Err(ChannelError::PeerReset) => {}
            other => drop(other?),
        }
        if self.completions.peer_life() != self.requests.peer_life() {
            self.orphaned += 1;
        }
        Ok(())
    }

    /// The client was started afresh.
    fn begin_anew(&mut self) {
        self.orphaned = self.unanswered;
    }

    fn cut_off(&mut self, error: ChannelError) {
        if !core::mem::replace(&mut self.is_cut_off, true) {
            runtime::println!("takes no more requests: {error}");
        }
    }
}
