//! From a device and a passphrase to a volume's header and master key.

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::BLOCK_SIZE;
use crate::device::{BlockDevice, DeviceError};
use crate::error::OpenError;
use crate::header::{Header, HeaderError, SLOT_COUNT};
use crate::key_slot::{Cost, KeySlot, SlotError};
use crate::keys::{Keys, MasterKey, Randomness};
use crate::layout::{FIRST_HEADER, Layout, Replica};
use crate::part::{KEY_STORE_BLOCKS, Parts};
use crate::root::Root;

pub use crate::root::RootSummary;
/// 1 KiB of working memory for key derivation.
pub use argon2::Block as MemoryBlock;

/// A usable copy of the header.
#[derive(Clone)]
struct Candidate {
    replica: Replica,
    header: Header,
    block: Box<[u8; BLOCK_SIZE]>,
}

/// A volume whose headers were read.
pub struct Locked {
    /// At least one; the newest first.
    candidates: Vec<Candidate>,
    /// What is wrong with the copies, first and second.
    errors: [Option<HeaderError>; 2],
}

/// A volume whose master key is known. Drop it as soon as the volume is open: that erases the key.
pub struct Unlocked {
    header: Header,
    block: Box<[u8; BLOCK_SIZE]>,
    /// The slot that opened.
    slot: usize,
    master: MasterKey,
    /// A copy of the header that differs from the one in use.
    stale: Option<Replica>,
}

impl Locked {
    /// Reads both copies of the header.
    pub async fn read(device: &impl BlockDevice) -> Result<Self, OpenError> {
        let first = read_candidate(device, Replica::First, FIRST_HEADER).await?;
        let second_place = match &first {
            Ok(first) => first.header.layout.header(Replica::Second),
            Err(_) => device.block_count().saturating_sub(1),
        };
        let second = if second_place < device.block_count() {
            read_candidate(device, Replica::Second, second_place).await?
        } else {
            Err(HeaderError::NotAVolume)
        };
        let errors = [
            first.as_ref().err().copied(),
            second.as_ref().err().copied(),
        ];
        let mut candidates: Vec<Candidate> = [first, second].into_iter().flatten().collect();
        candidates.sort_by_key(|candidate| core::cmp::Reverse(candidate.header.sequence));
        let locked = Self { candidates, errors };
        let needed = locked.header_or_error()?.layout.device_blocks();
        let found = device.block_count();
        if found < needed {
            return Err(OpenError::DeviceTooSmall { needed, found });
        }
        Ok(locked)
    }

    /// The header in use. Until the volume is unlocked, anyone may have written it.
    pub fn header(&self) -> Option<&Header> {
        self.candidates.first().map(|candidate| &candidate.header)
    }

    /// The header in use, as it lies on the device.
    pub fn header_block(&self) -> Option<&[u8; BLOCK_SIZE]> {
        self.candidates.first().map(|candidate| &*candidate.block)
    }

    /// What is wrong with the first and the second copy of the header.
    pub fn errors(&self) -> [Option<HeaderError>; 2] {
        self.errors
    }

    /// Tries the passphrase on every slot. `memory` (KiB blocks) is wiped.
    pub fn unlock(
        &self,
        passphrase: &[u8],
        memory: &mut [MemoryBlock],
    ) -> Result<Unlocked, OpenError> {
        let mut error = OpenError::WrongPassphrase;
        let mut tried: Option<&Candidate> = None;
        for candidate in &self.candidates {
            if tried.is_some_and(|tried| tried.block == candidate.block) {
                continue;
            }
            tried = Some(candidate);
            match candidate.unlock(passphrase, memory) {
                Ok((slot, master)) => return Ok(self.unlocked(candidate, slot, master)),
                Err(OpenError::WrongPassphrase) => {}
                Err(other) => error = other,
            }
        }
        Err(error)
    }

    fn header_or_error(&self) -> Result<&Header, OpenError> {
        let [first, second] = self.errors;
        self.header()
            .ok_or(OpenError::NoHeader(match (first, second) {
                // A second copy that was found says more than a first one that is not there.
                (Some(HeaderError::NotAVolume) | None, Some(second)) => second,
                (Some(first), _) => first,
                (None, None) => HeaderError::NotAVolume,
            }))
    }

    fn unlocked(&self, used: &Candidate, slot: usize, master: MasterKey) -> Unlocked {
        let other = used.replica.other();
        let is_intact = self
            .candidates
            .iter()
            .any(|candidate| candidate.replica == other && candidate.block == used.block);
        Unlocked {
            header: used.header.clone(),
            block: used.block.clone(),
            slot,
            master,
            stale: (!is_intact).then_some(other),
        }
    }
}

impl Candidate {
    fn unlock(
        &self,
        passphrase: &[u8],
        memory: &mut [MemoryBlock],
    ) -> Result<(usize, MasterKey), OpenError> {
        let mut error = OpenError::WrongPassphrase;
        for (number, slot) in self.header.slots.iter().enumerate() {
            let Some(slot) = slot else { continue };
            match slot.unwrap(&self.header.volume, passphrase, memory) {
                Ok(master) => {
                    let keys = Keys::derive(&master, self.header.volume, self.header.key_epoch);
                    return if self.header.is_genuine(&self.block, &keys) {
                        Ok((number, master))
                    } else {
                        Err(OpenError::ForgedHeader)
                    };
                }
                Err(SlotError::WrongPassphrase) => {}
                Err(SlotError::TooLittleMemory) => {
                    error = OpenError::TooLittleMemory {
                        needed_kib: slot.cost.memory_kib,
                        found_kib: u32::try_from(memory.len()).unwrap_or(u32::MAX),
                    };
                }
            }
        }
        Err(error)
    }
}

/// Why a key slot was not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlotChangeError {
    /// All slots are in use.
    NoFreeSlot,
    /// The slot is not in use.
    EmptySlot,
    /// The slot is the only one in use: without it nobody could open the volume again.
    LastSlot,
    /// The working memory is too small.
    TooLittleMemory,
}

impl core::fmt::Display for SlotChangeError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::NoFreeSlot => "all key slots are in use",
            Self::EmptySlot => "this key slot is not in use",
            Self::LastSlot => {
                "this is the only key slot in use: without it nobody could open the volume again"
            }
            Self::TooLittleMemory => "there is too little working memory for the key derivation",
        })
    }
}

impl core::error::Error for SlotChangeError {}

/// A passphrase and what to make of it.
pub struct NewPassphrase<'a> {
    /// The passphrase.
    pub passphrase: &'a [u8],
    /// What trying one shall cost.
    pub cost: Cost,
    /// At least [`Cost::memory_kib`] blocks; wiped afterwards.
    pub memory: &'a mut [MemoryBlock],
}

impl NewPassphrase<'_> {
    fn wrap(
        self,
        master: &MasterKey,
        volume: &crate::keys::VolumeId,
        randomness: &mut Randomness,
    ) -> Result<KeySlot, SlotChangeError> {
        let Self {
            passphrase,
            cost,
            memory,
        } = self;
        KeySlot::wrap(master, volume, passphrase, cost, memory, randomness)
            .map_err(|_| SlotChangeError::TooLittleMemory)
    }
}

impl Unlocked {
    /// The header, which is genuine.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The slot that the passphrase opened.
    pub fn slot(&self) -> usize {
        self.slot
    }

    /// Puts a further passphrase into the first free slot; returns its number.
    pub fn add_slot(
        &mut self,
        new: NewPassphrase<'_>,
        randomness: &mut Randomness,
    ) -> Result<usize, SlotChangeError> {
        let free = self.header.slots.iter().position(Option::is_none);
        let free = free.ok_or(SlotChangeError::NoFreeSlot)?;
        self.replace_slot(free, new, randomness)?;
        Ok(free)
    }

    /// Puts another passphrase into a slot.
    pub fn replace_slot(
        &mut self,
        slot: usize,
        new: NewPassphrase<'_>,
        randomness: &mut Randomness,
    ) -> Result<(), SlotChangeError> {
        let wrapped = new.wrap(&self.master, &self.header.volume, randomness)?;
        let place = self.header.slots.get_mut(slot);
        *place.ok_or(SlotChangeError::EmptySlot)? = Some(wrapped);
        Ok(())
    }

    /// Empties a slot.
    pub fn remove_slot(&mut self, slot: usize) -> Result<(), SlotChangeError> {
        let in_use = self.header.slots.iter().flatten().count();
        let place = self.header.slots.get_mut(slot);
        let place = place.filter(|place| place.is_some());
        let place = place.ok_or(SlotChangeError::EmptySlot)?;
        if in_use == 1 {
            return Err(SlotChangeError::LastSlot);
        }
        *place = None;
        Ok(())
    }

    /// Writes the changed header to both its places, one after the other.
    pub async fn save(&mut self, device: &impl BlockDevice) -> Result<(), DeviceError> {
        self.header.sequence += 1;
        *self.block = self.header.encode(&self.keys());
        for replica in Replica::BOTH {
            device
                .write(self.header.layout.header(replica), &*self.block)
                .await?;
            device.flush().await?;
        }
        self.stale = None;
        Ok(())
    }

    /// Rewrites a copy of the header that differs from the one in use; says whether there was one.
    pub async fn repair(&mut self, device: &impl BlockDevice) -> Result<bool, DeviceError> {
        let Some(stale) = self.stale else {
            return Ok(false);
        };
        device
            .write(self.header.layout.header(stale), &*self.block)
            .await?;
        device.flush().await?;
        self.stale = None;
        Ok(true)
    }

    pub(crate) fn keys(&self) -> Keys {
        Keys::derive(&self.master, self.header.volume, self.header.key_epoch)
    }
}

/// Why no volume was created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CreateError {
    /// The device failed.
    Device,
    /// The device is too small for a volume.
    TooSmall,
    /// The working memory is too small for the key derivation.
    TooLittleMemory,
}

impl From<DeviceError> for CreateError {
    fn from(_: DeviceError) -> Self {
        Self::Device
    }
}

impl core::fmt::Display for CreateError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Device => "the device failed",
            Self::TooSmall => "the device is too small: a volume needs at least 2 MiB",
            Self::TooLittleMemory => "there is too little working memory for the key derivation",
        })
    }
}

impl core::error::Error for CreateError {}

/// Makes the whole device a volume that the passphrase opens.
///
/// Only headers and root records are written: the tree of a new volume has no nodes, so every block
/// reads as zeroes whatever lies on the device.
pub async fn create(
    device: &impl BlockDevice,
    passphrase: NewPassphrase<'_>,
    randomness: &mut Randomness,
) -> Result<Header, CreateError> {
    let layout = Layout::fitting(device.block_count()).ok_or(CreateError::TooSmall)?;
    let parts = Parts::new(layout.block_count(), KEY_STORE_BLOCKS).ok_or(CreateError::TooSmall)?;
    let master = randomness.master_key();
    let volume = randomness.bytes();
    let slot = passphrase
        .wrap(&master, &volume, randomness)
        .map_err(|_| CreateError::TooLittleMemory)?;
    let mut slots = [const { None }; SLOT_COUNT];
    slots[0] = Some(slot);
    let header = Header {
        volume,
        key_epoch: 1,
        sequence: 1,
        layout,
        parts,
        slots,
    };
    let keys = Keys::derive(&master, volume, header.key_epoch);
    // The roots come first: a device whose creation was cut short has no header, so it is no volume.
    let root = Root::NEW.encode(&keys, randomness);
    for replica in Replica::BOTH {
        device.write(header.layout.root(replica), &root).await?;
    }
    device.flush().await?;
    let block = header.encode(&keys);
    for replica in Replica::BOTH {
        device.write(header.layout.header(replica), &block).await?;
        device.flush().await?;
    }
    Ok(header)
}

async fn read_candidate(
    device: &impl BlockDevice,
    replica: Replica,
    place: u64,
) -> Result<Result<Candidate, HeaderError>, OpenError> {
    if place >= device.block_count() {
        return Ok(Err(HeaderError::NotAVolume));
    }
    let mut block = Box::new([0; BLOCK_SIZE]);
    device.read(place, &mut *block).await?;
    Ok(Header::decode(&block).and_then(|header| {
        let is_at_home = header.layout.header(replica) == place;
        is_at_home
            .then_some(Candidate {
                replica,
                header,
                block,
            })
            .ok_or(HeaderError::IllegalSize)
    }))
}
