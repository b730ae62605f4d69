//! Deliberate defects of the kernel, and whether its tests on random states find them.

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

use crate::process::run_quietly;
use crate::workspace;

/// The list, beside the test.
const LIST: &str = "kernel/core/src/tests/model/mutations.toml";
/// What is broken.
const SOURCE: &str = "kernel/core/src";
/// More than an ordinary test run takes: rare defects want more tries.
const CASES: &str = "1500";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    mutation: Vec<Mutation>,
}

/// One defect: a piece of source and what takes its place.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Mutation {
    pub(crate) name: String,
    /// Below the crate's `src`.
    file: PathBuf,
    replace: String,
    with: String,
    /// The tests that must find it, if not the model test.
    #[serde(default = "model_test")]
    test: String,
}

fn model_test() -> String {
    "tests::model".to_owned()
}

/// All of the list.
pub(crate) fn read() -> Result<Vec<Mutation>> {
    let text = fs::read_to_string(workspace::path(LIST))?;
    let list: List = toml::from_str(&text).with_context(|| format!("{LIST} is no list"))?;
    Ok(list.mutation)
}

/// A copy of the repository that may be broken.
pub(crate) struct Tree {
    folder: PathBuf,
    build: PathBuf,
}

impl Tree {
    /// Copies what git knows.
    pub(crate) fn copy() -> Result<Tree> {
        let folder = workspace::path("target/mutations/tree");
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        let list = run_quietly(
            std::process::Command::new("git")
                .args(["ls-files"])
                .current_dir(workspace::root()),
        )?;
        for file in list.lines() {
            let to = folder.join(file);
            let parent = to.parent().context("every file lies in a folder")?;
            fs::create_dir_all(parent)?;
            fs::copy(workspace::path(file), &to).with_context(|| format!("{file} is not there"))?;
        }
        Ok(Tree {
            folder,
            build: workspace::path("target/mutations/build"),
        })
    }

    /// Whether its test fails with the defect in place.
    pub(crate) fn finds(&self, mutation: &Mutation) -> Result<bool> {
        let file = self.folder.join(SOURCE).join(&mutation.file);
        let sound = fs::read_to_string(&file)?;
        fs::write(&file, mutation.apply(&sound)?)?;
        let result = self.tests_fail(&mutation.test);
        fs::write(&file, sound)?;
        result
    }

    fn tests_fail(&self, tests: &str) -> Result<bool> {
        let test = |arguments: &[&str]| {
            let mut command = workspace::cargo();
            command
                .current_dir(&self.folder)
                .args(["test", "--quiet", "--package", "kernel-core", "--lib"])
                .arg("--target-dir")
                .arg(&self.build)
                .args(arguments)
                .env("PROPTEST_CASES", CASES)
                // A defect may leave a variable or a function without use.
                .env("RUSTFLAGS", "--cap-lints=warn")
                .stdin(Stdio::null());
            command
        };
        run_quietly(&mut test(&["--no-run"])).context("the defect does not compile")?;
        let output = test(&[tests]).output()?;
        Ok(!output.status.success())
    }
}

impl Mutation {
    /// The broken text.
    fn apply(&self, sound: &str) -> Result<String> {
        let places = sound.matches(&self.replace).count();
        ensure!(
            places == 1,
            "{:?}: {} has {places} places to break",
            self.name,
            self.file.display()
        );
        Ok(sound.replacen(&self.replace, &self.with, 1))
    }

    /// Whether the defect is still one of today's source.
    #[cfg(test)]
    fn fits(&self) -> Result<()> {
        let file = workspace::path(SOURCE).join(&self.file);
        self.apply(&fs::read_to_string(file)?).map(drop)
    }
}

/// Tries every defect whose name contains the text; answers how many were not found.
pub(crate) fn try_all(filter: &str) -> Result<usize> {
    let mutations: Vec<_> = read()?
        .into_iter()
        .filter(|mutation| mutation.name.contains(filter))
        .collect();
    if mutations.is_empty() {
        bail!("no defect's name contains {filter:?}");
    }
    let tree = Tree::copy()?;
    let mut missed = 0;
    for mutation in &mutations {
        let found = crate::progress::step(&format!("Trying: {}", mutation.name), || {
            tree.finds(mutation)
        })
        .with_context(|| mutation.name.clone())?;
        println!(
            "{} {}",
            if found { "found " } else { "MISSED" },
            mutation.name
        );
        missed += usize::from(!found);
    }
    println!("{} found, {missed} missed", mutations.len() - missed);
    Ok(missed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_defect_has_its_place() {
        for mutation in read().expect("the list can be read") {
            mutation.fits().expect("the source has changed");
        }
    }
}
