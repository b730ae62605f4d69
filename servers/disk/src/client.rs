//! The client: requests that it sends, answers that it gets, memory of it that the device reaches.

use block_api::{CheckedRequest, Completion, Geometry, Outcome, QUEUE_LENGTH, Refusal, Request};
use disk_core::Transfer;
use runtime::shared_memory::{
    Channel, ChannelError, Memory, PushError, Receiver, RegionReader, RegionWriter, Sender,
};

use crate::failure::Failure;

pub(crate) struct Client {
    channel: Channel,
    requests: Receiver<Request>,
    completions: Sender<Completion>,
    /// Where the device puts what is read.
    output: RegionWriter,
    /// Where the client puts what is to be written.
    input: RegionReader,
    area_size: usize,
    /// Requests that were taken and not answered.
    unanswered: u64,
    /// Those of them that the client sent before it was started afresh: their answers are for nobody, and no other
    /// is taken before the device has left the data areas alone.
    orphaned: u64,
    owes_signal: bool,
    /// It broke the rules of the channel; nothing it says counts any more.
    is_cut_off: bool,
}

/// What is to be done for a request.
pub(crate) enum Work {
    /// For the device.
    Transfer { id: u32, transfer: Transfer },
    /// Nothing more: it has been answered.
    Answered,
}

impl Client {
    pub(crate) fn open(memory: &Memory, name: &str) -> Result<Self, Failure> {
        let channel = Channel::open(memory, name)?;
        let output = channel.output_data::<Completion>(QUEUE_LENGTH);
        let input = channel.input_data::<Request>(QUEUE_LENGTH);
        if output.physical_address(0).is_none() || input.physical_address(0).is_none() {
            return Err(Failure::ClientMemory);
        }
        Ok(Self {
            requests: channel.receiver(QUEUE_LENGTH)?,
            completions: channel.sender(QUEUE_LENGTH)?,
            channel,
            area_size: output.len().min(input.len()),
            output,
            input,
            unanswered: 0,
            orphaned: 0,
            owes_signal: false,
            is_cut_off: false,
        })
    }

    /// Takes the next request, if there is one and room for its answer.
    pub(crate) fn next(&mut self, block_count: u64) -> Option<Work> {
        let request = loop {
            match self.take() {
                Ok(request) => break request?,
                Err(ChannelError::PeerReset) => {
                    self.begin_anew();
                    // It waits until that is noticed.
                    self.owes_signal = true;
                }
                Err(error) => {
                    self.cut_off(error);
                    return None;
                }
            }
        };
        self.unanswered += 1;
        let work = request
            .check(block_count, self.area_size)
            .and_then(|checked| self.work(checked, block_count));
        match work {
            Ok(Some(transfer)) => Some(Work::Transfer {
                id: request.id,
                transfer,
            }),
            Ok(None) => {
                self.answer(request.id, Ok(()));
                Some(Work::Answered)
            }
            Err(refusal) => {
                self.answer(request.id, Err(refusal));
                Some(Work::Answered)
            }
        }
    }

    /// Answers a request. Waking the client for it is [owed](Self::whom_to_wake) to it.
    pub(crate) fn answer(&mut self, id: u32, outcome: Outcome) {
        self.unanswered = self.unanswered.saturating_sub(1);
        if self.orphaned > 0 {
            self.orphaned -= 1;
            return;
        }
        self.owes_signal = true;
        match self.completions.push(&Completion::new(id, outcome)) {
            Ok(()) => {}
            // Room was made sure of when the request was taken.
            Err(PushError::Full | PushError::PeerMisbehaved) => {
                self.cut_off(ChannelError::PeerMisbehaved);
            }
            Err(PushError::PeerReset) => self.begin_anew(),
        }
    }

    /// The channel to be signalled, if there is anything new for the client. Answers once.
    pub(crate) fn whom_to_wake(&mut self) -> Option<&Channel> {
        core::mem::take(&mut self.owes_signal).then_some(&self.channel)
    }

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

    /// What the device has to do for a request; `None` if the answer is there already.
    fn work(&self, request: CheckedRequest, block_count: u64) -> Result<Option<Transfer>, Refusal> {
        // The lengths were checked against the smaller area, so all addresses are inside.
        match request {
            CheckedRequest::Read {
                first,
                blocks,
                data,
            } => {
                let address = self.output.physical_address(data);
                let blocks = u32::try_from(blocks).map_err(|_| Refusal::OutOfRange)?;
                let address = address.ok_or(Refusal::OutOfRange)?;
                Ok(Some(Transfer::Read {
                    first,
                    blocks,
                    address,
                }))
            }
            CheckedRequest::Write {
                first,
                blocks,
                data,
            } => {
                let address = self.input.physical_address(data);
                let blocks = u32::try_from(blocks).map_err(|_| Refusal::OutOfRange)?;
                let address = address.ok_or(Refusal::OutOfRange)?;
                Ok(Some(Transfer::Write {
                    first,
                    blocks,
                    address,
                }))
            }
            CheckedRequest::Flush => Ok(Some(Transfer::Flush)),
            CheckedRequest::Geometry { data } => {
                self.write_geometry(data, block_count)?;
                Ok(None)
            }
        }
    }

    fn write_geometry(&self, data: usize, block_count: u64) -> Result<(), Refusal> {
        let record = Geometry::new(block_count).to_bytes();
        let written = self.output.write_at(data, &record);
        written.map_err(|_| Refusal::OutOfRange)
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
