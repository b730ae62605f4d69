//! The four messages of the wire, as they lie in a datagram (WireGuard whitepaper, section 5.4).

use zerocopy::{
    FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned,
    little_endian::{U32, U64},
};

use super::noise::{SEALED_KEY_SIZE, TAG_SIZE};

/// Bytes of a timestamp.
pub(super) const TIMESTAMP_SIZE: usize = 12;
/// Bytes of a MAC.
pub(super) const MAC_SIZE: usize = 16;
/// Bytes of a cookie.
pub(super) const COOKIE_SIZE: usize = 16;
/// Bytes of the nonce that a cookie is sealed with.
pub(super) const COOKIE_NONCE_SIZE: usize = 24;

/// What a datagram says it is: its first byte. The next three are zero, so they are read with it.
pub(super) mod kind {
    pub(crate) const INITIATION: u32 = 1;
    pub(crate) const RESPONSE: u32 = 2;
    pub(crate) const COOKIE_REPLY: u32 = 3;
    pub(crate) const DATA: u32 = 4;
}

/// The first message of a handshake (148 bytes).
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(super) struct Initiation {
    pub(super) kind: U32,
    pub(super) sender: U32,
    pub(super) ephemeral: [u8; 32],
    pub(super) static_key: [u8; SEALED_KEY_SIZE],
    pub(super) timestamp: [u8; TIMESTAMP_SIZE + TAG_SIZE],
    pub(super) macs: Macs,
}

/// The second message of a handshake (92 bytes).
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(super) struct Response {
    pub(super) kind: U32,
    pub(super) sender: U32,
    pub(super) receiver: U32,
    pub(super) ephemeral: [u8; 32],
    pub(super) nothing: [u8; TAG_SIZE],
    pub(super) macs: Macs,
}

/// The end of both: that the sender knows whom it speaks to, and that it can be reached where it says it is.
#[derive(Clone, Copy, Default, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(super) struct Macs {
    pub(super) first: [u8; MAC_SIZE],
    pub(super) second: [u8; MAC_SIZE],
}

/// The answer of a responder that is too busy (64 bytes).
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(super) struct CookieReply {
    pub(super) kind: U32,
    pub(super) receiver: U32,
    pub(super) nonce: [u8; COOKIE_NONCE_SIZE],
    pub(super) cookie: [u8; COOKIE_SIZE + TAG_SIZE],
}

/// What stands before the sealed packet in a data message (16 bytes).
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(super) struct DataHeader {
    pub(super) kind: U32,
    pub(super) receiver: U32,
    pub(super) counter: U64,
}

/// Bytes that a data message adds to its packet.
pub const OVERHEAD: usize = size_of::<DataHeader>() + TAG_SIZE;

const _: () = assert!(size_of::<Initiation>() == 148);
const _: () = assert!(size_of::<Response>() == 92);
const _: () = assert!(size_of::<CookieReply>() == 64);
const _: () = assert!(OVERHEAD == 32);
