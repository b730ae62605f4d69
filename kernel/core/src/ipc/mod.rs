//! Threads talk: endpoints, replies, notifications, and what travels in a message.

mod cancel;
mod notification;
mod receive;
mod reply;
mod send;
mod transfer;
mod transfer_caps;
mod waiters;

pub(crate) use cancel::Meeting;
pub(crate) use receive::Blocking;
pub(crate) use send::{Delivery, Sending};
