//! From requests to the device and back.

use block_api::Refusal;
use disk_core::{Outcome, Token};
use runtime::{Component, shared_memory::Channel};

use crate::client::{Client, Work};
use crate::device::Device;
use crate::failure::Failure;

pub(crate) struct Server {
    device: Device,
    client: Client,
}

impl Server {
    pub(crate) fn new(component: &Component) -> Result<Self, Failure> {
        // The device first: if this program was started afresh, it may still be at work for the life before.
        let device = Device::start(component)?;
        let client = Client::open(&component.memory, "client")?;
        let mebibytes = device.driver.block_count() / 256;
        runtime::println!("a disk of {mebibytes} MiB");
        Ok(Self { device, client })
    }

    /// Does what the signals ask for; answers whom to wake then.
    pub(crate) fn handle(&mut self, signals: u64) -> Result<Option<&Channel>, Failure> {
        if self.device.take_interrupt(signals)? {
            self.answer_finished();
        }
        // The client may have sent requests, or the device made room for some that wait.
        self.submit_requests();
        Ok(self.client.whom_to_wake())
    }

    fn answer_finished(&mut self) {
        let driver = &mut self.device.driver;
        let was_broken = driver.is_broken();
        while let Some((Token(id), outcome)) = driver.take_finished() {
            let outcome = match outcome {
                Outcome::Done => Ok(()),
                Outcome::Failed => Err(Refusal::InputOutput),
            };
            self.client.answer(id, outcome);
        }
        if driver.is_broken() && !was_broken {
            runtime::println!(
                "the disk broke the rules of its queue: it was reset and is not used any more"
            );
        }
    }

    fn submit_requests(&mut self) {
        let driver = &mut self.device.driver;
        let mut submitted = false;
        while !driver.is_full() {
            let Some(work) = self.client.next(driver.block_count()) else {
                break;
            };
            if let Work::Transfer { id, transfer } = work {
                match driver.submit(transfer, Token(id)) {
                    Ok(()) => submitted = true,
                    Err(_) => self.client.answer(id, Err(Refusal::InputOutput)),
                }
            }
        }
        if submitted {
            driver.notify();
        }
    }
}
