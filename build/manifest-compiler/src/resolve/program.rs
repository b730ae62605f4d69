//! A component's program, stack, heap and private memory.

use compiled_manifest::{Content, Rights, Sharing};

use super::builder::{Builder, NewRegion};
use super::{Inputs, bytes, layout};
use crate::diagnostic::Report;
use crate::image::{Image, Segment};
use crate::pack::ArchiveEntry;

pub(super) fn add(builder: &mut Builder<'_>, inputs: &mut dyn Inputs, report: &mut Report) {
    for index in 0..builder.sources.needs.len() {
        let needs = &builder.sources.needs[index];
        let package = needs.program.get_ref();
        // A page below the stack stays empty, so that a stack that grows too far faults.
        let end = layout::STACK_TOP - bytes(&needs.stack) - 4096;
        let image = inputs
            .program(package)
            .and_then(|elf| Image::cut(&elf, layout::PROGRAM, end));
        match image {
            Ok(image) => add_image(builder, index, package, image),
            Err(why) => report.add(
                needs.at(&needs.program),
                format!("program `{package}` cannot be used: {why}"),
            ),
        }
        add_memory(builder, index);
    }
}

fn add_image(builder: &mut Builder<'_>, index: usize, package: &str, image: Image) {
    let initial_data = image.initial_data().map(<[u8]>::to_vec);
    let file = builder.file(ArchiveEntry {
        name: format!("{package}.image"),
        contents: image.contents,
        large: false,
    });
    if let Some(data) = initial_data {
        add_initial_data(builder, index, package, data);
    }
    builder.system.components[index].entry = image.entry;
    for segment in image.segments {
        add_segment(builder, index, file, &segment);
    }
}

/// What the program's data are at first, for a program that is started afresh: the archive's own memory, and another
/// place of it than the root server copies from.
fn add_initial_data(builder: &mut Builder<'_>, index: usize, package: &str, mut data: Vec<u8>) {
    let size = data.len() as u64;
    data.resize(data.len().next_multiple_of(4096), 0);
    let file = builder.file(ArchiveEntry {
        name: format!("{package}.data"),
        contents: data,
        large: false,
    });
    let run = layout::small_frames(size, Content::Archive { file, offset: 0 });
    let name = format!("{}.initial-data", builder.name(index));
    let frames = builder.archive_frames(name, run, "What the program's data are at its start.");
    let region = NewRegion {
        rights: Rights::READ,
        sharing: Sharing::Shared,
        ..private("initial-data", frames, size)
    };
    builder.region(index, &region);
}

/// What is only read is the archive's own memory; what is written is a copy.
fn add_segment(builder: &mut Builder<'_>, index: usize, file: u32, segment: &Segment) {
    let offset = segment.offset;
    let why = "A segment of the component's program.";
    let name = format!("{}.program.{:#x}", builder.name(index), segment.address);
    let is_whole = segment.file_length.next_multiple_of(4096) == segment.length;
    let (frames, rights) = if is_whole && !segment.writable {
        let run = layout::small_frames(segment.length, Content::Archive { file, offset });
        (builder.archive_frames(name, run, why), Rights::READ)
    } else {
        let content = Content::Copied {
            file,
            offset,
            length: segment.file_length,
        };
        let run = layout::small_frames(segment.length, content);
        let rights = if segment.writable {
            Rights::READ_WRITE
        } else {
            Rights::READ
        };
        (builder.frames(name, run, why), rights)
    };
    builder.map(index, frames, segment.address, rights);
}

fn add_memory(builder: &mut Builder<'_>, index: usize) {
    let needs = &builder.sources.needs[index];
    let owner = builder.name(index);
    let stack = layout::small_frames(bytes(&needs.stack), Content::Zero);
    let frames = builder.frames(format!("{owner}.stack"), stack, "The thread's stack.");
    let address = layout::STACK_TOP - bytes(&needs.stack);
    builder.map(index, frames, address, Rights::READ_WRITE);

    if bytes(&needs.heap) > 0 {
        let heap = layout::frames(bytes(&needs.heap), Content::Zero);
        let frames = builder.frames(format!("{owner}.heap"), heap, "The component's heap.");
        let region = private("heap", frames, bytes(&needs.heap));
        builder.region_at(index, layout::HEAP, &region);
    }
    for need in &needs.region {
        let (name, size) = (need.name.get_ref(), bytes(&need.size));
        let run = layout::frames(size, Content::Zero);
        let frames = builder.frames(format!("{owner}.{name}"), run, need.why.get_ref());
        builder.region(index, &private(name, frames, size));
    }
    for need in &needs.dma {
        let (name, size) = (need.name.get_ref(), bytes(&need.size));
        let run = layout::frames(size, Content::Contiguous);
        let frames = builder.frames(format!("{owner}.{name}"), run, need.why.get_ref());
        let region = NewRegion {
            sharing: Sharing::Shared,
            tells_physical: true,
            ..private(name, frames, size)
        };
        builder.region(index, &region);
    }
}

fn private(name: &str, frames: compiled_manifest::ObjectId, size: u64) -> NewRegion<'_> {
    NewRegion {
        name,
        frames,
        size,
        rights: Rights::READ_WRITE,
        sharing: Sharing::Private,
        tells_physical: false,
    }
}
