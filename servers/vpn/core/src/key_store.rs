//! What stands in the volume's key store: the tunnel's configuration, and what is remembered of handshakes.
//!
//! A length (u32, little-endian), then a text of that length: the host writes these. The last block is this program's own,
//! unless the text of an old volume reaches so far. It holds one time, in seconds since 1970: no handshake was ever
//! given a [label](crate::tunnel::Tunnel::label_to_remember) that is later.
//!
//! | Bytes of the last block | |
//! |---|---|
//! | 0 to 7 | `labels<=` |
//! | 8 to 15 | the time, little-endian |
//! | 16 to 23 | the same, every bit inverted |
//! | the rest | zeroes, which nobody looks at |
//!
//! The volume authenticates its blocks, and each is old or new after a power cut, so a block that does not look like this was
//! never written, or not by this program. Nothing is remembered then, which is what a new volume is like.

use core::time::Duration;

/// Bytes of a block.
pub const BLOCK_SIZE: usize = 4096;
/// Blocks of the store.
pub const BLOCKS: usize = 16;
/// Bytes of the store.
pub const SIZE: usize = BLOCKS * BLOCK_SIZE;
/// The number of the block that this program writes.
pub const OWN_BLOCK: u64 = BLOCKS as u64 - 1;

/// What stands before the text: its length.
const LENGTH_SIZE: usize = size_of::<u32>();
/// How an own block begins.
const MARK: [u8; 8] = *b"labels<=";
/// No label is later than this, in seconds: some 35,000 years, more than clocks and leaps come to, and far from where
/// adding to it would end.
const LATEST: u64 = 1 << 40;

/// A store that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyStore<'a> {
    /// The configuration; it is not empty.
    pub text: &'a [u8],
    /// What is remembered of handshakes.
    pub memory: Memory,
}

/// What the last block is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Memory {
    /// It holds a part of the text and is not to be written.
    Taken,
    /// Labels up to here, since 1970, may have been used: zero if nothing is remembered.
    Labels(Duration),
}

/// Why there is no configuration in a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoText {
    /// It was never written, or cleared.
    Empty,
    /// It says that its text is longer than itself.
    Damaged,
}

impl<'a> KeyStore<'a> {
    /// Reads the bytes of a store.
    ///
    /// # Errors
    ///
    /// There is no text in it.
    pub fn read(store: &'a [u8; SIZE]) -> Result<Self, NoText> {
        let (own, texts) = (&store[SIZE - BLOCK_SIZE..], &store[LENGTH_SIZE..]);
        let length = store.first_chunk().copied().map_or(0, u32::from_le_bytes);
        let length = usize::try_from(length).map_err(|_| NoText::Damaged)?;
        if length == 0 {
            return Err(NoText::Empty);
        }
        let text = texts.get(..length).ok_or(NoText::Damaged)?;
        let memory = if LENGTH_SIZE + length > SIZE - BLOCK_SIZE {
            Memory::Taken
        } else {
            Memory::Labels(read_labels(own).unwrap_or_default())
        };
        Ok(Self { text, memory })
    }
}

impl Memory {
    /// What was remembered: zero if nothing was.
    #[must_use]
    pub const fn labels(self) -> Duration {
        match self {
            Self::Taken => Duration::ZERO,
            Self::Labels(until) => until,
        }
    }
}

/// The own block that says: labels up to `until` may have been used.
#[must_use]
pub fn own_block(until: Duration) -> [u8; BLOCK_SIZE] {
    let seconds = until
        .as_secs()
        .saturating_add(u64::from(until.subsec_nanos() > 0));
    let mut block = [0; BLOCK_SIZE];
    block[..8].copy_from_slice(&MARK);
    block[8..16].copy_from_slice(&seconds.to_le_bytes());
    block[16..24].copy_from_slice(&(!seconds).to_le_bytes());
    block
}

fn read_labels(block: &[u8]) -> Option<Duration> {
    let (mark, rest) = block.split_first_chunk()?;
    let (seconds, rest) = rest.split_first_chunk()?;
    let inverted = rest.first_chunk()?;
    let (seconds, inverted) = (u64::from_le_bytes(*seconds), u64::from_le_bytes(*inverted));
    let is_own = *mark == MARK && seconds == !inverted && seconds <= LATEST;
    is_own.then_some(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{boxed::Box, vec};

    const UNTIL: Duration = Duration::from_secs(1_800_003_600);

    fn store(length: usize, own: &[u8]) -> Box<[u8; SIZE]> {
        let mut store = vec![b'k'; SIZE];
        let length = u32::try_from(length).expect("short");
        store[..LENGTH_SIZE].copy_from_slice(&length.to_le_bytes());
        store[SIZE - BLOCK_SIZE..][..own.len()].copy_from_slice(own);
        store.try_into().expect("it has that size")
    }

    #[test]
    fn what_was_written_is_read() {
        let store = store(100, &own_block(UNTIL));
        let read = KeyStore::read(&store).expect("there is a text");
        assert_eq!(read.text, [b'k'; 100]);
        assert_eq!(read.memory, Memory::Labels(UNTIL));
        // Labels within a second are below the next one.
        let within = UNTIL + Duration::from_nanos(1);
        assert_eq!(
            read_labels(&own_block(within)),
            Some(UNTIL + Duration::from_secs(1))
        );
    }

    #[test]
    fn a_text_that_reaches_the_last_block_keeps_it() {
        let longest = SIZE - BLOCK_SIZE - LENGTH_SIZE;
        let block = own_block(UNTIL);
        for (length, memory) in [
            (longest, Memory::Labels(UNTIL)),
            (longest + 1, Memory::Taken),
            (SIZE - LENGTH_SIZE, Memory::Taken),
        ] {
            let store = store(length, &block);
            let read = KeyStore::read(&store).expect("there is a text");
            assert_eq!((read.text.len(), read.memory), (length, memory));
        }
    }

    #[test]
    fn nothing_is_believed_of_a_block_that_is_torn_or_wild() {
        let block = own_block(UNTIL);
        for byte in 0..24 {
            let mut torn = block;
            torn[byte] ^= 0x40;
            assert_eq!(read_labels(&torn), None, "byte {byte}");
            let mut half = [0; BLOCK_SIZE];
            half[..byte].copy_from_slice(&block[..byte]);
            assert_eq!(read_labels(&half), None, "{byte} bytes");
        }
        for seconds in [LATEST + 1, u64::MAX - 1, u64::MAX] {
            assert_eq!(read_labels(&own_block(Duration::from_secs(seconds))), None);
        }
        let latest = Duration::from_secs(LATEST);
        assert_eq!(read_labels(&own_block(latest)), Some(latest));
        let store = store(7, &[0; BLOCK_SIZE]);
        let read = KeyStore::read(&store).expect("there is a text");
        assert_eq!(read.memory, Memory::Labels(Duration::ZERO));
    }

    #[test]
    fn stores_without_a_text_are_told_from_damaged_ones() {
        assert_eq!(KeyStore::read(&store(0, &[])), Err(NoText::Empty));
        let long = store(SIZE - LENGTH_SIZE + 1, &[]);
        assert_eq!(KeyStore::read(&long), Err(NoText::Damaged));
        let wild = store(usize::try_from(u32::MAX).expect("64 bits"), &[]);
        assert_eq!(KeyStore::read(&wild), Err(NoText::Damaged));
    }
}
