//! The network device: frames out, frames in (virtio 1.2, section 5.1).
//!
//! Its two queues are [`receiver`](crate::receiver) and [`transmitter`](crate::transmitter).

use dma::DmaRegion;
use shared_memory::RegionReader;
use thiserror::Error;
use virtio::{Queue, StartError, Transport, start};

use crate::receiver::{BUFFER_SIZE, Received, Receiver};
use crate::transmitter::{OWN_MEMORY_SIZE, Piece, Token, TransmitError, Transmitter};

/// Entries of each queue, if the device allows as many.
pub const QUEUE_SIZE: u16 = 256;
/// Bytes of memory for queues, headers and frames of this program.
pub const RINGS_SIZE: usize = 2 * Queue::memory_size(QUEUE_SIZE as usize) + OWN_MEMORY_SIZE;
/// Bytes of memory for frames that come in.
pub const BUFFERS_SIZE: usize = QUEUE_SIZE as usize * BUFFER_SIZE;
/// Bytes of the device's configuration that the driver reads (section 5.1.4).
pub const CONFIGURATION_LENGTH: usize = 12;

/// The queues (section 5.1.2), and the entries of the MSI-X table by which they and changes of the configuration
/// interrupt.
pub(crate) const RECEIVE: u16 = 0;
pub(crate) const TRANSMIT: u16 = 1;
const QUEUE_INTERRUPT: u16 = 0;
const LINK_INTERRUPT: u16 = 1;

/// Features (section 5.1.3).
const CHECKSUM: u64 = 1 << 0;
const GUEST_CHECKSUM: u64 = 1 << 1;
const MTU: u64 = 1 << 3;
const MAC: u64 = 1 << 5;
const STATUS: u64 = 1 << 16;

/// Fields of the configuration (section 5.1.4).
const MAC_FIELD: usize = 0;
const STATUS_FIELD: usize = 6;
const MTU_FIELD: usize = 10;
const LINK_UP: u16 = 1;

/// What an Ethernet carries (RFC 894).
const ETHERNET_MTU: u16 = 1500;
/// The least that IPv6 needs (RFC 8200, section 5).
const LEAST_MTU: u16 = 1280;

/// The device broke the rules of its queues. It was reset and is not used any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the device broke the rules of its queues, and was reset")]
pub struct BrokenDevice;

/// A running device.
pub struct Driver<T> {
    transport: T,
    receiver: Receiver,
    transmitter: Transmitter,
    features: u64,
    mac: [u8; 6],
    mtu: u16,
    is_broken: bool,
}

impl<T: Transport> Driver<T> {
    /// Resets the device and sets it up with queues in `rings` and room for frames in `buffers`.
    ///
    /// # Errors
    ///
    /// The device cannot be used; it is left marked as failed.
    pub fn start(
        mut transport: T,
        rings: DmaRegion,
        buffers: DmaRegion,
    ) -> Result<Self, StartError> {
        match set_up(&mut transport, rings, buffers) {
            Ok((features, receiver, transmitter)) => Ok(Self {
                mac: mac(&transport),
                mtu: mtu(&transport, features),
                transport,
                receiver,
                transmitter,
                features,
                is_broken: false,
            }),
            Err(error) => {
                start::give_up(&mut transport);
                Err(error)
            }
        }
    }

    /// The device's Ethernet address.
    pub fn mac(&self) -> [u8; 6] {
        self.mac
    }

    /// Bytes of the largest IP packet that the link takes.
    pub fn mtu(&self) -> u16 {
        self.mtu
    }

    /// Whether the link is up; a device that cannot tell is always up.
    pub fn link_is_up(&self) -> bool {
        self.features & STATUS == 0 || self.transport.configuration_u16(STATUS_FIELD) & LINK_UP != 0
    }

    /// Whether the device fills in the checksums of what it sends.
    pub fn fills_in_checksums(&self) -> bool {
        self.features & CHECKSUM != 0
    }

    /// Takes the next frame that came in, if there is one.
    ///
    /// # Errors
    ///
    /// The device reports what cannot be.
    pub fn receive(&mut self) -> Result<Option<Received>, BrokenDevice> {
        if self.is_broken {
            return Err(BrokenDevice);
        }
        let received = self.receiver.take();
        let mut received = received.map_err(|_| self.break_off())?;
        if let Some(received) = &mut received
            && self.features & GUEST_CHECKSUM == 0
        {
            // The device has no say in this.
            received.checksum_is_good = false;
        }
        Ok(received)
    }

    /// The bytes of a frame that came in. The device may still change them.
    pub fn frame(&self, received: &Received) -> RegionReader {
        self.receiver.frame(received)
    }

    /// Gives the room of a frame back to the device.
    pub fn recycle(&mut self, received: Received) {
        self.receiver.recycle(received);
    }

    /// Whether a client's frame can be sent now, also one of several pieces; slots for `net`'s own frames are kept free.
    pub fn can_send(&self) -> bool {
        !self.is_broken && self.transmitter.has_room()
    }

    /// How many frames of clients can be sent now.
    pub fn room(&self) -> usize {
        if self.is_broken {
            0
        } else {
            self.transmitter.room()
        }
    }

    /// Whether the device has frames that it has not reported as sent.
    pub fn is_sending(&self) -> bool {
        !self.is_broken && self.transmitter.is_sending()
    }

    /// Sends a frame: `head` is copied, `payload` is read by the device where it is, until its token comes back.
    ///
    /// # Errors
    ///
    /// There is no room. Nothing happened.
    pub fn send(
        &mut self,
        head: &[u8],
        checksum: Option<Checksum>,
        payload: Piece,
        token: Token,
    ) -> Result<(), TransmitError> {
        if self.is_broken {
            return Err(TransmitError::Full);
        }
        self.transmitter.send(head, checksum, payload, token)
    }

    /// Sends a frame that is copied whole.
    ///
    /// # Errors
    ///
    /// There is no room, or the frame is too long. Nothing happened.
    pub fn send_copy(&mut self, frame: &[&[u8]]) -> Result<(), TransmitError> {
        if self.is_broken {
            return Err(TransmitError::Full);
        }
        self.transmitter.send_copy(frame)
    }

    /// Takes the token of the next frame that was sent, if there is one.
    ///
    /// # Errors
    ///
    /// The device reports what cannot be.
    pub fn take_sent(&mut self) -> Result<Option<Token>, BrokenDevice> {
        if self.is_broken {
            return Err(BrokenDevice);
        }
        self.transmitter.take_sent().map_err(|_| self.break_off())
    }

    /// Tells the device what it has not been told yet: frames to send, room for frames.
    pub fn notify(&mut self) {
        if self.is_broken {
            return;
        }
        if self.receiver.owes_notification() {
            self.transport.notify(RECEIVE);
        }
        if self.transmitter.owes_notification() {
            self.transport.notify(TRANSMIT);
        }
    }

    fn break_off(&mut self) -> BrokenDevice {
        self.is_broken = true;
        self.transport.set_status(0);
        BrokenDevice
    }
}

/// Where a checksum that the device fills in begins, and where it stands, in bytes of the frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checksum {
    /// The first byte that it covers; it covers all that follow.
    pub start: u16,
    /// Its own place, counted from `start`.
    pub offset: u16,
}

fn set_up(
    transport: &mut impl Transport,
    mut rings: DmaRegion,
    buffers: DmaRegion,
) -> Result<(u64, Receiver, Transmitter), StartError> {
    let features = start::agree(transport, MAC, CHECKSUM | GUEST_CHECKSUM | MTU | STATUS)?;
    if !transport.set_configuration_interrupt(Some(LINK_INTERRUPT)) {
        return Err(StartError::NoInterrupt);
    }
    let mut queue = |number| {
        start::start_queue(
            transport,
            &mut rings,
            number,
            2..=QUEUE_SIZE,
            QUEUE_INTERRUPT,
        )
    };
    let (receive, transmit) = (queue(RECEIVE)?, queue(TRANSMIT)?);
    let receiver = Receiver::new(receive, buffers).map_err(StartError::Memory)?;
    let transmitter = Transmitter::new(transmit, rings).map_err(StartError::Memory)?;
    start::go(transport);
    transport.notify(RECEIVE);
    Ok((features, receiver, transmitter))
}

fn mac(transport: &impl Transport) -> [u8; 6] {
    transport.consistent(|transport| {
        let field = |index| transport.configuration_u8(MAC_FIELD + index);
        [0, 1, 2, 3, 4, 5].map(field)
    })
}

/// What the device advises; never more than an Ethernet carries nor less than IPv6 needs.
fn mtu(transport: &impl Transport, features: u64) -> u16 {
    if features & MTU == 0 {
        return ETHERNET_MTU;
    }
    let advised = transport.configuration_u16(MTU_FIELD);
    advised.clamp(LEAST_MTU, ETHERNET_MTU)
}
