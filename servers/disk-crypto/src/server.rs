//! From the guest's requests to the volume and back, many at a time.

use core::{cell::Cell, convert::Infallible, fmt};

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
        failures: Cell::new(0),
    };
    let mut tasks = Tasks::default();
    loop {
        // Answers make room for requests that wait, so this goes on until none is left.
        while let Some(job) = guest.next(volume.block_count()) {
            tasks.spawn(server.carry_out(job));
            tasks.run();
        }
        tasks.run();
        let mut to_wake = disk.whom_to_wake();
        if let Some(monitor) = guest.whom_to_wake() {
            // Whoever has to be woken besides costs a system call more.
            if let Some(disk) = to_wake.replace(monitor) {
                disk.signal();
            }
        }
        let _ = notification.wake_and_wait(to_wake);
        disk.take_completions();
    }
}

/// Answers every request of the guest with an I/O error, for ever.
pub(crate) fn refuse(notification: Notification, guest: &Guest) -> Result<Infallible, Failure> {
    loop {
        while let Some(job) = guest.next(0) {
            guest.answer(job.id, Err(Refusal::InputOutput));
        }
        let _ = notification.wake_and_wait(guest.whom_to_wake());
    }
}

struct Server<'a> {
    guest: &'a Guest,
    volume: &'a Volume<&'a Disk>,
    buffers: Buffers,
    /// Requests that failed because the disk below did.
    failures: Cell<u64>,
}

impl Server<'_> {
    async fn carry_out(&self, job: Job) {
        let outcome = match job.request {
            Err(refusal) => Err(refusal),
            Ok(request) => match self.answer(request).await {
                Ok(outcome) => outcome,
                Err(error) => Err(self.refuse(&request, &error)),
            },
        };
        self.guest.answer(job.id, outcome);
    }

    /// Carries out a request; an error is the volume's.
    async fn answer(&self, request: CheckedRequest) -> Result<Outcome, Error> {
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
            CheckedRequest::Flush => self.volume.flush().await.map(Ok),
            CheckedRequest::Geometry { data } => {
                let record = Geometry::new(self.volume.block_count()).to_bytes();
                let written = self.guest.output.write_at(data, &record);
                Ok(written.map_err(|_| Refusal::OutOfRange))
            }
        }
    }

    async fn read(&self, first: u64, blocks: usize, place: usize) -> Result<Outcome, Error> {
        let mut buffer = self.buffers.take();
        let data = &mut buffer[..blocks * BLOCK_SIZE];
        let read = self.volume.read(first, data).await.map(|()| {
            let written = self.guest.output.write_at(place, data);
            written.map_err(|_| Refusal::OutOfRange)
        });
        self.buffers.give_back(buffer);
        read
    }

    async fn write(&self, first: u64, blocks: usize, place: usize) -> Result<Outcome, Error> {
        let mut buffer = self.buffers.take();
        let data = &mut buffer[..blocks * BLOCK_SIZE];
        let written = match self.guest.input.read_at(place, data) {
            Ok(()) => self.volume.write(first, data).await.map(Ok),
            Err(_) => Ok(Err(Refusal::OutOfRange)),
        };
        self.buffers.give_back(buffer);
        written
    }

    /// What the guest learns of an error; the console learns all of it.
    fn refuse(&self, request: &CheckedRequest, error: &Error) -> Refusal {
        match error {
            Error::OutOfRange => Refusal::OutOfRange,
            Error::Device | Error::ReadOnly => {
                self.report_failure(request, error);
                Refusal::InputOutput
            }
            Error::TamperedBlock(_) | Error::TamperedNode { .. } => {
                runtime::println!("{error}");
                Refusal::Integrity
            }
        }
    }

    /// A disk that fails, fails often: the first time is told, the tenth, the hundredth and so on.
    fn report_failure(&self, request: &CheckedRequest, error: &Error) {
        let count = self.failures.get() + 1;
        self.failures.set(count);
        if 10_u64.pow(count.ilog10()) == count {
            runtime::println!(
                "{error}: {} is refused (failure {count})",
                describe(request)
            );
        }
    }
}

fn describe(request: &CheckedRequest) -> impl fmt::Display {
    let (what, first, blocks) = match *request {
        CheckedRequest::Read { first, blocks, .. } => ("a read", first, blocks),
        CheckedRequest::Write { first, blocks, .. } => ("a write", first, blocks),
        CheckedRequest::Flush | CheckedRequest::Geometry { .. } => ("a flush", 0, 0),
    };
    fmt::from_fn(move |f| match blocks {
        0 => f.write_str(what),
        _ => write!(f, "{what} of {blocks} blocks from block {first} on"),
    })
}
