//! Figures: how large the system is, and how many instructions it takes for what.
//!
//! Instructions, because they repeat exactly under `-icount shift=0`, on any host; time in an
//! emulator says little about time on a computer.

mod comparison;
mod figure;
mod guest;
mod images;
mod memory;
mod page;
mod sizes;

use anyhow::Result;

use crate::workspace::Metadata;

pub(crate) use figure::{Figure, to_json, to_table};
pub(crate) use guest::{PASSPHRASE, machine as guest_machine};
pub(crate) use page::write as write_page;

/// Measures everything.
pub(crate) fn measure(metadata: &Metadata) -> Result<Vec<Figure>> {
    let mut figures = sizes::measure(metadata)?;
    figures.push(memory::measure(metadata)?);
    figures.extend(images::measure(metadata)?);
    figures.extend(guest::measure(metadata)?);
    Ok(figures)
}
