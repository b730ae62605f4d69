//! Keeps the table in docs/figures.md.

use std::fmt::Write;
use std::fs;

use anyhow::{Context, Result};

use super::Figure;
use super::comparison;
use super::figure::{aim, readable};
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
    let mut table =
        String::from("| Figure | Value | Unit | Others | Aim |\n|---|---:|---|---|---|\n");
    for figure in figures {
        // Writing to a string cannot fail.
        let _ = writeln!(table, "{}", row(figure, figures));
    }
    Some(format!("{before}{BEGIN}{table}{END}{after}"))
}

fn row(figure: &Figure, figures: &[Figure]) -> String {
    let others = comparison::of(&figure.name).map_or("", |comparison| comparison.others);
    let aim = aim(figure, figures);
    let (name, value, unit) = (&figure.name, readable(figure.value), &figure.unit);
    format!("| {name} | {value} | {unit} | {others} | {aim} |")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_table_changes() {
        let page = format!("# F\n{BEGIN}old\n{END}text\n");
        let figures = [
            Figure::new("call-fpu", 1212, "instructions"),
            Figure::new("guest-disk-read-4k", 41_501, "instructions"),
        ];
        let expected = format!(
            "# F\n{BEGIN}| Figure | Value | Unit | Others | Aim |\n|---|---:|---|---|---|\n\
             | call-fpu | 1,212 | instructions | seL4 226 |  |\n\
             | guest-disk-read-4k | 41,501 | instructions | kvmtool 41,500 | at most 41,500: missed |\n{END}text\n"
        );
        assert_eq!(replace_table(&page, &figures), Some(expected));
        assert_eq!(replace_table("no marks", &[]), None);
    }
}
