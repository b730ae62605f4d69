//! Keeps the table in docs/figures.md.

use std::fmt::Write;
use std::fs;

use anyhow::{Context, Result};

use super::Figure;
use crate::workspace;

const PAGE: &str = "docs/figures.md";
const BEGIN: &str = "<!-- figures: written by `cargo xtask bench --write` -->\n";
const END: &str = "<!-- end of figures -->\n";

/// Replaces the table between the marks.
pub(crate) fn write(figures: &[Figure]) -> Result<()> {
    let file = workspace::path(PAGE);
    let text = fs::read_to_string(&file).with_context(|| format!("{PAGE} cannot be read"))?;
    let text = replace_table(&text, figures)
        .with_context(|| format!("{PAGE} lacks the marks around its table"))?;
    fs::write(&file, text).with_context(|| format!("{PAGE} cannot be written"))
}

fn replace_table(text: &str, figures: &[Figure]) -> Option<String> {
    let (before, rest) = text.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    let mut table = String::from("| Figure | Value | Unit |\n|---|---:|---|\n");
    for figure in figures {
        // Writing to a string cannot fail.
        let _ = writeln!(
            table,
            "| {} | {} | {} |",
            figure.name,
            figure.readable_value(),
            figure.unit
        );
    }
    Some(format!("{before}{BEGIN}{table}{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_table_changes() {
        let page = format!("# F\n{BEGIN}old\n{END}text\n");
        let written = replace_table(&page, &[Figure::new("call", 1212, "instructions")]);
        let expected = format!(
            "# F\n{BEGIN}| Figure | Value | Unit |\n|---|---:|---|\n| call | 1,212 | instructions |\n{END}text\n"
        );
        assert_eq!(written, Some(expected));
        assert_eq!(replace_table("no marks", &[]), None);
    }
}
