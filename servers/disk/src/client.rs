//! The client: requests that it sends, answers that it gets, memory of it that the device reaches.

use block_api::{CheckedRequest, Completion, Geometry, Outcome, QUEUE_LENGTH, Refusal, Request};
use disk_core::Transfer;
use runtime::shared_memory::{Channel, ChannelError, Memory, RegionReader, RegionWriter, Requests};

use crate::failure::Failure;

pub(crate) struct Client {
    channel: Channel,
    requests: Requests<Request, Completion>,
    /// Where the device puts what is read.
    output: RegionWriter,
    /// Where the client puts what is to be written.
    input: RegionReader,
    area_size: usize,
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
            requests: Requests::open(&channel, QUEUE_LENGTH)?,
            channel,
            area_size: output.len().min(input.len()),
            output,
            input,
        })
    }

    /// Takes the next request, if there is one and room for its answer.
    pub(crate) fn next(&mut self, block_count: u64) -> Option<Work> {
        let request = self.requests.take().unwrap_or_else(cut_off)?;
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
        let answered = self.requests.answer(&Completion::new(id, outcome));
        answered.unwrap_or_else(cut_off);
    }

    /// The channel to be signalled, if there is anything new for the client. Answers once.
    pub(crate) fn whom_to_wake(&mut self) -> Option<&Channel> {
        self.requests.owes_signal().then_some(&self.channel)
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
}

/// The client broke the channel's rules: nothing comes from it any more.
fn cut_off<T: Default>(error: ChannelError) -> T {
    runtime::println!("takes no more requests: {error}");
    T::default()
}
