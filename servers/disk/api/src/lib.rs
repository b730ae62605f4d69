//! What a block channel carries: the messages between a guest monitor, `disk-crypto` and `disk`.
//!
//! A block channel has a queue of [`Request`]s from the client, a queue of [`Completion`]s from the
//! server, and two data areas of [`DATA_AREA_SIZE`] bytes: the client's, from which writes are
//! taken, and the server's, in which read data appears. The client chooses where in the area a request's data
//! lies ([`Request::data`]) and leaves that part alone until the request has completed. Every message is
//! an allegation of the other side: [`Request::check`] and [`Completion::outcome`] turn it into a type
//! that can only hold legal values.

#![no_std]
#![forbid(unsafe_code)]

mod completion;
mod geometry;
mod request;

pub use completion::{Completion, Outcome, Refusal};
pub use geometry::Geometry;
pub use request::{CheckedRequest, Operation, Request};

/// In the client's attention word: it looks for completions by itself before it sleeps or lets a guest run, so
/// the server need not signal those that are there now. Any other word: it wants every signal.
pub const LOOKS_BY_ITSELF: u64 = 1;

/// Bytes in a block, the unit of everything on a block channel.
pub const BLOCK_SIZE: usize = 4096;

/// The most blocks that one request may move.
pub const MAX_BLOCKS: u32 = 16;

/// Messages that each of the two queues of a channel holds; also the most requests in flight.
pub const QUEUE_LENGTH: usize = 32;

/// Bytes in each of the two data areas: one full request for each place in the queue.
pub const DATA_AREA_SIZE: usize = QUEUE_LENGTH * MAX_BLOCKS as usize * BLOCK_SIZE;
