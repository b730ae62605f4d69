//! Access rights.

/// Rights to an endpoint or notification in the interface's encoding.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Rights(u8);

impl Rights {
    const WRITE: u8 = 1;
    const READ: u8 = 2;
    const GRANT: u8 = 4;
    const GRANT_REPLY: u8 = 8;

    pub(crate) const ALL: Self = Self(15);
    pub(crate) const NONE: Self = Self(0);
    pub(crate) const TO_SEND: Self = Self(Self::WRITE);
    pub(crate) const TO_RECEIVE: Self = Self(Self::READ);

    /// The rights in the low four bits of a word.
    pub(crate) const fn from_word(word: u64) -> Self {
        Self((word & 15) as u8)
    }

    pub(crate) const fn bits(self) -> u8 {
        self.0
    }

    pub(crate) const fn intersect(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub(crate) const fn can_write(self) -> bool {
        self.0 & Self::WRITE != 0
    }

    pub(crate) const fn can_read(self) -> bool {
        self.0 & Self::READ != 0
    }

    pub(crate) const fn can_grant(self) -> bool {
        self.0 & Self::GRANT != 0
    }

    pub(crate) const fn can_grant_reply(self) -> bool {
        self.0 & Self::GRANT_REPLY != 0
    }
}

/// Rights to a frame. Writing without reading is not a thing that page tables can express.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Debug)]
#[repr(u8)]
pub(crate) enum FrameRights {
    /// The user cannot reach it.
    None = 0,
    Read = 1,
    ReadWrite = 2,
}

impl FrameRights {
    /// What is left of these rights under a mask.
    pub(crate) const fn masked(self, mask: Rights) -> Self {
        match (self, mask.can_read(), mask.can_write()) {
            (Self::None, ..) | (_, false, _) => Self::None,
            (Self::Read, true, _) | (Self::ReadWrite, true, false) => Self::Read,
            (Self::ReadWrite, true, true) => Self::ReadWrite,
        }
    }
}
