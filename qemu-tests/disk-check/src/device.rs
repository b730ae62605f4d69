//! A block channel, used with up to a queue's length of requests at a time.

use alloc::{
    format,
    string::{String, ToString},
};

use block_api::{
    BLOCK_SIZE, Completion, Geometry, MAX_BLOCKS, Operation, Outcome, QUEUE_LENGTH, Request,
};
use runtime::{
    Component, Notification,
    shared_memory::{Channel, OpenError, PushError, Receiver, RegionReader, RegionWriter, Sender},
};

/// Bytes of a slot of the data areas.
pub(crate) const SLOT: usize = MAX_BLOCKS as usize * BLOCK_SIZE;

pub(crate) struct Device {
    channel: Channel,
    notification: Notification,
    requests: Sender<Request>,
    completions: Receiver<Completion>,
    pub(crate) output: RegionWriter,
    pub(crate) input: RegionReader,
}

impl Device {
    /// Opens the channel of a role, if the system has it.
    pub(crate) fn open(component: &Component, role: &str) -> Result<Option<Self>, String> {
        let channel = match Channel::open(&component.memory, role) {
            Err(OpenError::Missing(_)) => return Ok(None),
            opened => opened.map_err(text)?,
        };
        Ok(Some(Self {
            notification: component.notification().map_err(text)?,
            requests: channel.sender(QUEUE_LENGTH).map_err(text)?,
            completions: channel.receiver(QUEUE_LENGTH).map_err(text)?,
            output: channel.output_data::<Request>(QUEUE_LENGTH),
            input: channel.input_data::<Completion>(QUEUE_LENGTH),
            channel,
        }))
    }

    /// Sends a request whose data lies in slot `slot`, as soon as there is room: in a later life than the first, not
    /// before the server has taken notice.
    pub(crate) fn send(
        &mut self,
        slot: usize,
        operation: Operation,
        block: u64,
        count: u32,
    ) -> Result<(), String> {
        let number = |value: usize| u32::try_from(value).map_err(text);
        let request = Request {
            block,
            id: number(slot)?,
            operation: operation as u32,
            count,
            data: number(slot * SLOT)?,
        };
        loop {
            match self.requests.push(&request) {
                Err(PushError::Full) => {
                    let _ = self.notification.wait();
                }
                pushed => return pushed.map_err(text),
            }
        }
    }

    pub(crate) fn signal(&self) {
        self.channel.signal();
    }

    /// Waits for the next answer: the slot and what became of its request.
    pub(crate) fn wait(&mut self) -> Result<(usize, Outcome), String> {
        loop {
            if let Some(completion) = self.completions.pop().map_err(text)? {
                let slot = usize::try_from(completion.id).map_err(text)?;
                return Ok((slot, completion.outcome()));
            }
            let _ = self.notification.wait();
        }
    }

    /// One request from beginning to end, in slot 0.
    pub(crate) fn do_one(
        &mut self,
        operation: Operation,
        block: u64,
        count: u32,
    ) -> Result<Outcome, String> {
        self.send(0, operation, block, count)?;
        self.signal();
        let (_, outcome) = self.wait()?;
        Ok(outcome)
    }

    pub(crate) fn block_count(&mut self) -> Result<u64, String> {
        let outcome = self.do_one(Operation::Geometry, 0, 0)?;
        outcome.map_err(|refusal| format!("no geometry: {refusal:?}"))?;
        let mut record = [0; Geometry::SIZE];
        self.input.read_at(0, &mut record).map_err(text)?;
        Ok(Geometry::from_bytes(record).block_count.get())
    }
}

pub(crate) fn text(error: impl ToString) -> String {
    error.to_string()
}
