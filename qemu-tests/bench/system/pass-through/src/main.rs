//! A component in the place of `disk-crypto` that hands every block on as it is.
//!
//! It copies as `disk-crypto` must, because each channel has its own data areas, and does nothing else. So
//! the figures with it, beside those of the encrypted disk, show what encryption costs. It is in no product.

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

extern crate alloc;

mod upper;

use alloc::string::{String, ToString};
use core::convert::Infallible;

use block_api::{Completion, Operation, QUEUE_LENGTH, Request};
use runtime::Component;
use runtime::shared_memory::{Channel, Receiver, RegionReader, RegionWriter, Sender};

use crate::upper::{Job, Upper};

runtime::component!(main);

/// The disk's channel, and what is under way on it.
struct Lower {
    channel: Channel,
    requests: Sender<Request>,
    completions: Receiver<Completion>,
    output: RegionWriter,
    input: RegionReader,
    /// By identification, which the monitor chooses below the queue's length.
    jobs: [Option<Job>; QUEUE_LENGTH],
}

fn main(component: Component) -> Result<Infallible, String> {
    let notification = component.notification().map_err(text)?;
    let mut upper = Upper::open(&component)?;
    let mut lower = Lower::open(&component)?;
    loop {
        let mut passed_down = false;
        while let Some(job) = upper.next()? {
            lower.send(job, &upper)?;
            passed_down = true;
        }
        if passed_down {
            lower.channel.signal();
        }
        let mut passed_up = false;
        while let Some((job, completion)) = lower.next()? {
            upper.answer(job, &completion, &lower.input)?;
            passed_up = true;
        }
        if passed_up {
            upper.signal();
        }
        let _ = notification.wait();
    }
}

impl Lower {
    fn open(component: &Component) -> Result<Self, String> {
        let channel = Channel::open(&component.memory, "disk").map_err(text)?;
        Ok(Self {
            requests: channel.sender(QUEUE_LENGTH).map_err(text)?,
            completions: channel.receiver(QUEUE_LENGTH).map_err(text)?,
            output: channel.output_data::<Request>(QUEUE_LENGTH),
            input: channel.input_data::<Completion>(QUEUE_LENGTH),
            channel,
            jobs: [const { None }; QUEUE_LENGTH],
        })
    }

    /// Sends the same request, its data at the same place of our own data area.
    fn send(&mut self, job: Job, upper: &Upper) -> Result<(), String> {
        let request = job.request;
        if request.operation == Operation::Write as u32 {
            self.output
                .copy_from(job.data, &upper.input, job.data, job.bytes)
                .map_err(text)?;
        }
        let place = usize::try_from(request.id).map_err(text)?;
        *self.jobs.get_mut(place).ok_or("an identification")? = Some(job);
        self.requests.push(&request).map_err(text)
    }

    fn next(&mut self) -> Result<Option<(Job, Completion)>, String> {
        let Some(completion) = self.completions.pop().map_err(text)? else {
            return Ok(None);
        };
        let place = usize::try_from(completion.id).map_err(text)?;
        let job = self.jobs.get_mut(place).and_then(Option::take);
        Ok(Some((job.ok_or("an answer to nothing")?, completion)))
    }
}

fn text(error: impl ToString) -> String {
    error.to_string()
}
