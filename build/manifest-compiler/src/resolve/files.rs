//! Files that a component reads where the boot archive has them.

use compiled_manifest::{Content, FrameSize, Rights, Sharing};

use super::builder::{Builder, NewRegion};
use super::{Inputs, layout};
use crate::diagnostic::Report;
use crate::pack::ArchiveEntry;

pub(super) fn add(builder: &mut Builder<'_>, inputs: &mut dyn Inputs, report: &mut Report) {
    let sources = builder.sources;
    for (index, (component, _)) in sources.components().enumerate() {
        for grant in &component.file {
            let file = grant.file.get_ref();
            let contents = match inputs.file(file) {
                Ok(contents) if contents.is_empty() => Err("it is empty".to_owned()),
                other => other,
            };
            match contents {
                Ok(contents) => {
                    let names = (file.as_str(), grant.need.get_ref().as_str());
                    add_file(builder, index, names, contents, grant.why.get_ref());
                }
                Err(why) => report.add(
                    sources.system.at(&grant.file),
                    format!("file `{file}` cannot be used: {why}"),
                ),
            }
        }
    }
}

/// The file's frames are its own to the last byte: it is filled up with zeros to whole large frames.
fn add_file(
    builder: &mut Builder<'_>,
    index: usize,
    (file, need): (&str, &str),
    mut contents: Vec<u8>,
    why: &str,
) {
    let size = contents.len() as u64;
    let large = usize::try_from(FrameSize::Large.bytes()).unwrap_or(usize::MAX);
    contents.resize(contents.len().next_multiple_of(large), 0);
    let bytes = contents.len() as u64;
    let place = builder.file(ArchiveEntry {
        name: file.to_owned(),
        contents,
        large: true,
    });
    let content = Content::Archive {
        file: place,
        offset: 0,
    };
    let name = format!("{}.{need}", builder.name(index));
    let frames = builder.archive_frames(name, layout::frames(bytes, content), why);
    let region = NewRegion {
        name: need,
        frames,
        size,
        rights: Rights::READ,
        sharing: Sharing::Shared,
        tells_physical: false,
    };
    builder.region(index, &region);
}
