//! Key slots: the master key, wrapped under a key that comes from a passphrase.

use argon2::{Algorithm, Argon2, Block, Params, Version};
use chacha20poly1305::XChaCha20Poly1305;
use chacha20poly1305::aead::{AeadInOut, KeyInit};
use zerocopy::little_endian::U32;
use zerocopy::{FromBytes, FromZeros, Immutable, IntoBytes, KnownLayout, Unaligned};
use zeroize::{Zeroize, Zeroizing};

use crate::entry::{Nonce, Tag};
use crate::keys::{MasterKey, Randomness, VolumeId};

const EMPTY: u32 = 0;
const PASSPHRASE: u32 = 1;

/// The cost of trying one passphrase: Argon2id, RFC 9106.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Working memory in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
}

impl Cost {
    /// 19 MiB, two passes, one lane: what OWASP recommends as a minimum.
    pub const DEFAULT: Self = Self {
        memory_kib: 19 * 1024,
        passes: 2,
        lanes: 1,
    };
    /// More than this no header may ask for, so that a forged one cannot exhaust who reads it.
    pub const LIMIT: Self = Self {
        memory_kib: 64 * 1024,
        passes: 16,
        lanes: 4,
    };

    /// Whether the cost is within [`LIMIT`](Self::LIMIT) and what Argon2 can do at all.
    pub fn is_legal(&self) -> bool {
        let limit = Self::LIMIT;
        (self.lanes.saturating_mul(8)..=limit.memory_kib).contains(&self.memory_kib)
            && (1..=limit.passes).contains(&self.passes)
            && (1..=limit.lanes).contains(&self.lanes)
    }
}

/// A slot that is in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySlot {
    /// What trying a passphrase on it costs.
    pub cost: Cost,
    salt: [u8; 32],
    nonce: Nonce,
    wrapped_key: [u8; 32],
    tag: Tag,
}

/// What keeps a passphrase from being tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlotError {
    /// The slot is not for this passphrase.
    WrongPassphrase,
    /// The working memory is too small for the slot's [`Cost`].
    TooLittleMemory,
}

impl KeySlot {
    /// Wraps `master` under `passphrase`. `memory` holds at least [`Cost::memory_kib`] blocks and is wiped.
    pub fn wrap(
        master: &MasterKey,
        volume: &VolumeId,
        passphrase: &[u8],
        cost: Cost,
        memory: &mut [Block],
        randomness: &mut Randomness,
    ) -> Result<Self, SlotError> {
        let salt = randomness.bytes();
        let nonce = randomness.bytes();
        let key = derive_key(passphrase, &salt, cost, memory)?;
        let mut wrapped_key = master.0;
        let tag = XChaCha20Poly1305::new((&*key).into())
            .encrypt_inout_detached((&nonce).into(), volume, wrapped_key.as_mut_slice().into())
            // The cipher refuses only messages of more than 256 GiB.
            .expect("a key is short")
            .into();
        Ok(Self {
            cost,
            salt,
            nonce,
            wrapped_key,
            tag,
        })
    }

    /// The master key, if `passphrase` is the slot's. `memory` is wiped.
    pub fn unwrap(
        &self,
        volume: &VolumeId,
        passphrase: &[u8],
        memory: &mut [Block],
    ) -> Result<MasterKey, SlotError> {
        let key = derive_key(passphrase, &self.salt, self.cost, memory)?;
        let mut master = MasterKey(self.wrapped_key);
        XChaCha20Poly1305::new((&*key).into())
            .decrypt_inout_detached(
                (&self.nonce).into(),
                volume,
                master.0.as_mut_slice().into(),
                (&self.tag).into(),
            )
            .map_err(|_| SlotError::WrongPassphrase)?;
        Ok(master)
    }
}

/// The key that wraps the master key. Wrong costs and salts lead to a wrong key, so they need no other check.
fn derive_key(
    passphrase: &[u8],
    salt: &[u8],
    cost: Cost,
    memory: &mut [Block],
) -> Result<Zeroizing<[u8; 32]>, SlotError> {
    let memory = memory
        .get_mut(..cost.memory_kib as usize)
        .ok_or(SlotError::TooLittleMemory)?;
    let mut key = Zeroizing::new([0; 32]);
    let derived = Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(key.len())).and_then(
        |parameters| {
            Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters)
                .hash_password_into_with_memory(passphrase, salt, &mut *key, &mut *memory)
        },
    );
    memory.iter_mut().for_each(Zeroize::zeroize);
    // What is left to refuse is a passphrase of 4 GiB or more, which cannot be the right one.
    derived.map_err(|_| SlotError::WrongPassphrase)?;
    Ok(key)
}

/// A slot as it stands in the header (128 bytes).
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct RawSlot {
    kind: U32,
    memory_kib: U32,
    passes: U32,
    lanes: U32,
    salt: [u8; 32],
    nonce: Nonce,
    wrapped_key: [u8; 32],
    tag: Tag,
    reserved: [u8; 8],
}

const _: () = assert!(size_of::<RawSlot>() == 128);

/// The slot's kind does not exist, or its cost is beyond the limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct IllegalSlot;

impl RawSlot {
    pub(crate) fn encode(slot: Option<&KeySlot>) -> Self {
        let Some(slot) = slot else {
            return Self::new_zeroed();
        };
        Self {
            kind: PASSPHRASE.into(),
            memory_kib: slot.cost.memory_kib.into(),
            passes: slot.cost.passes.into(),
            lanes: slot.cost.lanes.into(),
            salt: slot.salt,
            nonce: slot.nonce,
            wrapped_key: slot.wrapped_key,
            tag: slot.tag,
            reserved: [0; 8],
        }
    }

    pub(crate) fn decode(&self) -> Result<Option<KeySlot>, IllegalSlot> {
        let cost = Cost {
            memory_kib: self.memory_kib.get(),
            passes: self.passes.get(),
            lanes: self.lanes.get(),
        };
        match self.kind.get() {
            EMPTY => Ok(None),
            PASSPHRASE if cost.is_legal() => Ok(Some(KeySlot {
                cost,
                salt: self.salt,
                nonce: self.nonce,
                wrapped_key: self.wrapped_key,
                tag: self.tag,
            })),
            _ => Err(IllegalSlot),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    const CHEAP: Cost = Cost {
        memory_kib: 8,
        passes: 1,
        lanes: 1,
    };
    const VOLUME: VolumeId = [3; 16];

    #[test]
    fn only_the_right_passphrase_and_volume_open_a_slot() {
        let mut memory = vec![Block::default(); 8];
        let mut randomness = Randomness::new([1; 32]);
        let master = randomness.master_key();
        let slot = KeySlot::wrap(
            &master,
            &VOLUME,
            b"right",
            CHEAP,
            &mut memory,
            &mut randomness,
        )
        .expect("there is memory");
        let opened = slot.unwrap(&VOLUME, b"right", &mut memory).expect("right");
        assert_eq!(opened.0, master.0);
        for (volume, passphrase) in [(&VOLUME, b"wrong"), (&[4; 16], b"right")] {
            let refused = slot.unwrap(volume, passphrase, &mut memory).err();
            assert_eq!(refused, Some(SlotError::WrongPassphrase));
        }
        assert!(
            memory
                .iter_mut()
                .all(|block| block.as_mut().iter().all(|&word| word == 0))
        );
    }

    #[test]
    fn too_little_memory_is_said() {
        let mut randomness = Randomness::new([1; 32]);
        let master = randomness.master_key();
        let mut memory = vec![Block::default(); 7];
        let refused = KeySlot::wrap(&master, &VOLUME, b"x", CHEAP, &mut memory, &mut randomness);
        assert_eq!(refused, Err(SlotError::TooLittleMemory));
    }

    #[test]
    fn costs_beyond_the_limits_are_illegal() {
        assert!(Cost::DEFAULT.is_legal() && Cost::LIMIT.is_legal());
        let limit = Cost::LIMIT;
        let illegal = [
            Cost {
                memory_kib: limit.memory_kib + 1,
                ..limit
            },
            Cost {
                passes: limit.passes + 1,
                ..limit
            },
            Cost {
                lanes: limit.lanes + 1,
                ..limit
            },
            Cost {
                memory_kib: 31,
                ..limit
            },
            Cost { passes: 0, ..limit },
            Cost { lanes: 0, ..limit },
        ];
        for cost in illegal {
            assert!(!cost.is_legal(), "{cost:?}");
        }
    }
}
