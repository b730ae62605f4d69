//! The IPC buffer as a program sees it.

use core::mem::offset_of;

/// The IPC buffer (`seL4_IPCBuffer`), aligned to its size.
#[derive(Clone, Debug)]
#[repr(C, align(1024))]
pub struct IpcBuffer {
    /// Message information, kept for the user's convenience.
    pub tag: u64,
    /// Message registers; the first four travel in CPU registers.
    pub message: [u64; 120],
    /// Free for the user (libsel4 keeps the buffer's own address here).
    pub user_data: u64,
    /// Capability pointers to send, or badges of unwrapped capabilities received.
    pub caps_or_badges: [u64; 3],
    /// Root of the lookup of the receive slot.
    pub receive_cnode: u64,
    /// Capability pointer of the receive slot.
    pub receive_index: u64,
    /// Bits of that pointer.
    pub receive_depth: u64,
}

/// Indexes into the buffer as an array of words.
pub mod word {
    use super::{IpcBuffer, offset_of};

    /// First message register.
    pub const MESSAGE: usize = offset_of!(IpcBuffer, message) / 8;
    /// First capability or badge.
    pub const CAPS_OR_BADGES: usize = offset_of!(IpcBuffer, caps_or_badges) / 8;
    /// Receive CNode.
    pub const RECEIVE_CNODE: usize = offset_of!(IpcBuffer, receive_cnode) / 8;
    /// Receive index.
    pub const RECEIVE_INDEX: usize = offset_of!(IpcBuffer, receive_index) / 8;
    /// Receive depth.
    pub const RECEIVE_DEPTH: usize = offset_of!(IpcBuffer, receive_depth) / 8;
    /// Words in all.
    pub const COUNT: usize = size_of::<IpcBuffer>() / 8;
}

const _: () = {
    use sel4_sys::ipc_buffer;
    assert!(word::COUNT == 128);
    assert!(word::MESSAGE as u64 == ipc_buffer::MESSAGE);
    assert!(word::CAPS_OR_BADGES as u64 == ipc_buffer::CAPS_OR_BADGES);
    assert!(word::RECEIVE_CNODE as u64 == ipc_buffer::RECEIVE_CNODE);
    assert!(word::RECEIVE_INDEX as u64 == ipc_buffer::RECEIVE_INDEX);
    assert!(word::RECEIVE_DEPTH as u64 == ipc_buffer::RECEIVE_DEPTH);
};
