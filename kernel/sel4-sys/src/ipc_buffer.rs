//! Layout of the IPC buffer: 1024 bytes that a thread and the kernel share.

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

/// Word indices into the buffer, for code that sees it as an array of words.
pub mod word {
    /// First message register.
    pub const MESSAGE: usize = 1;
    /// First capability or badge.
    pub const CAPS_OR_BADGES: usize = 0x3d0 / 8;
    /// Receive CNode.
    pub const RECEIVE_CNODE: usize = 0x3e8 / 8;
    /// Receive index.
    pub const RECEIVE_INDEX: usize = 0x3f0 / 8;
    /// Receive depth.
    pub const RECEIVE_DEPTH: usize = 0x3f8 / 8;
    /// Words in all.
    pub const COUNT: usize = 128;
}

const _: () = {
    assert!(size_of::<IpcBuffer>() == 1024);
    assert!(core::mem::offset_of!(IpcBuffer, user_data) == 0x3c8);
    assert!(core::mem::offset_of!(IpcBuffer, caps_or_badges) == 0x3d0);
    assert!(core::mem::offset_of!(IpcBuffer, receive_cnode) == 0x3e8);
    assert!(core::mem::offset_of!(IpcBuffer, receive_depth) == 0x3f8);
};
