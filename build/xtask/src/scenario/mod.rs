//! Scenarios: what is booted in QEMU, what is done to it, and what must come of it.
//!
//! Each is one file in qemu-tests/scenarios. [`file`] is its form, [`prepare`] builds what it
//! boots, [`damage`] what is done to its disk, [`play`] runs it on its [`stage`], [`judge`] compares what happened
//! with what must, [`last_words`] shows the end of what failed.

mod capture;
mod damage;
mod disk;
mod echo;
mod file;
pub(crate) mod foreign;
mod host_shell;
mod inside;
mod judge;
mod kind;
mod last_words;
mod outside;
mod pieces;
mod play;
mod prepare;
mod stage;
mod time;
mod wire;

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::workspace;

pub(crate) use echo::Echoes;
use file::PeerMake;
pub(crate) use file::Scenario;
pub(crate) use play::play;
pub(crate) use prepare::{Prepared, Preparer};

/// The guests of scenarios are ours: their marks need not be unguessable.
const SCENARIO_NONCE: &str = "scenario";

/// Reads the scenarios whose name contains `filter`, sorted by name.
pub(crate) fn read_all(filter: &str) -> Result<Vec<Scenario>> {
    let folder = workspace::path("qemu-tests/scenarios");
    let mut files = Vec::new();
    if folder.is_dir() {
        for entry in std::fs::read_dir(&folder)? {
            files.push(entry?.path());
        }
    }
    files.retain(|file| {
        file.extension()
            .is_some_and(|extension| extension == "toml")
    });
    files.sort();
    let named = |file: &PathBuf| {
        let name = file.file_stem().unwrap_or_default().to_string_lossy();
        name.contains(filter)
    };
    files
        .iter()
        .filter(|file| named(file))
        .map(|file| {
            Scenario::read(file).with_context(|| format!("{} is no scenario", file.display()))
        })
        .collect()
}

/// Why this host cannot play the scenario, if it cannot.
pub(crate) fn obstacle(scenario: &Scenario) -> Result<Option<String>> {
    match scenario.peer {
        PeerMake::Ours => Ok(None),
        PeerMake::Foreign(make) => foreign::obstacle(make),
    }
}

/// The folder of a scenario's images and logs.
fn work_folder(scenario: &Scenario) -> PathBuf {
    workspace::path("target/scenarios").join(&scenario.name)
}
