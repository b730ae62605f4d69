//! Every object has a shape that the kernel can make.

use crate::{Content, Defect, Frames, Kind, ObjectId, System};

/// Largest radix of a CNode: 2^20 slots are 32 MiB.
const RADIX_MAX: u8 = 20;
/// Largest run of frames: 2^18 small frames are 1 GiB.
const FRAMES_MAX: u32 = 1 << 18;
/// Physical addresses have at most 52 bits.
const PHYSICAL_END: u64 = 1 << 52;
/// Highest user vector of an interrupt.
const VECTOR_MAX: u8 = 107;

pub(super) fn check(system: &System) -> Result<(), Defect> {
    if !(1..=RADIX_MAX).contains(&system.vault_radix) {
        return Err(Defect::CNodeSize);
    }
    for (id, object) in (0..).map(ObjectId).zip(&system.objects) {
        let fine = match &object.kind {
            Kind::CNode { radix } => (1..=RADIX_MAX).contains(radix),
            Kind::SchedContext { size_bits } => (8..=12).contains(size_bits),
            Kind::IoPorts { first, last } => first <= last,
            Kind::IoApicInterrupt { vector, .. } => *vector <= VECTOR_MAX,
            Kind::MessageInterrupt { source, vector } => {
                *vector <= VECTOR_MAX && source.device < 32 && source.function < 8
            }
            Kind::Frames(frames) => {
                check_content(system, id, frames)?;
                (1..=FRAMES_MAX).contains(&frames.count)
            }
            _ => true,
        };
        if !fine {
            return Err(Defect::ObjectShape(id));
        }
    }
    Ok(())
}

/// The contents that frames refer to exist.
fn check_content(system: &System, id: ObjectId, frames: &Frames) -> Result<(), Defect> {
    let (file, offset, length, alignment) = match frames.content {
        Content::Zero | Content::Contiguous | Content::Environment => return Ok(()),
        Content::Device { physical } => {
            let end = physical.checked_add(frames.bytes());
            let inside = end.is_some_and(|end| end <= PHYSICAL_END);
            let aligned = physical.is_multiple_of(frames.size.bytes());
            return if inside && aligned {
                Ok(())
            } else {
                Err(Defect::ObjectShape(id))
            };
        }
        Content::Archive { file, offset } => (file, offset, frames.bytes(), frames.size.bytes()),
        Content::Copied {
            file,
            offset,
            length,
        } if length <= frames.bytes() => (file, offset, length, 4096),
        Content::Copied { .. } => return Err(Defect::FileRange(id)),
    };
    let entry = usize::try_from(file)
        .ok()
        .and_then(|at| system.files.get(at));
    let end = offset.checked_add(length);
    match (entry, end) {
        (Some(entry), Some(end)) if end <= entry.length && offset.is_multiple_of(alignment) => {
            Ok(())
        }
        _ => Err(Defect::FileRange(id)),
    }
}
