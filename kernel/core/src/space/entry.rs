//! Page-table entries (AMD64 Architecture Programmer's Manual volume 2, section 5.3; nested tables have
//! the same format there).

use crate::PhysicalAddress;
use crate::capability::{FrameRights, Level};

const PRESENT: u64 = 1 << 0;
const WRITABLE: u64 = 1 << 1;
const USER: u64 = 1 << 2;
/// The bit above disables the cache: the low two bits of seL4's numbers.
const WRITE_THROUGH: u64 = 1 << 3;
/// In entries of directories and above: the entry maps memory instead of pointing to a table.
const LARGE: u64 = 1 << 7;
const PAT_SMALL: u64 = 1 << 7;
const PAT_LARGE: u64 = 1 << 12;
const NO_EXECUTE: u64 = 1 << 63;
const TABLE_ADDRESS: u64 = 0x000f_ffff_ffff_f000;

/// A page-table entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Entry(u64);

/// How a page is cached, and whether code in it may run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Attributes {
    /// seL4's numbers, which are indexes into the page attribute table.
    cache: u64,
    no_execute: bool,
}

impl Attributes {
    /// Attributes of a page as its holder gives them. For a guest's page bit 0 forbids execution; caching is the
    /// guest's own affair.
    pub(crate) const fn of(word: u64, nested: bool) -> Self {
        Self {
            cache: if nested { 0 } else { word & 7 },
            no_execute: nested && word & 1 != 0,
        }
    }
}

impl Entry {
    pub(crate) const EMPTY: Self = Self(0);

    pub(crate) const fn from_word(word: u64) -> Self {
        Self(word)
    }

    pub(crate) const fn word(self) -> u64 {
        self.0
    }

    /// Points to a table of the level below.
    pub(crate) const fn table(table: PhysicalAddress) -> Self {
        Self(table.0 | PRESENT | WRITABLE | USER)
    }

    /// Maps a frame at a level.
    #[inline(always)]
    pub(crate) const fn frame(
        start: PhysicalAddress,
        level: Level,
        rights: FrameRights,
        attributes: Attributes,
    ) -> Self {
        let mut word = start.0 | PRESENT;
        word |= match rights {
            FrameRights::None => 0,
            FrameRights::Read => USER,
            FrameRights::ReadWrite => USER | WRITABLE,
        };
        word |= (attributes.cache & 3) << WRITE_THROUGH.trailing_zeros();
        let is_small = matches!(level, Level::Table);
        if attributes.cache & 4 != 0 {
            word |= if is_small { PAT_SMALL } else { PAT_LARGE };
        }
        if !is_small {
            word |= LARGE;
        }
        if attributes.no_execute {
            word |= NO_EXECUTE;
        }
        Self(word)
    }

    pub(crate) const fn is_present(self) -> bool {
        self.0 & PRESENT != 0
    }

    /// The table that an entry above the lowest level points to.
    #[inline(always)]
    pub(crate) const fn as_table(self) -> Option<PhysicalAddress> {
        if self.0 & PRESENT != 0 && self.0 & LARGE == 0 {
            Some(PhysicalAddress(self.0 & TABLE_ADDRESS))
        } else {
            None
        }
    }

    /// The frame that an entry of this level maps.
    #[inline(always)]
    pub(crate) const fn as_frame(self, level: Level) -> Option<PhysicalAddress> {
        if self.0 & PRESENT == 0 {
            return None;
        }
        match level {
            Level::Table => Some(PhysicalAddress(self.0 & TABLE_ADDRESS)),
            Level::Root => None,
            _ if self.0 & LARGE != 0 => Some(PhysicalAddress(self.0 & TABLE_ADDRESS & !PAT_LARGE)),
            _ => None,
        }
    }
}
