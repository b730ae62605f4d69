//! When two capabilities speak of the same thing.

use super::{Capability, Frame, Untyped};
use crate::{Machine, PhysicalAddress};

/// Physical memory from the first byte to the last.
#[derive(Clone, Copy)]
struct Span {
    first: u64,
    last: u64,
}

impl Span {
    const fn new(start: PhysicalAddress, bits: u32) -> Self {
        Self {
            first: start.0,
            last: start.0 + ((1 << bits) - 1),
        }
    }

    const fn contains(self, other: Self) -> bool {
        self.first <= other.first && other.last <= self.last
    }
}

impl Capability {
    /// Whether `other` speaks of (part of) what this capability speaks of.
    #[inline]
    pub(crate) fn covers<M: Machine>(&self, other: &Self, machine: &M) -> bool {
        match (self, other) {
            (Self::Untyped(a), b) => b
                .span(machine)
                .is_some_and(|span| untyped_span(a).contains(span)),
            (Self::Frame(a), Self::Frame(b)) => frame_span(a).contains(frame_span(b)),
            (Self::IrqControl, Self::IrqHandler(_)) => true,
            (Self::IoPortControl, Self::IoPorts(_)) => true,
            _ => self.same_object(other),
        }
    }

    /// Whether both speak of the very same object: the last one to go takes the object with it.
    #[inline]
    pub(crate) fn same_object(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Endpoint(a), Self::Endpoint(b)) => a.object == b.object,
            (Self::Notification(a), Self::Notification(b)) => a.object == b.object,
            (Self::Reply(a), Self::Reply(b)) => a.object == b.object,
            (Self::CNode(a), Self::CNode(b)) => a.base == b.base && a.radix == b.radix,
            (Self::Thread(a), Self::Thread(b)) => a == b,
            (Self::SchedContext(a), Self::SchedContext(b)) => a == b,
            (Self::Frame(a), Self::Frame(b)) => {
                a.start == b.start && a.size == b.size && a.device == b.device
            }
            (Self::Table(a), Self::Table(b)) => a.object == b.object,
            (Self::AsidPool(a), Self::AsidPool(b)) => a.object == b.object,
            (Self::Vcpu(a), Self::Vcpu(b)) => a == b,
            (Self::IrqHandler(a), Self::IrqHandler(b)) => a == b,
            (Self::IoPorts(a), Self::IoPorts(b)) => a == b,
            (Self::SchedControl, Self::SchedControl)
            | (Self::IrqControl, Self::IrqControl)
            | (Self::IoPortControl, Self::IoPortControl)
            | (Self::Domain, Self::Domain)
            | (Self::AsidControl, Self::AsidControl) => true,
            _ => false,
        }
    }

    /// The memory of the object, if it was made from untyped memory.
    fn span<M: Machine>(&self, machine: &M) -> Option<Span> {
        let (address, bits) = match self {
            Self::Untyped(untyped) => return Some(untyped_span(untyped)),
            Self::Frame(frame) => return Some(frame_span(frame)),
            Self::Endpoint(endpoint) => (endpoint.object.address(), 4),
            Self::Notification(notification) => (notification.object.address(), 6),
            Self::Reply(reply) => (reply.object.address(), 5),
            Self::CNode(cnode) => (cnode.base.address(), u32::from(cnode.radix) + 5),
            Self::Thread(thread) => (thread.address(), 11),
            Self::SchedContext(context) => (context.object.address(), u32::from(context.size_bits)),
            Self::Table(table) => (table.object.address(), 12),
            Self::AsidPool(pool) => (pool.object.address(), 12),
            Self::Vcpu(vcpu) => (vcpu.address(), 13),
            Self::Null
            | Self::SchedControl
            | Self::IrqControl
            | Self::IrqHandler(_)
            | Self::IoPortControl
            | Self::IoPorts(_)
            | Self::Domain
            | Self::AsidControl => return None,
        };
        Some(Span::new(machine.physical(address), bits))
    }
}

fn untyped_span(untyped: &Untyped) -> Span {
    Span::new(untyped.start, u32::from(untyped.size_bits))
}

fn frame_span(frame: &Frame) -> Span {
    Span::new(frame.start, frame.size.bits())
}
