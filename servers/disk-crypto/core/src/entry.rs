//! How a parent names the current version of a child: where it lies and what authenticates it.

use zerocopy::little_endian::U16;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// The nonce of an XChaCha20-Poly1305 message.
pub(crate) type Nonce = [u8; 24];
/// The tag of an XChaCha20-Poly1305 message.
pub(crate) type Tag = [u8; 16];

/// The current version of one block or node (42 bytes).
///
/// Nonce and tag together fix the content: to make another content pass under them is to forge
/// Poly1305. So a tree of entries needs no hash besides.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned,
)]
#[repr(C)]
pub(crate) struct Entry {
    /// 0 = never written; otherwise one more than the place within the zone, or than the node's twin.
    place: U16,
    /// The nonce it was sealed with.
    pub(crate) nonce: Nonce,
    /// The tag that came out.
    pub(crate) tag: Tag,
}

impl Entry {
    /// Of a block or node that was never written: it reads as zeroes.
    pub(crate) const NEVER: Self = Self {
        place: U16::ZERO,
        nonce: [0; 24],
        tag: [0; 16],
    };

    /// The version at `place`.
    pub(crate) fn new(place: u16, nonce: Nonce, tag: Tag) -> Self {
        let place = U16::new(place.saturating_add(1));
        Self { place, nonce, tag }
    }

    /// Where the version lies, if there is one.
    pub(crate) fn place(&self) -> Option<u16> {
        self.place.get().checked_sub(1)
    }
}
