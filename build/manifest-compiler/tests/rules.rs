//! Every rule has a case that it accepts and a case that it rejects, with the exact messages.
//!
//! A case is a few edits of the manifests in `tests/base`, which obey every rule. Each edit must
//! find its text exactly once. `rules/keys` and `rules/missing_keys` stand for the parser, the other folders for the file of the
//! same name in `src/rules`.

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde::Deserialize;

use support::{Tree, compile};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    about: String,
    messages: Vec<String>,
    #[serde(default)]
    edit: Vec<Edit>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Edit {
    file: String,
    replace: String,
    with: String,
}

fn run(path: &Path) -> (Case, Vec<String>) {
    let text = fs::read_to_string(path).expect("every rule has both cases");
    let case: Case = toml::from_str(&text).expect("cases are well-formed");
    let mut tree = Tree::base();
    for edit in &case.edit {
        tree.edit(&edit.file, &edit.replace, &edit.with);
    }
    let messages = match compile(&tree) {
        Ok(_) => Vec::new(),
        Err(failure) => failure.0.iter().map(ToString::to_string).collect(),
    };
    (case, messages)
}

#[test]
fn every_rule_accepts_and_rejects() {
    let mut wrong = Vec::new();
    for rule in rules() {
        for kind in ["accept", "reject"] {
            let (case, messages) = run(&folder().join(&rule).join(format!("{kind}.toml")));
            if case.messages != messages || case.messages.is_empty() != (kind == "accept") {
                wrong.push(format!("{rule}/{kind} ({}): {messages:#?}", case.about));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_rule_has_cases() {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/rules");
    let files = fs::read_dir(sources).expect("the rules are there");
    let mut names: BTreeSet<String> = files
        .map(|file| file.expect("it can be read").path())
        .map(|path| {
            path.file_stem()
                .expect("it has a name")
                .to_string_lossy()
                .into()
        })
        .collect();
    names.remove("mod");
    names.extend(["keys".into(), "missing_keys".into()]);
    assert_eq!(names, rules());
}

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rules")
}

fn rules() -> BTreeSet<String> {
    let folders = fs::read_dir(folder()).expect("the cases are there");
    folders
        .map(|folder| folder.expect("it can be read").file_name())
        .map(|name| name.to_string_lossy().into())
        .collect()
}
