//! From the guest's requests to the volume and back, many at a time.

use core::convert::Infallible;

use block_api::{BLOCK_SIZE, CheckedRequest, Geometry, Outcome, Refusal};
use disk_crypto_core::{Error, Volume, tasks::Tasks};
use runtime::Notification;

use crate::{
    buffers::Buffers,
    disk::Disk,
    failure::Failure,
    guest::{Guest, Job},
};

/// Serves the guest for ever.
pub(crate) fn serve(
    notification: Notification,
    guest: &Guest,
    disk: &Disk,
    volume: &Volume<&Disk>,
) -> Result<Infallible, Failure> {
    let server = Server {
        guest,
        volume,
        buffers: Buffers::default(),
    };
    let mut tasks = Tasks::default();
    loop {
        // Answers make room for requests that wait, so this goes on until none is left.
        while let Some(job) = guest.next(volume.block_count()) {
            tasks.spawn(server.carry_out(job));
            tasks.run();
        }
        tasks.run();
        disk.signal();
        guest.signal();
        let _ = notification.wait();
        disk.take_completions();
    }
}

/// Answers every request of the guest with an I/O error, for ever.
pub(crate) fn refuse(notification: Notification, guest: &Guest) -> Result<Infallible, Failure> {
    loop {
        while let Some(job) = guest.next(0) {
            guest.answer(job.id, Err(Refusal::InputOutput));
        }
        guest.signal();
        let _ = notification.wait();
    }
}

struct Server<'a> {
    guest: &'a Guest,
    volume: &'a Volume<&'a Disk>,
    buffers: Buffers,
}

impl Server<'_> {
    async fn carry_out(&self, job: Job) {
        let outcome = match job.request {
            Err(refusal) => Err(refusal),
            Ok(request) => self.answer(request).await,
        };
        self.guest.answer(job.id, outcome);
    }

    async fn answer(&self, request: CheckedRequest) -> Outcome {
        match request {
            CheckedRequest::Read {
                first,
                blocks,
                data,
            } => self.read(first, blocks, data).await,
            CheckedRequest::Write {
                first,
                blocks,
                data,
            } => self.write(first, blocks, data).await,
            CheckedRequest::Flush => self
                .volume
                .flush()
                .await
                .map_err(|error| refuse_for(&error)),
            CheckedRequest::Geometry { data } => {
                let record = Geometry::new(self.volume.block_count()).to_bytes();
                let written = self.guest.output.write_at(data, &record);
                written.map_err(|_| Refusal::OutOfRange)
            }
        }
    }

    async fn read(&self, first: u64, blocks: usize, place: usize) -> Outcome {
        let mut buffer = self.buffers.take();
        let data = &mut buffer[..blocks * BLOCK_SIZE];
        let read = self.volume.read(first, data).await;
        let outcome = match read {
            Ok(()) => {
                let written = self.guest.output.write_at(place, data);
                written.map_err(|_| Refusal::OutOfRange)
            }
            Err(error) => Err(refuse_for(&error)),
        };
        self.buffers.give_back(buffer);
        outcome
    }

    async fn write(&self, first: u64, blocks: usize, place: usize) -> Outcome {
        let mut buffer = self.buffers.take();
        let data = &mut buffer[..blocks * BLOCK_SIZE];
        let outcome = match self.guest.input.read_at(place, data) {
            Ok(()) => {
                let written = self.volume.write(first, data).await;
                written.map_err(|error| refuse_for(&error))
            }
            Err(_) => Err(Refusal::OutOfRange),
        };
        self.buffers.give_back(buffer);
        outcome
    }
}

/// What the guest learns of an error; the console learns all of it.
fn refuse_for(error: &Error) -> Refusal {
    match error {
        Error::OutOfRange => Refusal::OutOfRange,
        Error::Device | Error::ReadOnly => {
            runtime::println!("{error}");
            Refusal::InputOutput
        }
        Error::TamperedBlock(_) | Error::TamperedNode { .. } => {
            runtime::println!("{error}");
            Refusal::Integrity
        }
    }
}
