//! The block device (section 5.2), over the channel to the guest's volume.
//!
//! The volume has blocks of 4 KiB and says so; a request that is not a whole number of them fails.
//! A request is cut into pieces of one channel slot each; several requests and pieces are in
//! flight at once, and a request ends when its last piece does, with the first error any had.

mod logic;
mod registers;
mod request;
mod state;
#[cfg(test)]
mod tests;

pub(crate) use state::Block;
