//! What the transport asks of the device, and frames for the guest.

use frame_api::{CheckedFrame, QUEUE_LENGTH};

use super::{
    header::emit,
    registers::{
        FEATURE_CSUM, FEATURE_GUEST_CSUM, FEATURE_HOST_ECN, FEATURE_HOST_TSO4, FEATURE_HOST_TSO6,
        FEATURE_MAC, FEATURE_MTU, FEATURE_STATUS, HEADER_BYTES,
    },
    state::Network,
};
use crate::{
    guest_memory::OutsideMemory,
    host::Host,
    number::low_u32,
    virtio::{
        chain::Side,
        device::Device,
        queue::{Notifications, Queue, QueueError},
    },
};

impl Device for Network {
    const TYPE: u16 = 1;
    /// Network controller, Ethernet.
    const CLASS: u32 = 0x02_00_00;
    /// Receive and transmit.
    const QUEUES: u16 = 2;

    fn features(&self) -> u64 {
        let checksums = FEATURE_CSUM | FEATURE_GUEST_CSUM;
        let segments = FEATURE_HOST_TSO4 | FEATURE_HOST_TSO6 | FEATURE_HOST_ECN;
        checksums | segments | FEATURE_MTU | FEATURE_MAC | FEATURE_STATUS
    }

    fn configuration(&self) -> &[u8] {
        self.configuration_bytes()
    }

    fn take_configuration_change(&mut self) -> bool {
        self.take_change()
    }

    fn reset(&mut self) {
        self.large = None;
    }

    fn process<H: Host>(
        &mut self,
        queues: &mut [Queue],
        features: u64,
        host: &mut H,
    ) -> Result<(), QueueError> {
        let [receive, transmit] = queues else {
            return Ok(());
        };
        self.look_at_link(host);
        self.deliver_all(receive, features, host)?;
        self.send_all(transmit, features, host)?;
        if let Some(channel) = host.network() {
            channel.kick();
        }
        Ok(())
    }

    /// Nobody listens: what comes is dropped, as by a cable that is not plugged in.
    fn idle<H: Host>(&mut self, host: &mut H) {
        self.look_at_link(host);
        for _ in 0..QUEUE_LENGTH {
            let Some(channel) = host.network() else {
                return;
            };
            if channel.arrived().is_none() {
                return;
            }
            channel.release();
            self.unexpected.count("the guest has no driver", host);
        }
    }
}

impl Network {
    fn look_at_link<H: Host>(&mut self, host: &mut H) {
        if let Some(channel) = host.network() {
            self.set_link(channel.link());
        }
    }

    /// Delivers what has come, as long as the guest has buffers. Only if it has too few does its next one matter.
    fn deliver_all<H: Host>(
        &mut self,
        queue: &mut Queue,
        features: u64,
        host: &mut H,
    ) -> Result<(), QueueError> {
        for _ in 0..queue.size {
            let Some(frame) = host.network().and_then(|channel| channel.arrived()) else {
                return queue.set_notifications(host.memory(), Notifications::Unwanted);
            };
            if !queue.pop(host.memory(), &mut self.incoming)? {
                break;
            }
            let written = match self.deliver(frame, features, host) {
                Ok(()) => low_u32((HEADER_BYTES + frame.length) as u64),
                Err(OutsideMemory) => {
                    let why = "the guest's buffer cannot take them";
                    self.undeliverable.count(why, host);
                    0
                }
            };
            if let Some(channel) = host.network() {
                channel.release();
            }
            queue.push_used(host.memory(), self.incoming.head, written)?;
        }
        // Frames may be left, however many buffers there were.
        queue.set_notifications(host.memory(), Notifications::Wanted)
    }

    /// Copies a frame and its header into the chain.
    fn deliver<H: Host>(
        &mut self,
        frame: CheckedFrame,
        features: u64,
        host: &mut H,
    ) -> Result<(), OutsideMemory> {
        let header = emit(frame.checksum, features);
        self.incoming.write(host.memory(), 0, &header)?;
        let (start, length) = (HEADER_BYTES as u64, frame.length as u64);
        let channel = host.network().ok_or(OutsideMemory)?;
        self.incoming
            .visit(Side::Writable, start, length, |address, at, part| {
                channel.drain(low_u32(at), address, low_u32(part))
            })
    }
}
