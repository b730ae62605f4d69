//! The guest's side against guests: one that behaves, one that does not, and an outside that does not either.

mod blocklist;
mod flood;
mod guest;
mod hostile;
mod link;
mod names;
mod passage;
mod path_mtu;
