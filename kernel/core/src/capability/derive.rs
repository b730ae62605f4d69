//! What becomes of a capability when it is copied, masked, or given new data.

use sel4_sys::CNodeCapData;

use super::{CNode, CapRights, Capability};

/// Why a capability has no copy.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum NotCopied {
    /// The type cannot be copied at all.
    Never,
    /// An untyped capability that has children.
    HasChildren,
    /// A paging structure that is not in use.
    NotMapped,
}

impl Capability {
    /// The capability with no more than these rights.
    pub(crate) fn masked(self, mask: CapRights) -> Self {
        match self {
            Self::Endpoint(mut endpoint) => {
                endpoint.rights = endpoint.rights.intersect(mask);
                Self::Endpoint(endpoint)
            }
            Self::Notification(mut notification) => {
                notification.rights = notification.rights.intersect(mask);
                Self::Notification(notification)
            }
            Self::Reply(mut reply) => {
                reply.can_grant &= mask.can_grant();
                Self::Reply(reply)
            }
            Self::Frame(mut frame) => {
                frame.rights = frame.rights.masked(mask);
                Self::Frame(frame)
            }
            other => other,
        }
    }

    /// A copy with a new badge or guard; `Null` where the data is not allowed.
    pub(crate) fn minted(self, data: u64) -> Self {
        match self {
            Self::Endpoint(mut endpoint) if endpoint.badge == 0 => {
                endpoint.badge = data;
                Self::Endpoint(endpoint)
            }
            Self::Notification(mut notification) if notification.badge == 0 => {
                notification.badge = data;
                Self::Notification(notification)
            }
            Self::Endpoint(_) | Self::Notification(_) => Self::Null,
            other => other.with_guard(data),
        }
    }

    /// The moved capability with a new guard; badges cannot be given to an existing capability.
    pub(crate) fn mutated(self, data: u64) -> Self {
        match self {
            Self::Endpoint(_) | Self::Notification(_) => Self::Null,
            other => other.with_guard(data),
        }
    }

    fn with_guard(self, data: u64) -> Self {
        let Self::CNode(cnode) = self else {
            return self;
        };
        let data = CNodeCapData(data);
        let guard_size = (data.guard_size() & 63) as u8;
        if guard_size + cnode.radix > 64 {
            return Self::Null;
        }
        Self::CNode(CNode {
            guard: data.guard() & ((1 << guard_size) - 1),
            guard_size,
            ..cnode
        })
    }

    /// What a copy of this capability is. `has_children` tells of an untyped capability.
    pub(crate) fn copied(self, has_children: impl FnOnce() -> bool) -> Result<Self, NotCopied> {
        match self {
            Self::Null | Self::IrqControl | Self::IoPortControl => Err(NotCopied::Never),
            Self::Untyped(_) if has_children() => Err(NotCopied::HasChildren),
            Self::Table(table) if table.mapping.is_none() => Err(NotCopied::NotMapped),
            Self::Frame(mut frame) => {
                frame.mapping = None;
                frame.nested = false;
                Ok(Self::Frame(frame))
            }
            other => Ok(other),
        }
    }

    /// Whether a copy `new` of this capability may have children of its own.
    pub(crate) fn copy_is_revocable(&self, new: &Self) -> bool {
        match (self, new) {
            (Self::Endpoint(old), Self::Endpoint(new)) => old.badge != new.badge,
            (Self::Notification(old), Self::Notification(new)) => old.badge != new.badge,
            (Self::IrqControl, Self::IrqHandler(_)) => true,
            (Self::IoPortControl, Self::IoPorts(_)) => true,
            (_, Self::Untyped(_)) => true,
            _ => false,
        }
    }
}
