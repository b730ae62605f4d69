//! What a frame channel carries: a guest's Ethernet frames between its monitor and its `vpn`.
//!
//! A frame channel (protocol "frames") has a queue of [`Frame`]s and a data area of
//! [`DATA_AREA_SIZE`] bytes each way. Message number n of a queue describes the frame in slot n modulo
//! [`QUEUE_LENGTH`] of its sender's data area; the sender uses a slot again only when the receiver has
//! released that message. Every message is an allegation of the other side: [`Frame::check`] turns it
//! into a type that can only hold legal values, and the frame's bytes are copied before they are looked at.
//!
//! A receiver that lets frames lie, because it cannot pass them on, thereby stops the sender: nothing is lost, and
//! nothing grows. What each end says by its attention word stands in [`Link`] and [`WANTS_ROOM`].
//!
//! There is one guest on the link, and one gateway: the `vpn`. Their addresses never leave the machine.

#![no_std]
#![forbid(unsafe_code)]

mod frame;
mod link;

pub use frame::{CheckedFrame, Checksum, Frame, IllegalFrame};
pub use link::{DEFAULT_MTU, Link, LinkState, WANTS_ROOM};

/// Messages that each of the two queues of a channel holds; also the slots of each data area.
pub const QUEUE_LENGTH: usize = 256;

/// Bytes of a slot.
pub const SLOT_SIZE: usize = 2048;

/// Bytes in each of the two data areas: one slot for each place in the queue.
pub const DATA_AREA_SIZE: usize = QUEUE_LENGTH * SLOT_SIZE;

/// Bytes of the shortest frame: the header of Ethernet (IEEE 802.3, without the frame check sequence). Nothing
/// is padded: the link has no wire.
pub const MIN_FRAME: usize = 14;

/// Bytes of the longest frame: a header of Ethernet and 1,500 bytes behind it.
pub const MAX_FRAME: usize = 1514;

/// The guest's address on the link, locally administered (IEEE 802, clause 8.2).
pub const GUEST_ADDRESS: [u8; 6] = [0x02, 0x53, 0x4b, 0, 0, 2];

/// The address of the `vpn` on the link, which is the guest's gateway.
pub const GATEWAY_ADDRESS: [u8; 6] = [0x02, 0x53, 0x4b, 0, 0, 1];
