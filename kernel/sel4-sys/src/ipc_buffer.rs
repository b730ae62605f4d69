//! Layout of the IPC buffer: 1024 bytes, aligned to that, which a thread and the kernel share. What follows are
//! indexes of its words.

/// First message register; the first four travel in CPU registers.
pub const MESSAGE: u64 = 1;
/// First capability pointer to send, or badge of an unwrapped capability received.
pub const CAPS_OR_BADGES: u64 = 122;
/// Root of the lookup of the receive slot.
pub const RECEIVE_CNODE: u64 = 125;
/// Capability pointer of the receive slot.
pub const RECEIVE_INDEX: u64 = 126;
/// Bits of that pointer.
pub const RECEIVE_DEPTH: u64 = 127;
