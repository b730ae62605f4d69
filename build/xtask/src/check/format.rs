//! Formatting is rustfmt's business alone.

use anyhow::Result;

use super::{Findings, Subject};
use crate::workspace;

pub(super) fn check(_: &Subject) -> Result<Findings> {
    let output = workspace::cargo()
        .args(["fmt", "--all", "--check", "--", "--files-with-diff"])
        .output()?;
    if output.status.success() {
        return Ok(Vec::new());
    }
    let mut findings: Findings = String::from_utf8_lossy(&output.stdout)
        .lines()
        .chain(String::from_utf8_lossy(&output.stderr).lines())
        .map(str::to_owned)
        .collect();
    findings.push("`cargo fmt` sets it right".into());
    Ok(findings)
}
