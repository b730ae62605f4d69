//! The hardware has the memory that the system takes.

use compiled_manifest::System;

use crate::diagnostic::Report;
use crate::source::Sources;

/// What the kernel, the root server and the firmware's tables take of the hardware's RAM.
pub(crate) const RESERVED: u64 = 16 << 20;

pub(crate) fn check(sources: &Sources, system: &System, report: &mut Report) {
    let memory = &sources.hardware.memory;
    let present = memory.iter().map(|memory| memory.size.get_ref().bytes());
    let present = present.fold(0, u64::saturating_add);
    let files = system.files.iter().map(|file| file.length).sum::<u64>();
    let taken = system
        .ram_bytes()
        .saturating_add(files)
        .saturating_add(RESERVED);
    if taken > present {
        let sentence = format!(
            "the system takes {} MiB, hardware `{}` has {} MiB",
            taken.div_ceil(1 << 20),
            sources.hardware.name.get_ref(),
            present >> 20
        );
        report.add(sources.system.at(&sources.system.hardware), sentence);
    }
}
