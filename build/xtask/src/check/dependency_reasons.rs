//! Third-party crates: one table for the workspace, with a reason above each line.

use std::fs;

use anyhow::{Context, Result};

use super::{Findings, Subject};
use crate::workspace;

pub(super) fn check(subject: &Subject) -> Result<Findings> {
    let root = fs::read_to_string(workspace::path("Cargo.toml"))?;
    let mut findings = without_reason(&root);
    for package in &subject.metadata.packages {
        let file = workspace::root().join(package.folder()).join("Cargo.toml");
        let text = fs::read_to_string(&file)
            .with_context(|| format!("{} cannot be read", file.display()))?;
        for name in outside_the_table(&text) {
            findings.push(format!(
                "{}: {name} is not taken from the workspace's table",
                file.display()
            ));
        }
    }
    Ok(findings)
}

/// Names in the workspace's table that have no comment on the line above and are not ours.
fn without_reason(text: &str) -> Findings {
    let mut findings = Vec::new();
    let mut previous = "";
    for line in section(text, |name| name == "workspace.dependencies") {
        let ours = line.contains("path = ");
        if let Some((name, _)) = line.split_once('=')
            && !line.starts_with('#')
            && !ours
            && !previous.starts_with("# ")
        {
            findings.push(format!("Cargo.toml: {} has no reason", name.trim()));
        }
        previous = line;
    }
    findings
}

/// Dependencies of a member that state a version, a path or a source of their own.
fn outside_the_table(text: &str) -> Vec<&str> {
    section(text, |name| name.ends_with("dependencies"))
        .filter(|line| !line.starts_with('#') && line.contains('='))
        .filter(|line| !line.contains("workspace = true"))
        .filter_map(|line| line.split_once('='))
        .map(|(name, _)| name.trim())
        .collect()
}

/// The lines below the headers whose name is wanted.
fn section<'a>(text: &'a str, wanted: impl Fn(&str) -> bool + 'a) -> impl Iterator<Item = &'a str> {
    let mut inside = false;
    text.lines().map(str::trim).filter(move |line| {
        if let Some(header) = line.strip_prefix('[') {
            inside = wanted(header.trim_end_matches(']'));
            return false;
        }
        inside
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_without_a_reason_is_found() {
        let text = "[workspace.dependencies]\nours = { path = \"ours\" }\n# Reads numbers.\ngood = \"1\"\nbad = \"2\"\n[other]\nx = 1\n";
        assert_eq!(without_reason(text), ["Cargo.toml: bad has no reason"]);
    }

    #[test]
    fn a_crate_outside_the_table_is_found() {
        let text = "[dependencies]\na.workspace = true\nb = { workspace = true, features = [] }\nc = \"1\"\n[dev-dependencies]\nd = { path = \"../d\" }\n[features]\ne = []\n";
        assert_eq!(outside_the_table(text), ["c", "d"]);
    }
}
