//! The header: what a volume says of itself before a key is known.
//!
//! Two copies lie far apart. A checksum tells a damaged copy; an authenticator, checked
//! once the key is known, tells a forged one. The header changes only when a key slot does, so that everyday
//! work never puts the slots at risk.

use core::fmt;

use blake2::Blake2s256;
use blake2::digest::Digest;
use zerocopy::little_endian::{U32, U64};
use zerocopy::{FromBytes, FromZeros, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::BLOCK_SIZE;
use crate::key_slot::{KeySlot, RawSlot};
use crate::keys::{Keys, VolumeId};
use crate::layout::Layout;
use crate::part::Parts;

/// Key slots in a header.
pub const SLOT_COUNT: usize = 8;
/// The version of the format that new volumes have.
pub const VERSION: u32 = 3;
/// The one before, which is the same without a key store. Volumes that have it keep it.
const VERSION_WITHOUT_KEY_STORE: u32 = 2;

const MAGIC: [u8; 8] = *b"SKSHVOL\0";
const XCHACHA20_POLY1305: u32 = 1;
const AUTHENTICATED: usize = BLOCK_SIZE - 64;
const CHECKSUMMED: usize = BLOCK_SIZE - 32;

/// A header that was read or is to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Names the volume.
    pub volume: VolumeId,
    /// Counts changes of the volume's keys.
    pub key_epoch: u32,
    /// Counts changes of the header: of two copies the higher one is the newer.
    pub sequence: u64,
    /// Where everything lies.
    pub layout: Layout,
    /// Whose blocks are whose.
    pub parts: Parts,
    /// The key slots; `None` is a free one.
    pub slots: [Option<KeySlot>; SLOT_COUNT],
}

/// Why a copy of the header cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderError {
    /// The magic number is not there.
    NotAVolume,
    /// The checksum does not match.
    Damaged,
    /// The format's version is neither [`VERSION`] nor the one before.
    UnknownVersion(u32),
    /// The cipher is none that this code knows.
    UnknownCipher(u32),
    /// A key slot's kind or cost is beyond what this code accepts.
    IllegalSlot(usize),
    /// The volume's size is beyond what this code accepts, or does not fit the size of the device.
    IllegalSize,
}

impl fmt::Display for HeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAVolume => write!(f, "there is no header"),
            Self::Damaged => write!(f, "it is damaged (its checksum does not match)"),
            Self::UnknownVersion(version) => {
                write!(
                    f,
                    "its format has version {version}, this program knows \
                     {VERSION_WITHOUT_KEY_STORE} and {VERSION}"
                )
            }
            Self::UnknownCipher(cipher) => write!(f, "its cipher {cipher} is unknown"),
            Self::IllegalSlot(slot) => {
                write!(
                    f,
                    "its key slot {slot} is of an unknown kind or beyond the limits of cost"
                )
            }
            Self::IllegalSize => write!(f, "it speaks of an impossible size"),
        }
    }
}

impl core::error::Error for HeaderError {}

#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct RawHeader {
    magic: [u8; 8],
    version: U32,
    cipher: U32,
    volume: VolumeId,
    key_epoch: U32,
    /// 0 in version 2.
    key_store_blocks: U32,
    sequence: U64,
    block_count: U64,
    device_blocks: U64,
    slots: [RawSlot; SLOT_COUNT],
    unused: [u8; BLOCK_SIZE - 64 - SLOT_COUNT * 128 - 64],
    authenticator: [u8; 32],
    checksum: [u8; 32],
}

const _: () = assert!(size_of::<RawHeader>() == BLOCK_SIZE);

impl Header {
    /// Reads a copy of the header; it may still be forged, see [`Header::is_genuine`].
    pub fn decode(block: &[u8; BLOCK_SIZE]) -> Result<Self, HeaderError> {
        let raw: &RawHeader = zerocopy::transmute_ref!(block);
        if raw.magic != MAGIC {
            return Err(HeaderError::NotAVolume);
        }
        if raw.checksum != checksum(block) {
            return Err(HeaderError::Damaged);
        }
        let key_store_blocks = u64::from(raw.key_store_blocks.get());
        match (raw.version.get(), key_store_blocks) {
            (VERSION, 1..) | (VERSION_WITHOUT_KEY_STORE, 0) => {}
            (VERSION | VERSION_WITHOUT_KEY_STORE, _) => return Err(HeaderError::IllegalSize),
            (version, _) => return Err(HeaderError::UnknownVersion(version)),
        }
        if raw.cipher.get() != XCHACHA20_POLY1305 {
            return Err(HeaderError::UnknownCipher(raw.cipher.get()));
        }
        let layout = Layout::new(raw.block_count.get(), raw.device_blocks.get())
            .ok_or(HeaderError::IllegalSize)?;
        let parts =
            Parts::new(layout.block_count(), key_store_blocks).ok_or(HeaderError::IllegalSize)?;
        let mut slots = [const { None }; SLOT_COUNT];
        for (number, slot) in raw.slots.iter().enumerate() {
            slots[number] = slot
                .decode()
                .map_err(|_| HeaderError::IllegalSlot(number))?;
        }
        Ok(Self {
            volume: raw.volume,
            key_epoch: raw.key_epoch.get(),
            sequence: raw.sequence.get(),
            layout,
            parts,
            slots,
        })
    }

    /// The version of the volume's format.
    pub fn version(&self) -> u32 {
        match self.parts.key_store.block_count() {
            0 => VERSION_WITHOUT_KEY_STORE,
            _ => VERSION,
        }
    }

    /// The header as it stands on the disk.
    pub(crate) fn encode(&self, keys: &Keys) -> [u8; BLOCK_SIZE] {
        let mut raw = self.encode_contents();
        raw.authenticator = keys.authenticate_header(&raw.as_bytes()[..AUTHENTICATED]);
        raw.checksum = checksum(zerocopy::transmute_ref!(&raw));
        zerocopy::transmute!(raw)
    }

    /// Whether `block`, which decoded to this header, was written by a holder of the key.
    pub(crate) fn is_genuine(&self, block: &[u8; BLOCK_SIZE], keys: &Keys) -> bool {
        use subtle::ConstantTimeEq;
        let raw: &RawHeader = zerocopy::transmute_ref!(block);
        let expected = keys.authenticate_header(&block[..AUTHENTICATED]);
        expected.ct_eq(&raw.authenticator).into()
    }

    /// `block` with a right checksum: for tests that look behind it.
    #[doc(hidden)]
    pub fn with_checksum(mut block: [u8; BLOCK_SIZE]) -> [u8; BLOCK_SIZE] {
        let sum = checksum(&block);
        block[CHECKSUMMED..].copy_from_slice(&sum);
        block
    }

    fn encode_contents(&self) -> RawHeader {
        let mut raw = RawHeader::new_zeroed();
        raw.magic = MAGIC;
        raw.version = self.version().into();
        raw.cipher = XCHACHA20_POLY1305.into();
        raw.volume = self.volume;
        raw.key_epoch = self.key_epoch.into();
        let key_store_blocks = self.parts.key_store.block_count();
        // At most the constant, which is small.
        raw.key_store_blocks = u32::try_from(key_store_blocks).unwrap_or(0).into();
        raw.sequence = self.sequence.into();
        raw.block_count = self.layout.block_count().into();
        raw.device_blocks = self.layout.device_blocks().into();
        raw.slots = core::array::from_fn(|number| RawSlot::encode(self.slots[number].as_ref()));
        raw
    }
}

/// Tells accidents, not attacks: anyone can compute it.
fn checksum(block: &[u8; BLOCK_SIZE]) -> [u8; 32] {
    Blake2s256::digest(&block[..CHECKSUMMED]).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key_slot::Cost;
    use crate::keys::{MasterKey, Randomness};
    use crate::part::KEY_STORE_BLOCKS;
    use alloc::vec;
    use proptest::prelude::*;

    fn example() -> (Header, Keys) {
        let mut randomness = Randomness::new([5; 32]);
        let master = MasterKey([6; 32]);
        let cost = Cost {
            memory_kib: 8,
            passes: 1,
            lanes: 1,
        };
        let mut memory = vec![argon2::Block::default(); 8];
        let slot = KeySlot::wrap(&master, &[1; 16], b"x", cost, &mut memory, &mut randomness);
        let mut slots = [const { None }; SLOT_COUNT];
        slots[3] = slot.ok();
        let header = Header {
            volume: [1; 16],
            key_epoch: 2,
            sequence: 3,
            layout: Layout::smallest(10_000).expect("legal"),
            parts: Parts::new(10_000, KEY_STORE_BLOCKS).expect("legal"),
            slots,
        };
        (header, Keys::derive(&master, [1; 16], 2))
    }

    #[test]
    fn headers_survive_the_disk() {
        let (header, keys) = example();
        let block = header.encode(&keys);
        assert_eq!(Header::decode(&block), Ok(header.clone()));
        assert!(header.is_genuine(&block, &keys));
    }

    #[test]
    fn every_flipped_byte_is_noticed() {
        let (header, keys) = example();
        let block = header.encode(&keys);
        for position in 0..BLOCK_SIZE {
            let mut damaged = block;
            damaged[position] ^= 0x40;
            assert!(Header::decode(&damaged).is_err(), "byte {position}");
            if position < CHECKSUMMED {
                let forged = Header::with_checksum(damaged);
                let accepted =
                    Header::decode(&forged).is_ok_and(|header| header.is_genuine(&forged, &keys));
                assert!(!accepted, "byte {position}");
            }
        }
    }

    #[test]
    fn illegal_fields_are_named() {
        let (header, keys) = example();
        let block = header.encode(&keys);
        let cases = [
            (0, 0, HeaderError::NotAVolume),
            (8, 1, HeaderError::UnknownVersion(1)),
            // Version 2 with a key store, and key stores of other sizes.
            (8, 2, HeaderError::IllegalSize),
            (36, 1, HeaderError::IllegalSize),
            (37, 1, HeaderError::IllegalSize),
            (12, 9, HeaderError::UnknownCipher(9)),
            (55, 1, HeaderError::IllegalSize),
            (64 + 3 * 128 + 7, 0x7f, HeaderError::IllegalSlot(3)),
            (64 + 128, 77, HeaderError::IllegalSlot(1)),
        ];
        for (position, value, error) in cases {
            let mut changed = block;
            changed[position] = value;
            assert_eq!(Header::decode(&Header::with_checksum(changed)), Err(error));
        }
    }

    #[test]
    fn version_2_has_no_key_store() {
        let (mut header, keys) = example();
        header.parts = Parts::new(10_000, 0).expect("legal");
        let mut block = header.encode(&keys);
        assert_eq!(block[8], 2);
        assert_eq!(Header::decode(&block), Ok(header));
        block[8] = 3;
        let decoded = Header::decode(&Header::with_checksum(block));
        assert_eq!(decoded, Err(HeaderError::IllegalSize));
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_parser_fail(bytes in proptest::collection::vec(any::<u8>(), BLOCK_SIZE), prefix in any::<bool>()) {
            let mut block: [u8; BLOCK_SIZE] = bytes.try_into().expect("the length is right");
            if prefix {
                block[..16].copy_from_slice(&example().0.encode(&example().1)[..16]);
                block = Header::with_checksum(block);
            }
            let _ = Header::decode(&block);
        }

        #[test]
        fn what_decodes_encodes_to_the_same(position in 0..AUTHENTICATED, value: u8) {
            let (header, keys) = example();
            let mut block = header.encode(&keys);
            block[position] = value;
            if let Ok(decoded) = Header::decode(&Header::with_checksum(block)) {
                prop_assert_eq!(Header::decode(&decoded.encode(&keys)), Ok(decoded));
            }
        }
    }
}
