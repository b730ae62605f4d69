//! The side of the guest's monitor.

use alloc::string::String;

use block_api::{
    BLOCK_SIZE, CheckedRequest, Completion, DATA_AREA_SIZE, Geometry, Operation, QUEUE_LENGTH,
    Request,
};
use runtime::Component;
use runtime::shared_memory::{Channel, Receiver, RegionReader, RegionWriter, Sender};

use crate::text;

/// The channel to the guest's monitor.
pub(crate) struct Upper {
    channel: Channel,
    requests: Receiver<Request>,
    completions: Sender<Completion>,
    output: RegionWriter,
    pub(crate) input: RegionReader,
}

/// A request, and where its data lies in both data areas.
#[derive(Clone, Copy)]
pub(crate) struct Job {
    pub(crate) request: Request,
    pub(crate) data: usize,
    pub(crate) bytes: usize,
}

impl Upper {
    pub(crate) fn open(component: &Component) -> Result<Self, String> {
        let channel = Channel::open(&component.memory, "guest").map_err(text)?;
        Ok(Self {
            requests: channel.receiver(QUEUE_LENGTH).map_err(text)?,
            completions: channel.sender(QUEUE_LENGTH).map_err(text)?,
            output: channel.output_data::<Completion>(QUEUE_LENGTH),
            input: channel.input_data::<Request>(QUEUE_LENGTH),
            channel,
        })
    }

    /// The next request; the disk's server checks whether the disk has such blocks.
    pub(crate) fn next(&mut self) -> Result<Option<Job>, String> {
        let Some(request) = self.requests.pop().map_err(text)? else {
            return Ok(None);
        };
        let checked = request.check(u64::MAX, DATA_AREA_SIZE);
        let (data, bytes) = match checked.map_err(|refusal| alloc::format!("{refusal:?}"))? {
            CheckedRequest::Read { blocks, data, .. }
            | CheckedRequest::Write { blocks, data, .. } => (data, blocks * BLOCK_SIZE),
            CheckedRequest::Flush => (0, 0),
            CheckedRequest::Geometry { data } => (data, Geometry::SIZE),
        };
        Ok(Some(Job {
            request,
            data,
            bytes,
        }))
    }

    /// Passes an answer up, and what was read from the data area `from`.
    pub(crate) fn answer(
        &mut self,
        job: Job,
        completion: &Completion,
        from: &RegionReader,
    ) -> Result<(), String> {
        if job.request.operation != Operation::Write as u32 {
            self.output
                .copy_from(job.data, from, job.data, job.bytes)
                .map_err(text)?;
        }
        self.completions.push(completion).map_err(text)
    }

    pub(crate) fn signal(&self) {
        self.channel.signal();
    }
}
