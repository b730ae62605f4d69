//! The handshake: Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s, as the Noise specification (revision 34) writes it down.
//!
//! Primitives come from libraries; what joins them is here, rather than in a library for all of Noise, for three
//! reasons. The responder of WireGuard learns in the middle of the first message who speaks, and then looks up
//! that peer's preshared key and the Diffie-Hellman result of the two static keys, which it keeps ready.
//! A response is tried under more than one preshared key (see `docs/post-quantum.md`), so a handshake must
//! outlive a failed try. And there is no state machine to be driven wrongly: the types of the steps are their order.
//! What was joined is tested with the vectors of others.

use blake2::{Blake2s256, Digest};
use chacha20poly1305::{
    ChaCha20Poly1305, KeyInit,
    aead::{AeadInOut, inout::InOutBuf},
};
use hkdf::SimpleHkdf;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::keys::{KEY_SIZE, PresharedKey, PublicKey, SecretKey, SymmetricKey};

/// Bytes that sealing adds.
pub(super) const TAG_SIZE: usize = 16;
/// Bytes of a sealed public key.
pub(super) const SEALED_KEY_SIZE: usize = KEY_SIZE + TAG_SIZE;

/// The protocol's name, hashed because it is longer than a hash.
const PROTOCOL: &[u8] = b"Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s";

/// A message, or a key in it, is not what its sender should have made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Forged;

/// What a finished handshake gives to its side.
pub(super) struct TransportKeys {
    pub(super) sending: SymmetricKey,
    pub(super) receiving: SymmetricKey,
}

/// Who this side is.
pub(super) struct Identity {
    pub(super) secret: SecretKey,
    pub(super) public: PublicKey,
}

/// A peer's static key, and what it has in common with this side's.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub(super) struct Correspondent {
    #[zeroize(skip)]
    pub(super) public: PublicKey,
    agreed: [u8; KEY_SIZE],
}

/// Where the parts of the first message stand.
pub(super) struct FirstMessage<'a> {
    pub(super) ephemeral: &'a mut [u8; KEY_SIZE],
    pub(super) static_key: &'a mut [u8; SEALED_KEY_SIZE],
    /// The payload, and room for its tag.
    pub(super) payload: &'a mut [u8],
}

/// Where the parts of the second message stand.
pub(super) struct SecondMessage<'a> {
    pub(super) ephemeral: &'a mut [u8; KEY_SIZE],
    /// The payload, and room for its tag.
    pub(super) payload: &'a mut [u8],
}

/// An initiator that has sent its message.
pub(super) struct Initiator {
    symmetric: Symmetric,
    ephemeral: SecretKey,
}

/// A responder that knows who speaks, but not yet whether it is true.
pub(super) struct Introduced {
    symmetric: Symmetric,
    ephemeral: PublicKey,
    pub(super) initiator: PublicKey,
}

/// A responder that has read the first message to its end.
pub(super) struct Responder(Introduced);

/// Hash and chaining key, into which everything is mixed.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
struct Symmetric {
    chaining_key: [u8; KEY_SIZE],
    hash: [u8; KEY_SIZE],
}

impl Identity {
    pub(super) fn new(secret: SecretKey) -> Self {
        let public = secret.public_key();
        Self { secret, public }
    }
}

impl Correspondent {
    /// The owner of `public`, seen from `identity`.
    pub(super) fn new(identity: &Identity, public: PublicKey) -> Result<Self, Forged> {
        let agreed = identity.secret.agree(&public).ok_or(Forged)?.to_bytes();
        Ok(Self { public, agreed })
    }
}

impl Initiator {
    /// Writes the first message, whose payload is in place, to `peer`.
    pub(super) fn begin(
        prologue: &[u8],
        identity: &Identity,
        peer: &Correspondent,
        ephemeral: SecretKey,
        message: FirstMessage<'_>,
    ) -> Result<Self, Forged> {
        let mut symmetric = Symmetric::new(prologue, &peer.public);
        let ephemeral_public = ephemeral.public_key();
        *message.ephemeral = *ephemeral_public.as_bytes();
        symmetric.mix_ephemeral(&ephemeral_public);
        let key = symmetric.mix_agreement(&ephemeral, &peer.public)?;
        message.static_key[..KEY_SIZE].copy_from_slice(identity.public.as_bytes());
        symmetric.seal(&key, message.static_key)?;
        let key = symmetric.mix_key(&peer.agreed);
        symmetric.seal(&key, message.payload)?;
        Ok(Self {
            symmetric,
            ephemeral,
        })
    }

    /// Reads the second message under `preshared_key`; the payload is in place afterwards. The handshake is still
    /// there for another message, or another preshared key.
    pub(super) fn finish(
        &self,
        identity: &Identity,
        preshared_key: &PresharedKey,
        message: SecondMessage<'_>,
    ) -> Result<TransportKeys, Forged> {
        let mut symmetric = self.symmetric.clone();
        let ephemeral = PublicKey::from(*message.ephemeral);
        symmetric.mix_ephemeral(&ephemeral);
        symmetric.mix_agreement(&self.ephemeral, &ephemeral)?;
        symmetric.mix_agreement(&identity.secret, &ephemeral)?;
        let key = symmetric.mix_preshared_key(preshared_key);
        symmetric.open(&key, message.payload)?;
        let [sending, receiving] = symmetric.split();
        Ok(TransportKeys { sending, receiving })
    }
}

impl Introduced {
    /// Reads the part of a first message that says who speaks.
    pub(super) fn read(
        prologue: &[u8],
        identity: &Identity,
        message: &mut FirstMessage<'_>,
    ) -> Result<Self, Forged> {
        let mut symmetric = Symmetric::new(prologue, &identity.public);
        let ephemeral = PublicKey::from(*message.ephemeral);
        symmetric.mix_ephemeral(&ephemeral);
        let key = symmetric.mix_agreement(&identity.secret, &ephemeral)?;
        symmetric.open(&key, message.static_key)?;
        let mut initiator = [0; KEY_SIZE];
        initiator.copy_from_slice(&message.static_key[..KEY_SIZE]);
        Ok(Self {
            symmetric,
            ephemeral,
            initiator: initiator.into(),
        })
    }

    /// Reads the rest, which proves that the initiator holds the key of `peer`.
    pub(super) fn prove(
        mut self,
        peer: &Correspondent,
        message: FirstMessage<'_>,
    ) -> Result<Responder, Forged> {
        let key = self.symmetric.mix_key(&peer.agreed);
        self.symmetric.open(&key, message.payload)?;
        Ok(Responder(self))
    }
}

impl Responder {
    /// Writes the second message, whose payload is in place. One more can be written, for another preshared key.
    pub(super) fn answer(
        &self,
        ephemeral: &SecretKey,
        preshared_key: &PresharedKey,
        message: SecondMessage<'_>,
    ) -> Result<TransportKeys, Forged> {
        let Introduced {
            symmetric,
            ephemeral: their_ephemeral,
            initiator,
        } = &self.0;
        let mut symmetric = symmetric.clone();
        let ephemeral_public = ephemeral.public_key();
        *message.ephemeral = *ephemeral_public.as_bytes();
        symmetric.mix_ephemeral(&ephemeral_public);
        symmetric.mix_agreement(ephemeral, their_ephemeral)?;
        symmetric.mix_agreement(ephemeral, initiator)?;
        let key = symmetric.mix_preshared_key(preshared_key);
        symmetric.seal(&key, message.payload)?;
        let [receiving, sending] = symmetric.split();
        Ok(TransportKeys { sending, receiving })
    }
}

impl Symmetric {
    fn new(prologue: &[u8], responder: &PublicKey) -> Self {
        let name: [u8; KEY_SIZE] = Blake2s256::digest(PROTOCOL).into();
        let mut new = Self {
            chaining_key: name,
            hash: name,
        };
        new.mix_hash(prologue);
        new.mix_hash(responder.as_bytes());
        new
    }

    fn mix_hash(&mut self, data: &[u8]) {
        let hash = Blake2s256::new_with_prefix(self.hash).chain_update(data);
        self.hash = hash.finalize().into();
    }

    /// An ephemeral key goes into hash and chaining key, because a preshared key is in use (section 9.2).
    fn mix_ephemeral(&mut self, key: &PublicKey) {
        self.mix_hash(key.as_bytes());
        self.mix_key(key.as_bytes());
    }

    fn mix_agreement(
        &mut self,
        own: &SecretKey,
        other: &PublicKey,
    ) -> Result<SymmetricKey, Forged> {
        let agreed = own.agree(other).ok_or(Forged)?;
        Ok(self.mix_key(agreed.as_bytes()))
    }

    fn mix_key(&mut self, input: &[u8; KEY_SIZE]) -> SymmetricKey {
        let [chaining_key, key] = self.derive(input);
        self.chaining_key = chaining_key.0;
        key
    }

    fn mix_preshared_key(&mut self, preshared_key: &PresharedKey) -> SymmetricKey {
        let [chaining_key, hash, key] = self.derive(preshared_key.as_bytes());
        self.chaining_key = chaining_key.0;
        self.mix_hash(&hash.0);
        key
    }

    fn split(&self) -> [SymmetricKey; 2] {
        self.derive(&[])
    }

    /// Noise's HKDF (section 4.3): that of RFC 5869 without info.
    fn derive<const N: usize>(&self, input: &[u8]) -> [SymmetricKey; N] {
        let mut output = Zeroizing::new([0; 3 * KEY_SIZE]);
        let kdf = SimpleHkdf::<Blake2s256>::new(Some(&self.chaining_key), input);
        // Three hashes are few enough for any HKDF.
        let _ = kdf.expand(&[], &mut *output);
        let mut parts = output.chunks_exact(KEY_SIZE);
        core::array::from_fn(|_| {
            let mut key = SymmetricKey::default();
            key.0
                .copy_from_slice(parts.next().unwrap_or(&[0; KEY_SIZE]));
            key
        })
    }

    /// Seals what stands in `message` before its last [`TAG_SIZE`] bytes, and writes the tag there. Each key of a handshake
    /// seals one message, so the nonce is zero.
    fn seal(&mut self, key: &SymmetricKey, message: &mut [u8]) -> Result<(), Forged> {
        let (text, tag) = message.split_last_chunk_mut::<TAG_SIZE>().ok_or(Forged)?;
        let cipher = ChaCha20Poly1305::new(&key.0.into());
        let buffer = InOutBuf::from(text);
        let sealed = cipher.encrypt_inout_detached(&[0; 12].into(), &self.hash, buffer);
        *tag = sealed.map_err(|_| Forged)?.into();
        self.mix_hash(message);
        Ok(())
    }

    /// Opens `message` in place; its last [`TAG_SIZE`] bytes are the tag.
    fn open(&mut self, key: &SymmetricKey, message: &mut [u8]) -> Result<(), Forged> {
        let mut with_message = self.clone();
        with_message.mix_hash(message);
        let (text, tag) = message.split_last_chunk_mut::<TAG_SIZE>().ok_or(Forged)?;
        let cipher = ChaCha20Poly1305::new(&key.0.into());
        let buffer = InOutBuf::from(text);
        let opened =
            cipher.decrypt_inout_detached(&[0; 12].into(), &self.hash, buffer, &(*tag).into());
        opened.map_err(|_| Forged)?;
        *self = with_message;
        Ok(())
    }
}
