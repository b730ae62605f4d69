//! From manifests that obey the rules to the list of objects, capabilities and mappings.

mod builder;
mod channels;
mod components;
mod devices;
mod files;
mod grants;
mod guests;
mod layout;
mod parameters;
mod program;

use compiled_manifest::System;

use crate::diagnostic::{Failure, Report};
use crate::pack::ArchiveEntry;
use crate::source::{Size, Sources};
use builder::Builder;

/// Where the contents of programs and guests' files come from.
pub trait Inputs {
    /// The ELF file of the binary of the cargo package `package`.
    ///
    /// # Errors
    ///
    /// Why there is none.
    fn program(&mut self, package: &str) -> Result<Vec<u8>, String>;

    /// The file that system manifests call `name`, such as `guest-kernel`.
    ///
    /// # Errors
    ///
    /// Why there is none.
    fn file(&mut self, name: &str) -> Result<Vec<u8>, String>;
}

/// The system, and the files that the archive holds for it.
pub(crate) fn resolve(
    sources: &Sources,
    inputs: &mut dyn Inputs,
) -> Result<(System, Vec<ArchiveEntry>), Failure> {
    let mut builder = Builder::new(sources);
    let mut report = Report::default();
    components::add(&mut builder);
    program::add(&mut builder, inputs, &mut report);
    files::add(&mut builder, inputs, &mut report);
    report.finish()?;
    devices::add(&mut builder);
    channels::add(&mut builder);
    guests::add(&mut builder);
    grants::add(&mut builder);
    parameters::add(&mut builder);
    let (system, files) = builder.finish();
    let mut report = Report::default();
    crate::rules::memory::check(sources, &system, &mut report);
    if let Err(defect) = system.check() {
        // The rules let through what they should have refused: a defect of the compiler, said plainly.
        report.add(
            sources.system.start(),
            format!("the result is defective: {defect}"),
        );
    }
    report.finish()?;
    Ok((system, files))
}

/// Bytes of a size as written.
fn bytes(size: &toml::Spanned<Size>) -> u64 {
    size.get_ref().bytes()
}
