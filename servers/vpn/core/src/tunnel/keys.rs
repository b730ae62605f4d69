//! Keys: what is secret erases itself and never prints itself.

use core::fmt;

use x25519_dalek::{SharedSecret, StaticSecret};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Bytes of every key here.
pub(crate) const KEY_SIZE: usize = 32;

/// A secret key of Curve25519 (RFC 7748): of an interface, or of one handshake.
#[derive(Clone)]
pub struct SecretKey(StaticSecret);

/// A public key of Curve25519: what a peer is known by.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PublicKey([u8; KEY_SIZE]);

/// A key that both sides were told beforehand and mix into their handshakes; zeroes stand for none.
#[derive(Clone, Default, Zeroize, ZeroizeOnDrop)]
pub struct PresharedKey([u8; KEY_SIZE]);

/// A key for one direction of a session, or for one message of a handshake.
#[derive(Clone, Default, Zeroize, ZeroizeOnDrop)]
pub(crate) struct SymmetricKey(pub(crate) [u8; KEY_SIZE]);

impl SecretKey {
    /// The public key that belongs to it.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        PublicKey(x25519_dalek::PublicKey::from(&self.0).to_bytes())
    }

    /// What this side and the owner of `other` have in common; none if `other` is one of the few points that
    /// give the same secret to everybody (RFC 7748, section 6.1).
    #[must_use]
    pub(crate) fn agree(&self, other: &PublicKey) -> Option<SharedSecret> {
        let shared = self.0.diffie_hellman(&other.0.into());
        shared.was_contributory().then_some(shared)
    }
}

impl PublicKey {
    /// Its 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; KEY_SIZE] {
        &self.0
    }
}

impl PresharedKey {
    /// Its 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; KEY_SIZE] {
        &self.0
    }
}

impl From<[u8; KEY_SIZE]> for SecretKey {
    fn from(bytes: [u8; KEY_SIZE]) -> Self {
        Self(bytes.into())
    }
}

impl From<[u8; KEY_SIZE]> for PublicKey {
    fn from(bytes: [u8; KEY_SIZE]) -> Self {
        Self(bytes)
    }
}

impl From<[u8; KEY_SIZE]> for PresharedKey {
    fn from(bytes: [u8; KEY_SIZE]) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey")
    }
}

impl fmt::Debug for PresharedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PresharedKey")
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for PublicKey {
    /// The first four bytes: enough to tell peers apart.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .take(4)
            .try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
