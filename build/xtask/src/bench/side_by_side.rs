//! The same measurements on our kernel and on another one.

use std::fmt::Write;
use std::path::Path;

use anyhow::Result;

use super::figure::readable;
use super::{Figure, images};
use crate::workspace::Metadata;

/// The bench image that runs on any kernel with seL4's interface; it leaves out what a kernel has not.
const IMAGE: &str = "kernel-bench";

/// Measures both kernels; answers a table with a row for each figure.
pub(crate) fn side_by_side(metadata: &Metadata, other: &Path) -> Result<String> {
    let ours = images::measure(metadata, IMAGE)?;
    let others = images::measure_on(metadata, other, IMAGE)?;
    Ok(table(&ours, &others))
}

fn table(ours: &[Figure], others: &[Figure]) -> String {
    let width = ours.iter().map(|figure| figure.name.len()).max();
    let width = width.unwrap_or(0);
    let mut table = format!(
        "{:width$} {:>10} {:>10} {:>6}\n",
        "", "Sekisho", "other", "ratio"
    );
    for figure in ours {
        let name = &figure.name;
        let value = readable(figure.value);
        let other = others.iter().find(|other| other.name == *name);
        // Writing to a string cannot fail.
        let _ = match other {
            Some(other) => {
                let percent = (figure.value * 100 + other.value / 2) / other.value.max(1);
                let ratio = format!("{}.{:02}", percent / 100, percent % 100);
                let other = readable(other.value);
                writeln!(table, "{name:width$} {value:>10} {other:>10} {ratio:>6}")
            }
            None => writeln!(table, "{name:width$} {value:>10} {:>10}", "skipped"),
        };
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_the_other_kernel_lacks_say_so() {
        let ours = [
            Figure::new("call", 150, "instructions"),
            Figure::new("bare-exit", 1800, "instructions"),
        ];
        let others = [Figure::new("call", 200, "instructions")];
        let expected = "             Sekisho      other  ratio\n\
                        call             150        200   0.75\n\
                        bare-exit      1,800    skipped\n";
        assert_eq!(table(&ours, &others), expected);
    }
}
