//! Typed invocations: one function an operation, arguments in seL4's order.
//!
//! Every function answers the kernel's error. `depth` counts the bits of an index; for a
//! destination inside a CNode the pair (index, depth) is resolved from `root`.

mod capability;
mod device;
mod guest;
mod memory;
mod thread;

use sel4_sys::Error;

use crate::Ipc;

pub use capability::*;
pub use device::*;
pub use guest::*;
pub use memory::*;
pub use thread::*;

type Done = Result<(), Error>;

/// A slot named from outside: resolved in the CSpace of the CNode capability `root`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotPath {
    /// CNode capability.
    pub root: u64,
    /// Index in it.
    pub index: u64,
    /// Bits of the index.
    pub depth: u64,
}

impl SlotPath {
    fn perform(self, ipc: &Ipc, label: u64) -> Done {
        done(ipc, self.root, label, &[self.index, self.depth], &[])
    }
}

/// Makes an invocation whose answer holds nothing but the error.
fn done(ipc: &Ipc, object: u64, label: u64, words: &[u64], caps: &[u64]) -> Done {
    ipc.invoke(object, label, words, caps).map(drop)
}
