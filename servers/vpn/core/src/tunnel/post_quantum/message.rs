//! The messages of an exchange, as they lie in a UDP datagram inside the tunnel.

use alloc::vec::Vec;

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// Bytes of an encapsulation key of ML-KEM-1024 (FIPS 203, table 3).
pub(super) const ENCAPSULATION_KEY_SIZE: usize = 1568;
/// Bytes of its ciphertext.
pub(super) const CIPHERTEXT_SIZE: usize = 1568;
/// Keys and ciphertexts travel in two halves, so that every packet fits into IPv6's least MTU.
pub(super) const HALF_SIZE: usize = 784;
/// Bytes of what shows that both sides have the same key.
pub(super) const PROOF_SIZE: usize = 32;

/// "SKQ1".
const MAGIC: [u8; 4] = *b"SKQ1";

/// A number that names an exchange, chosen at random by who begins it.
pub(super) type ExchangeId = [u8; 16];
/// Something that travels in two halves.
pub(super) type Whole = [u8; 2 * HALF_SIZE];

const _: () = assert!(ENCAPSULATION_KEY_SIZE == size_of::<Whole>());
const _: () = assert!(CIPHERTEXT_SIZE == size_of::<Whole>());

/// What stands before the body (24 bytes).
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Header {
    magic: [u8; 4],
    kind: u8,
    half: u8,
    reserved: [u8; 2],
    id: ExchangeId,
}

/// A message.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Message<'a> {
    pub(super) id: ExchangeId,
    pub(super) body: Body<'a>,
}

/// What it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Body<'a> {
    /// Kind 1: half of an encapsulation key.
    Offer(Half<'a>),
    /// Kind 2: half of a ciphertext.
    Answer(Half<'a>),
    /// Kind 3: the offerer has the key.
    Confirm(&'a [u8; PROOF_SIZE]),
    /// Kind 4: the answerer uses the key from now on.
    Done(&'a [u8; PROOF_SIZE]),
}

/// One of two halves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Half<'a> {
    pub(super) is_second: bool,
    pub(super) bytes: &'a [u8; HALF_SIZE],
}

impl<'a> Message<'a> {
    /// The message that `bytes` are.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let (header, body) = Header::ref_from_prefix(bytes).ok()?;
        if header.magic != MAGIC || header.reserved != [0; 2] || header.half > 1 {
            return None;
        }
        let half = || {
            let bytes = body.try_into().ok()?;
            let is_second = header.half == 1;
            Some(Half { is_second, bytes })
        };
        let proof = || body.try_into().ok().filter(|_| header.half == 0);
        let body = match header.kind {
            1 => Body::Offer(half()?),
            2 => Body::Answer(half()?),
            3 => Body::Confirm(proof()?),
            4 => Body::Done(proof()?),
            _ => return None,
        };
        let id = header.id;
        Some(Self { id, body })
    }

    /// The message as it travels.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let (kind, half, body): (_, _, &[u8]) = match &self.body {
            Body::Offer(half) => (1, half.is_second, half.bytes),
            Body::Answer(half) => (2, half.is_second, half.bytes),
            Body::Confirm(proof) => (3, false, &proof[..]),
            Body::Done(proof) => (4, false, &proof[..]),
        };
        let header = Header {
            magic: MAGIC,
            kind,
            half: half.into(),
            reserved: [0; 2],
            id: self.id,
        };
        [header.as_bytes(), body].concat()
    }
}

/// The two halves of `whole`.
pub(super) fn halves(whole: &Whole) -> impl Iterator<Item = Half<'_>> {
    let (halves, _) = whole.as_chunks();
    let numbered = [false, true].into_iter().zip(halves);
    numbered.map(|(is_second, bytes)| Half { is_second, bytes })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn messages_survive_their_way() {
        let whole: Whole = core::array::from_fn(|index| index.to_le_bytes()[0]);
        let proof = &[7; PROOF_SIZE];
        let mut bodies: Vec<_> = halves(&whole).map(Body::Offer).collect();
        bodies.extend(halves(&whole).map(Body::Answer));
        bodies.extend([Body::Confirm(proof), Body::Done(proof)]);
        for body in bodies {
            let message = Message { id: [3; 16], body };
            let bytes = message.to_bytes();
            assert_eq!(Message::read(&bytes), Some(message));
            assert_eq!(Message::read(&bytes[1..]), None);
            assert_eq!(Message::read(&bytes[..bytes.len() - 1]), None);
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_answered(mut bytes in proptest::collection::vec(any::<u8>(), 0..900), is_marked: bool) {
            if is_marked && bytes.len() > 4 {
                bytes[..4].copy_from_slice(&MAGIC);
            }
            if let Some(message) = Message::read(&bytes) {
                prop_assert_eq!(message.to_bytes(), bytes);
            }
        }
    }
}
