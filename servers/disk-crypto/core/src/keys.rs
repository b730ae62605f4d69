//! Every use of the cipher: keys derived from the master key, and what each message is bound to.

use blake2::Blake2bMac;
use blake2::digest::consts::U32;
use blake2::digest::{FixedOutput, KeyInit, Update};
use chacha20poly1305::XChaCha20Poly1305;
use chacha20poly1305::aead::AeadInOut;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::entry::{Nonce, Tag};

/// Names a volume for ever; chosen at random when it is created.
pub type VolumeId = [u8; 16];

/// The key from which all keys of a volume follow. Exists only while a volume is created or unlocked.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct MasterKey(pub(crate) [u8; 32]);

/// Random numbers from one seed of true entropy.
pub struct Randomness(ChaCha20Rng);

impl Randomness {
    /// Starts from `seed`, which must be fresh: no two starts may share one.
    pub fn new(seed: [u8; 32]) -> Self {
        Self(ChaCha20Rng::from_seed(seed))
    }

    /// Fresh random bytes.
    pub(crate) fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.fill_bytes(&mut bytes);
        bytes
    }

    /// A new master key.
    pub fn master_key(&mut self) -> MasterKey {
        MasterKey(self.bytes())
    }
}

/// What a sealed message is, so that none can stand for another.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Subject {
    /// A data block.
    Block(u64),
    /// A tree node.
    Node { level: u8, index: u64 },
    /// A record of the log, after the record with tag `previous`.
    LogRecord {
        generation: u64,
        position: u32,
        count: u16,
        previous: Tag,
    },
    /// A root record.
    Root { generation: u64, log_length: u32 },
}

/// Bytes that a message is bound to. The authenticator takes four of its blocks of 16 bytes at a time as long
/// as what went before was a multiple of that: 64 bytes cost less than the 29 of a data block.
const ASSOCIATED_SIZE: usize = 64;

/// A message is not what was sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Forged;

/// The keys of an open volume. They are erased when it is closed.
pub(crate) struct Keys {
    volume: VolumeId,
    epoch: u32,
    data: XChaCha20Poly1305,
    metadata: XChaCha20Poly1305,
    header: Zeroizing<[u8; 32]>,
}

impl Keys {
    pub(crate) fn derive(master: &MasterKey, volume: VolumeId, epoch: u32) -> Self {
        let derive = |purpose: &[u8; 16]| {
            // Key, salt and personalisation have exactly the sizes that BLAKE2b has room for.
            let mut mac =
                Blake2bMac::<U32>::new_with_salt_and_personal(Some(&master.0), &volume, purpose)
                    .expect("the parameters have legal sizes");
            mac.update(&epoch.to_le_bytes());
            Zeroizing::new(<[u8; 32]>::from(mac.finalize_fixed()))
        };
        let cipher = |key: Zeroizing<[u8; 32]>| XChaCha20Poly1305::new((&*key).into());
        Self {
            volume,
            epoch,
            data: cipher(derive(b"sekisho data    ")),
            metadata: cipher(derive(b"sekisho metadata")),
            header: derive(b"sekisho header  "),
        }
    }

    /// Encrypts `data` in place and returns its tag. `nonce` must be fresh.
    pub(crate) fn seal(&self, subject: Subject, nonce: &Nonce, data: &mut [u8]) -> Tag {
        let associated = self.associated_data(subject);
        self.cipher(subject)
            .encrypt_inout_detached(nonce.into(), &associated, data.into())
            // The cipher refuses only messages of more than 256 GiB.
            .expect("messages are short")
            .into()
    }

    /// Decrypts `data` in place, or leaves it as it is and refuses it.
    pub(crate) fn open(
        &self,
        subject: Subject,
        nonce: &Nonce,
        tag: &Tag,
        data: &mut [u8],
    ) -> Result<(), Forged> {
        let associated = self.associated_data(subject);
        self.cipher(subject)
            .decrypt_inout_detached(nonce.into(), &associated, data.into(), tag.into())
            .map_err(|_| Forged)
    }

    /// What only a holder of the key can compute of a header's bytes.
    pub(crate) fn authenticate_header(&self, header: &[u8]) -> [u8; 32] {
        let mut mac =
            Blake2bMac::<U32>::new_from_slice(&*self.header).expect("the key has a legal size");
        mac.update(header);
        mac.finalize_fixed().into()
    }

    fn cipher(&self, subject: Subject) -> &XChaCha20Poly1305 {
        match subject {
            Subject::Block(_) => &self.data,
            _ => &self.metadata,
        }
    }

    /// Volume, key epoch, kind of message, then what the kind needs, then zeroes.
    fn associated_data(&self, subject: Subject) -> [u8; ASSOCIATED_SIZE] {
        let mut writer = Writer::default();
        writer.put(&self.volume);
        writer.put(&self.epoch.to_le_bytes());
        match subject {
            Subject::Block(block) => {
                writer.put(&[0]);
                writer.put(&block.to_le_bytes());
            }
            Subject::Node { level, index } => {
                writer.put(&[1, level]);
                writer.put(&index.to_le_bytes());
            }
            Subject::LogRecord {
                generation,
                position,
                count,
                previous,
            } => {
                writer.put(&[2]);
                writer.put(&generation.to_le_bytes());
                writer.put(&position.to_le_bytes());
                writer.put(&count.to_le_bytes());
                writer.put(&previous);
            }
            Subject::Root {
                generation,
                log_length,
            } => {
                writer.put(&[3]);
                writer.put(&generation.to_le_bytes());
                writer.put(&log_length.to_le_bytes());
            }
        }
        writer.bytes
    }
}

struct Writer {
    bytes: [u8; ASSOCIATED_SIZE],
    length: usize,
}

impl Default for Writer {
    fn default() -> Self {
        Self {
            bytes: [0; ASSOCIATED_SIZE],
            length: 0,
        }
    }
}

impl Writer {
    fn put(&mut self, bytes: &[u8]) {
        let end = self.length + bytes.len();
        self.bytes[self.length..end].copy_from_slice(bytes);
        self.length = end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(master: u8, volume: u8, epoch: u32) -> Keys {
        Keys::derive(&MasterKey([master; 32]), [volume; 16], epoch)
    }

    #[test]
    fn messages_open_only_as_what_they_were_sealed() {
        let previous = [7; 16];
        let log = |generation, position, count| Subject::LogRecord {
            generation,
            position,
            count,
            previous,
        };
        let subjects = [
            Subject::Block(5),
            Subject::Block(6),
            Subject::Node { level: 1, index: 5 },
            Subject::Node { level: 2, index: 5 },
            log(1, 2, 3),
            log(2, 2, 3),
            log(1, 3, 3),
            log(1, 2, 4),
            Subject::LogRecord {
                generation: 1,
                position: 2,
                count: 3,
                previous: [8; 16],
            },
            Subject::Root {
                generation: 1,
                log_length: 2,
            },
            Subject::Root {
                generation: 1,
                log_length: 3,
            },
        ];
        let nonce = [9; 24];
        for (i, sealed_as) in subjects.into_iter().enumerate() {
            for (j, opened_as) in subjects.into_iter().enumerate() {
                let mut data = *b"plain text";
                let tag = keys(1, 1, 1).seal(sealed_as, &nonce, &mut data);
                let result = keys(1, 1, 1).open(opened_as, &nonce, &tag, &mut data);
                assert_eq!(result.is_ok(), i == j, "{sealed_as:?} {opened_as:?}");
                assert_eq!(&data == b"plain text", i == j);
            }
        }
    }

    /// A compile-time matter: the types that see the master key and its children overwrite themselves.
    #[test]
    fn what_saw_a_key_erases_itself() {
        const fn erases_itself<T: ZeroizeOnDrop>() {}
        erases_itself::<MasterKey>();
        erases_itself::<Blake2bMac<U32>>();
        erases_itself::<XChaCha20Poly1305>();
    }

    #[test]
    fn master_key_volume_and_epoch_are_bound() {
        let nonce = [9; 24];
        for other in [keys(2, 1, 1), keys(1, 2, 1), keys(1, 1, 2)] {
            let mut data = *b"plain text";
            let tag = keys(1, 1, 1).seal(Subject::Block(0), &nonce, &mut data);
            let result = other.open(Subject::Block(0), &nonce, &tag, &mut data);
            assert_eq!(result, Err(Forged));
        }
    }
}
