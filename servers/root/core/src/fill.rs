//! Gives RAM its first contents: copies of the archive's bytes.
//!
//! Only what is written by its owner is copied. Text, constants and guests' files are the archive's own
//! frames, mapped for reading.

use alloc::vec::Vec;

use compiled_manifest::{Content, Object, Rights, System};

use crate::{
    BuildError, Kernel, Slot, WorkingSlot,
    device_memory::Request,
    objects::file_address,
    own_window::{OwnWindow, PAGE},
    working_slots::WorkingSlots,
};

/// Pages copied at a time: as many of the source are mapped as of the destination.
const STEP: u32 = 256;

/// The archive's pages that are copied, as frames of the root server's own.
#[derive(Debug, Default)]
pub(crate) struct Sources(Vec<Source>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Source {
    physical: u64,
    pages: u32,
    first: WorkingSlot,
}

impl Sources {
    /// Lists what must be copied; two components of the same program share the source.
    pub(crate) fn new(
        system: &System,
        files: &[u64],
        slots: &mut WorkingSlots,
    ) -> Result<Self, BuildError> {
        let mut sources = Self::default();
        for object in &system.objects {
            let Some((physical, length)) = copied(object, files) else {
                continue;
            };
            let pages = pages_of(length);
            if pages > 0 && sources.find(physical).is_none() {
                let first = slots.take(pages)?;
                sources.0.push(Source {
                    physical,
                    pages,
                    first,
                });
            }
        }
        Ok(sources)
    }

    /// The frames that have to be made for them.
    pub(crate) fn requests<'a>(&self) -> impl Iterator<Item = Request<'a>> + use<'a, '_> {
        self.0.iter().map(|source| Request {
            name: "a program's data in the archive",
            physical: source.physical,
            bits: 12,
            count: source.pages,
            first: Slot::Working(source.first),
        })
    }

    fn find(&self, physical: u64) -> Option<&Source> {
        self.0.iter().find(|source| source.physical == physical)
    }

    /// Copies everything.
    pub(crate) fn copy_all(
        &self,
        kernel: &mut impl Kernel,
        window: &mut OwnWindow,
        system: &System,
        files: &[u64],
    ) -> Result<(), BuildError> {
        for object in &system.objects {
            if let Some((physical, length)) = copied(object, files)
                && let Some(source) = self.find(physical)
            {
                copy(
                    kernel,
                    window,
                    source.first,
                    Slot::Vault(object.slot),
                    length,
                )?;
            }
        }
        Ok(())
    }
}

/// Physical address and length of what an object starts with, if it starts with a copy.
fn copied(object: &Object, files: &[u64]) -> Option<(u64, u64)> {
    match object.kind.frames()?.content {
        Content::Copied {
            file,
            offset,
            length,
        } => Some((file_address(files, file) + offset, length)),
        _ => None,
    }
}

fn pages_of(length: u64) -> u32 {
    u32::try_from(length.div_ceil(PAGE as u64)).unwrap_or(u32::MAX)
}

/// Copies `length` bytes from the frames `from` to the frames `to`.
fn copy(
    kernel: &mut impl Kernel,
    window: &mut OwnWindow,
    from: WorkingSlot,
    to: Slot,
    length: u64,
) -> Result<(), BuildError> {
    let mut done = 0;
    while done < pages_of(length) {
        let pages = (pages_of(length) - done).min(STEP);
        let left = length - u64::from(done) * PAGE as u64;
        let bytes = usize::try_from(left.min(u64::from(pages) * PAGE as u64));
        let bytes = bytes.map_err(|_| BuildError::Window)?;
        let behind = bytes.next_multiple_of(PAGE);
        let runs = [
            (Slot::Working(from).behind(done), pages, Rights::READ),
            (to.behind(done), pages, Rights::READ_WRITE),
        ];
        window.with_runs(kernel, &runs, |region| {
            let source = region.part(0, bytes).map_err(|_| BuildError::Window)?;
            let copied = region.copy_from(behind, &source, 0, bytes);
            copied.map_err(|_| BuildError::Window)
        })?;
        done += pages;
    }
    Ok(())
}
