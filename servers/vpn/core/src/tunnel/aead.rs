//! ChaCha20-Poly1305 (RFC 8439, section 2.8) as data messages use it: without associated data, from one place to another.
//!
//! The crate `chacha20poly1305` reads a text twice, for the authenticator and for the cipher. Here it is read once, in
//! pieces, each of which is authenticated and deciphered as it was read: so a sealed text may lie in memory that others
//! write. And the key of the authenticator, which is the begin of the key stream, comes with the first piece, not from
//! a run of the cipher by itself.

use core::hint::black_box;

use chacha20::{
    ChaCha20,
    cipher::{KeyIvInit, StreamCipher},
};
use poly1305::{
    Poly1305,
    universal_hash::{KeyInit, UniversalHash},
};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::noise::TAG_SIZE;

/// Bytes of key stream that the cipher makes at a time, whatever is asked for: four blocks side by side.
const PIECE: usize = 256;
/// Bytes of the first block, which has the authenticator's key and nothing else.
const FIRST_BLOCK: usize = 64;
const KEY: usize = 32;

/// The text was not sealed with this key and number, or was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Forged;

/// A piece of the key stream, erased when it is dropped: who has it, and the packet, has the text.
struct KeyStream([u8; PIECE]);

impl Drop for KeyStream {
    /// Once for each packet, in a few wide stores; byte by byte, as `Zeroizing` does it, would be the price of a
    /// block of the cipher.
    fn drop(&mut self) {
        self.0.fill(0);
        // Otherwise the compiler could see that nobody looks at them any more.
        black_box(&mut self.0);
    }
}

/// A key, erased when it is dropped.
pub(super) struct Key(Zeroizing<[u8; KEY]>);

impl Key {
    pub(super) fn new(key: &[u8; KEY]) -> Self {
        Self(Zeroizing::new(*key))
    }

    /// Seals `text` into `sealed`, which is as long: only ciphertext is ever written there. Others may read it, but not
    /// write.
    pub(super) fn seal(&self, number: u64, text: &[u8], sealed: &mut [u8]) -> [u8; TAG_SIZE] {
        let mut key_stream = KeyStream([0; PIECE]);
        let key_stream = &mut key_stream.0;
        let (mut cipher, mut authenticator) = self.begin(number, key_stream);
        let (mut at, mut used) = (0, FIRST_BLOCK);
        while at < text.len() {
            let end = text.len().min(at + PIECE - used);
            add(&mut sealed[at..end], &text[at..end], &key_stream[used..]);
            (at, used) = (end, 0);
            if at < text.len() {
                cipher.write_keystream(key_stream);
            }
        }
        authenticator.update_padded(sealed);
        finish(authenticator, text.len())
    }

    /// Opens a sealed text of `text.len()` bytes into `text`. `read` copies a part of it, from that offset on; each byte
    /// is read once.
    ///
    /// # Errors
    ///
    /// The tag does not fit; nothing of the text stays.
    pub(super) fn open(
        &self,
        number: u64,
        mut read: impl FnMut(usize, &mut [u8]),
        tag: &[u8; TAG_SIZE],
        text: &mut [u8],
    ) -> Result<(), Forged> {
        let (mut key_stream, mut piece) = (KeyStream([0; PIECE]), [0; PIECE]);
        let key_stream = &mut key_stream.0;
        let (mut cipher, mut authenticator) = self.begin(number, key_stream);
        let (mut at, mut used) = (0, FIRST_BLOCK);
        while at < text.len() {
            let end = text.len().min(at + PIECE - used);
            let piece = &mut piece[..end - at];
            read(at, piece);
            // A piece is whole blocks but for the last, so that no other is filled up.
            authenticator.update_padded(piece);
            add(&mut text[at..end], piece, &key_stream[used..]);
            (at, used) = (end, 0);
            if at < text.len() {
                cipher.write_keystream(key_stream);
            }
        }
        if bool::from(finish(authenticator, text.len()).ct_eq(tag)) {
            Ok(())
        } else {
            text.fill(0);
            Err(Forged)
        }
    }

    /// The cipher, which has made the first piece of the key stream, and the authenticator.
    #[inline(always)]
    fn begin(&self, number: u64, first: &mut [u8; PIECE]) -> (ChaCha20, Poly1305) {
        // Four zero bytes, then the counter (WireGuard whitepaper, section 5.4.6).
        let mut nonce = [0; 12];
        nonce[4..].copy_from_slice(&number.to_le_bytes());
        let mut cipher = ChaCha20::new(&(*self.0).into(), &nonce.into());
        cipher.write_keystream(first);
        let mut key = Zeroizing::new([0; KEY]);
        key.copy_from_slice(&first[..KEY]);
        (cipher, Poly1305::new(&(*key).into()))
    }
}

fn add(output: &mut [u8], input: &[u8], key_stream: &[u8]) {
    for ((output, input), key) in output.iter_mut().zip(input).zip(key_stream) {
        *output = input ^ key;
    }
}

/// The tag: last come the lengths of the associated data, which there is none of, and of the text.
fn finish(mut authenticator: Poly1305, length: usize) -> [u8; TAG_SIZE] {
    let mut lengths = [0; 16];
    lengths[8..].copy_from_slice(&(length as u64).to_le_bytes());
    authenticator.update(&[lengths.into()]);
    authenticator.finalize().into()
}

#[cfg(test)]
mod tests {
    use alloc::vec;
    use alloc::vec::Vec;

    use chacha20poly1305::{ChaCha20Poly1305, KeyInit as _, aead::AeadInOut};
    use proptest::prelude::*;

    use super::*;

    fn sealed(key: &Key, number: u64, text: &[u8]) -> (Vec<u8>, [u8; TAG_SIZE]) {
        let mut sealed = vec![0; text.len()];
        let tag = key.seal(number, text, &mut sealed);
        (sealed, tag)
    }

    fn opened(
        key: &Key,
        number: u64,
        sealed: &[u8],
        tag: &[u8; TAG_SIZE],
    ) -> Result<Vec<u8>, Forged> {
        let mut text = vec![0xee; sealed.len()];
        let read = |at: usize, part: &mut [u8]| {
            let length = part.len();
            part.copy_from_slice(&sealed[at..at + length]);
        };
        let result = key.open(number, read, tag, &mut text);
        assert!(result.is_ok() || text.iter().all(|byte| *byte == 0));
        result.map(|()| text)
    }

    /// What another implementation makes of it.
    fn reference(key: &[u8; KEY], number: u64, text: &[u8]) -> (Vec<u8>, [u8; TAG_SIZE]) {
        let mut nonce = [0; 12];
        nonce[4..].copy_from_slice(&number.to_le_bytes());
        let mut sealed = text.to_vec();
        let tag = ChaCha20Poly1305::new(&(*key).into())
            .encrypt_inout_detached(&nonce.into(), &[], sealed.as_mut_slice().into())
            .expect("it is not too long");
        (sealed, tag.into())
    }

    #[test]
    fn every_length_agrees_with_another_implementation() {
        let secret = core::array::from_fn(|index| u8::try_from(7 * index + 1).unwrap_or(0));
        let key = Key::new(&secret);
        for length in (0..600).chain([1264, 1280, 1408, 1420, 1504, 2000]) {
            let text: Vec<u8> = (0..=250).cycle().take(length).collect();
            let (bytes, tag) = sealed(&key, length as u64, &text);
            assert_eq!(
                (bytes.clone(), tag),
                reference(&secret, length as u64, &text)
            );
            assert_eq!(opened(&key, length as u64, &bytes, &tag), Ok(text));
        }
    }

    #[test]
    fn each_byte_is_read_once_and_in_order() {
        let key = Key::new(&[7; KEY]);
        let text = vec![1; 1420];
        let (bytes, tag) = sealed(&key, 3, &text);
        let (mut next, mut output) = (0, vec![0; text.len()]);
        let read = |at: usize, part: &mut [u8]| {
            assert_eq!(at, next);
            next += part.len();
            part.copy_from_slice(&bytes[at..next]);
        };
        assert_eq!(key.open(3, read, &tag, &mut output), Ok(()));
        assert_eq!(next, text.len());
    }

    proptest! {
        #[test]
        fn what_was_changed_is_forged(
            text in proptest::collection::vec(any::<u8>(), 1..1500),
            secret: [u8; KEY],
            number: u64,
            place: prop::sample::Index,
            bit in 0..8_u32,
        ) {
            let key = Key::new(&secret);
            let (mut bytes, mut tag) = sealed(&key, number, &text);
            prop_assert_eq!(opened(&key, number, &bytes, &tag), Ok(text));
            prop_assert_eq!(opened(&key, number ^ 1, &bytes, &tag), Err(Forged));
            let place = place.index(bytes.len() + TAG_SIZE);
            match bytes.get_mut(place) {
                Some(byte) => *byte ^= 1 << bit,
                None => tag[place - bytes.len()] ^= 1 << bit,
            }
            prop_assert_eq!(opened(&key, number, &bytes, &tag), Err(Forged));
        }
    }
}
