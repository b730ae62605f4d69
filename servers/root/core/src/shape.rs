//! The compiled manifest's kinds in the kernel's terms.

use compiled_manifest::{FrameSize, Kind};
use sel4_sys::object::ObjectType;

/// What Retype is asked for to make an object of this kind; `None` for what is issued instead.
pub(crate) fn object_type(kind: &Kind) -> Option<(ObjectType, u8)> {
    Some(match kind {
        Kind::Tcb => (ObjectType::Tcb, 0),
        Kind::Endpoint => (ObjectType::Endpoint, 0),
        Kind::Notification => (ObjectType::Notification, 0),
        Kind::Reply => (ObjectType::Reply, 0),
        Kind::SchedContext { size_bits } => (ObjectType::SchedContext, *size_bits),
        Kind::CNode { radix } => (ObjectType::CNode, *radix),
        Kind::Pml4 => (ObjectType::Pml4, 0),
        Kind::Pdpt => (ObjectType::Pdpt, 0),
        Kind::PageDirectory => (ObjectType::PageDirectory, 0),
        Kind::PageTable => (ObjectType::PageTable, 0),
        Kind::VirtualCpu => (ObjectType::VCpu, 0),
        Kind::NestedRoot => (ObjectType::NestedRoot, 0),
        Kind::NestedTable => (ObjectType::NestedTable, 0),
        Kind::Frames(frames) => match frames.size {
            FrameSize::Small => (ObjectType::Page, 0),
            FrameSize::Large => (ObjectType::LargePage, 0),
        },
        Kind::IoPorts { .. } | Kind::IoApicInterrupt { .. } | Kind::MessageInterrupt { .. } => {
            return None;
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use compiled_manifest::{Content, Frames};

    /// The compiled manifest knows sizes without depending on the kernel's interface; both must agree.
    #[test]
    fn sizes_are_the_kernels() {
        let frames = |size| {
            Kind::Frames(Frames {
                size,
                count: 1,
                content: Content::Zero,
            })
        };
        for kind in [
            Kind::Tcb,
            Kind::Endpoint,
            Kind::Notification,
            Kind::Reply,
            Kind::SchedContext { size_bits: 8 },
            Kind::CNode { radix: 5 },
            Kind::Pml4,
            Kind::Pdpt,
            Kind::PageDirectory,
            Kind::PageTable,
            Kind::VirtualCpu,
            Kind::NestedRoot,
            Kind::NestedTable,
            frames(FrameSize::Small),
            frames(FrameSize::Large),
        ] {
            let (object, argument) = object_type(&kind).expect("these are made by Retype");
            let kernels = object.size_bits(u64::from(argument));
            assert_eq!(kind.size_bits().map(u64::from), Some(kernels), "{kind:?}");
        }
    }
}
