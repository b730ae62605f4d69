//! Encrypted volumes: the format on the disk and the engine that reads and writes it.
//!
//! A volume keeps blocks of 4 KiB under XChaCha20-Poly1305. Every write takes a fresh nonce and goes to a place
//! that holds nothing that still counts (copy on write), so power loss leaves each block either old or new. A
//! tree of nonces and tags, whose root stands in both root records, says which version of every block
//! is the current one; anything else is refused. `servers/disk-crypto/README.md` states the argument
//! in full.
//!
//! The modules, from the disk upwards:
//! - [`device`]: what is asked of the device below; [`layout`]: what lies where on it;
//! - [`part`]: whose blocks are whose; [`key_store`]: what stands in the part beside the guest's;
//! - [`header`] and [`key_slot`]: what can be read without a key; [`unlock`]: from passphrase to keys;
//! - `keys`: every use of the cipher; `root`, `log`, `node`: the three kinds of sealed metadata;
//! - `cache`, `zone`, `state`: what the engine knows in memory;
//! - [`volume`] with `read`, `write`, `commit`, `recovery`: the engine;
//! - [`tasks`]: a gate and an executor, so that several requests can be in flight without threads.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod device;
pub mod error;
pub mod header;
pub mod key_slot;
pub mod key_store;
pub mod layout;
pub mod part;
pub mod tasks;
pub mod unlock;
pub mod volume;

mod cache;
mod commit;
mod entry;
mod keys;
mod log;
mod node;
mod read;
mod recovery;
mod root;
mod state;
mod write;
mod zone;

pub use device::{BlockDevice, DeviceError};
pub use error::{Error, OpenError};
pub use volume::Volume;

/// Bytes in a block: the unit of encryption and of every transfer.
pub const BLOCK_SIZE: usize = 4096;
