//! The network device (section 5.1), over the channel to the guest's gateway.
//!
//! A frame is copied once: from the guest's memory into the channel, or from the channel into the guest's
//! memory. Frames that the guest has no buffers for stay in the channel, frames that the channel has no room
//! for stay in the guest's queue; so neither side can make the other keep anything. What is no frame is
//! dropped and counted, and the device goes on; only a queue that is broken stops it.
//!
//! The guest may hand over 64 KiB of TCP at once. It is cut into frames while it is copied, so that the gateway
//! sees frames only: what a guest gains by it comes from the time of its own monitor. If the channel is full
//! in between, the rest goes on when there is room, before anything else.

mod drops;
mod header;
mod logic;
mod registers;
mod segments;
mod sending;
mod state;
#[cfg(test)]
mod tests;

pub(crate) use state::Network;
