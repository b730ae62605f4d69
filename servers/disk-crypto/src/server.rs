//! From the clients' requests to the volume and back, many at a time.

use core::{cell::Cell, convert::Infallible, fmt};

use block_api::{BLOCK_SIZE, CheckedRequest, Geometry, Outcome, Refusal};
use disk_crypto_core::{Error, Volume, key_store, part::Part, tasks::Tasks};
use runtime::Notification;
use zeroize::Zeroize;

use crate::{
    buffers::Buffers,
    client::{Client, Job},
    disk::Disk,
    failure::Failure,
};

/// What a client is to the volume.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// The guest's monitor: reads and writes.
    Guest,
    /// Who needs what the key store holds: it reads, and writes the block that is its own, durably; a flush wipes what was read
    /// from the channel.
    Keys,
}

/// One client, and the part of the volume that it reaches.
pub(crate) struct Service {
    client: Client,
    role: Role,
    part: Part,
    buffers: Buffers,
}

impl Service {
    /// Serves `client` the blocks of `part`.
    pub(crate) fn new(client: Client, role: Role, part: Part) -> Self {
        Self {
            client,
            role,
            part,
            buffers: Buffers::default(),
        }
    }
}

/// Serves the clients for ever. The last one is woken with the least delay.
pub(crate) fn serve(
    notification: Notification,
    services: &[Service],
    disk: &Disk,
    volume: &Volume<&Disk>,
) -> Result<Infallible, Failure> {
    let server = Server {
        volume,
        failures: Cell::new(0),
    };
    let mut tasks = Tasks::default();
    loop {
        // Answers make room for requests that wait, so this goes on until none is left.
        for service in services {
            while let Some(job) = service.client.next(service.part.block_count()) {
                tasks.spawn(server.carry_out(service, job));
                tasks.run();
            }
        }
        tasks.run();
        let mut to_wake = disk.whom_to_wake();
        for client in services
            .iter()
            .filter_map(|service| service.client.whom_to_wake())
        {
            // Whoever has to be woken besides costs a system call more.
            if let Some(other) = to_wake.replace(client) {
                other.signal();
            }
        }
        let _ = notification.wake_and_wait(to_wake);
        disk.take_completions();
    }
}

/// Answers every request with an I/O error, for ever.
pub(crate) fn refuse(
    notification: Notification,
    clients: &[Client],
) -> Result<Infallible, Failure> {
    loop {
        for client in clients {
            while let Some(job) = client.next(0) {
                client.answer(job.id, Err(Refusal::InputOutput));
            }
            if let Some(channel) = client.whom_to_wake() {
                channel.signal();
            }
        }
        let _ = notification.wait();
    }
}

struct Server<'a> {
    volume: &'a Volume<&'a Disk>,
    /// Requests that failed because the disk below did.
    failures: Cell<u64>,
}

impl Server<'_> {
    async fn carry_out(&self, service: &Service, job: Job) {
        let outcome = match job.request {
            Err(refusal) => Err(refusal),
            Ok(request) => match self.answer(service, request).await {
                Ok(outcome) => outcome,
                Err(error) => Err(self.refuse(&request, &error)),
            },
        };
        service.client.answer(job.id, outcome);
    }

    /// Carries out a request; an error is the volume's.
    async fn answer(&self, service: &Service, request: CheckedRequest) -> Result<Outcome, Error> {
        let outside = |_| Refusal::OutOfRange;
        match (request, service.role) {
            (
                CheckedRequest::Read {
                    first,
                    blocks,
                    data,
                },
                _,
            ) => {
                let place = service.part.place(first, blocks)?;
                self.read(service, place, blocks, data).await
            }
            (
                CheckedRequest::Write {
                    first,
                    blocks,
                    data,
                },
                _,
            ) => self.write(service, first, blocks, data).await,
            (CheckedRequest::Flush, Role::Guest) => self.volume.flush().await.map(Ok),
            (CheckedRequest::Flush, Role::Keys) => Ok(service.client.wipe().map_err(outside)),
            (CheckedRequest::Geometry { data }, _) => {
                let record = Geometry::new(service.part.block_count()).to_bytes();
                let written = service.client.output.write_at(data, &record);
                Ok(written.map_err(outside))
            }
        }
    }

    /// Reads blocks from `first` of the volume on to `place` in the client's data area.
    async fn read(
        &self,
        service: &Service,
        first: u64,
        blocks: usize,
        place: usize,
    ) -> Result<Outcome, Error> {
        let mut buffer = service.buffers.take();
        let data = &mut buffer[..blocks * BLOCK_SIZE];
        let read = self.volume.read(first, data).await.map(|()| {
            let written = service.client.output.write_at(place, data);
            written.map_err(|_| Refusal::OutOfRange)
        });
        if service.role == Role::Keys {
            data.zeroize();
        }
        service.buffers.give_back(buffer);
        read
    }

    /// Writes blocks from `place` in the client's data area to `first` of its part on.
    async fn write(
        &self,
        service: &Service,
        first: u64,
        blocks: usize,
        place: usize,
    ) -> Result<Outcome, Error> {
        let mut buffer = service.buffers.take();
        let data = &mut buffer[..blocks * BLOCK_SIZE];
        let written = match service.client.input.read_at(place, data) {
            Ok(()) => match service.role {
                Role::Guest => self.write_guest(&service.part, first, data).await,
                Role::Keys => key_store::write_own(self.volume, first, data).await,
            }
            .map(Ok),
            Err(_) => Ok(Err(Refusal::OutOfRange)),
        };
        service.buffers.give_back(buffer);
        written
    }

    async fn write_guest(&self, part: &Part, first: u64, data: &mut [u8]) -> Result<(), Error> {
        let place = part.place_to_write(first, data.len() / BLOCK_SIZE)?;
        self.volume.write(place, data).await
    }

    /// What the client learns of an error; the console learns all of it.
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
