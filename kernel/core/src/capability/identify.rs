//! The tags by which debug programs know capabilities.

use super::{Capability, Level};

impl Capability {
    /// seL4's raw tag of this type of capability; Sekisho's own types count from 64.
    pub(crate) fn raw_tag(&self) -> u64 {
        match self {
            Self::Null => 0,
            Self::Frame(_) => 1,
            Self::Untyped(_) => 2,
            Self::Table(table) if table.nested => 65,
            Self::Table(table) => match table.level {
                Level::Table => 3,
                Level::Directory => 5,
                Level::Pointers => 7,
                Level::Root => 9,
            },
            Self::Endpoint(_) => 4,
            Self::Notification(_) => 6,
            Self::Reply(_) => 8,
            Self::CNode(_) => 10,
            Self::AsidControl => 11,
            Self::Thread(_) => 12,
            Self::AsidPool(_) => 13,
            Self::IrqControl => 14,
            Self::IrqHandler(_) => 16,
            Self::IoPorts(_) => 19,
            Self::Domain => 20,
            Self::SchedContext(_) => 22,
            Self::SchedControl => 24,
            Self::IoPortControl => 31,
            Self::Vcpu(_) => 64,
        }
    }
}
