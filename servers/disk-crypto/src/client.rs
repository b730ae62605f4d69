//! A client's side, such as that of the guest's monitor: requests, answers, blocks in the clear.

use core::cell::RefCell;

use block_api::{
    CheckedRequest, Completion, LOOKS_BY_ITSELF, Outcome, QUEUE_LENGTH, Refusal, Request,
};
use runtime::shared_memory::{
    AccessError, Channel, ChannelError, Memory, OpenError, RegionReader, RegionWriter, Requests,
};

/// The channel to a client.
pub(crate) struct Client {
    channel: Channel,
    requests: RefCell<Requests<Request, Completion>>,
    /// Where read blocks go.
    pub(crate) output: RegionWriter,
    /// Where blocks to be written come from.
    pub(crate) input: RegionReader,
    area_size: usize,
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
        Ok(Self {
            requests: RefCell::new(Requests::open(&channel, QUEUE_LENGTH)?),
            channel,
            area_size: output.len().min(input.len()),
            output,
            input,
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
        let request = self.requests.borrow_mut().take().unwrap_or_else(cut_off)?;
        Some(Job {
            id: request.id,
            request: request.check(block_count, self.area_size),
        })
    }

    /// Answers a request. Waking the client for it is [owed](Self::whom_to_wake) to it.
    pub(crate) fn answer(&self, id: u32, outcome: Outcome) {
        let mut requests = self.requests.borrow_mut();
        let answered = requests.answer(&Completion::new(id, outcome));
        answered.unwrap_or_else(cut_off);
    }

    /// Forgets everything that was read for it.
    pub(crate) fn wipe(&self) -> Result<(), AccessError> {
        self.output.fill_at(0, self.output.len(), 0)
    }

    /// The channel to be signalled, if there is anything new for a client that would not look by itself. Answers
    /// once.
    pub(crate) fn whom_to_wake(&self) -> Option<&Channel> {
        let owes_signal = self.requests.borrow_mut().owes_signal();
        let wakes = owes_signal && self.channel.attention() != LOOKS_BY_ITSELF;
        wakes.then_some(&self.channel)
    }
}

/// The client broke the channel's rules: nothing comes from it any more.
fn cut_off<T: Default>(error: ChannelError) -> T {
    runtime::println!("takes no more requests: {error}");
    T::default()
}
