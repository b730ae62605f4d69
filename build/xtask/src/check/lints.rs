//! Lints: host crates as the host sees them, freestanding programs with the flags of their build.

use anyhow::Result;

use super::{Findings, Subject};
use crate::process::run_quietly;
use crate::products::is_product;
use crate::program::{self, Home};
use crate::workspace;

pub(super) fn check(subject: &Subject) -> Result<Findings> {
    let mut findings = Vec::new();
    let mut host = workspace::cargo();
    host.args(["clippy", "--quiet", "--workspace", "--all-targets"]);
    for package in &subject.metadata.packages {
        if Home::of(package).is_some() {
            host.args(["--exclude", &package.name]);
        }
    }
    host.args(["--", "-D", "warnings"]);
    if let Err(complaint) = run_quietly(&mut host) {
        findings.push(complaint.to_string());
    }
    for home in Home::ALL {
        // Products are built together, tests are not built with them: features of libraries add up.
        let (products, tests): (Vec<_>, Vec<_>) = home
            .packages(&subject.metadata)
            .partition(|package| is_product(package));
        for packages in [products, tests] {
            if packages.is_empty() {
                continue;
            }
            let mut command = program::cargo("clippy", home, &packages)?;
            command.args(["--", "-D", "warnings"]);
            if let Err(complaint) = run_quietly(&mut command) {
                findings.push(complaint.to_string());
            }
        }
    }
    Ok(findings)
}
