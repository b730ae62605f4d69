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
    let (case, tree) = read(path);
    let messages = messages(&tree);
    (case, messages)
}

/// A case, and the manifests with its edits.
fn read(path: &Path) -> (Case, Tree) {
    let text = fs::read_to_string(path).expect("every rule has both cases");
    let case: Case = toml::from_str(&text).expect("cases are well-formed");
    let mut tree = Tree::base();
    for edit in &case.edit {
        tree.edit(&edit.file, &edit.replace, &edit.with);
    }
    (case, tree)
}

fn messages(tree: &Tree) -> Vec<String> {
    match compile(tree) {
        Ok(_) => Vec::new(),
        Err(failure) => failure.0.iter().map(ToString::to_string).collect(),
    }
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

/// Two guests in one driver, each by a role of its own, with a separation of those roles.
fn guests_in_two_roles(from: &str, to: &str) -> Vec<String> {
    let (_, mut tree) = read(&folder().join("guest_separation/reject.toml"));
    let channel = "client = \"second.disk\"\nserver = \"driver.";
    let second = |role| format!("{channel}{role}\"");
    let system = "manifests/systems/case.toml";
    tree.edit(system, &second("client"), &second("other"));
    let driver = "needs/driver.toml";
    let other = format!(
        r#"why = "Serves."

[[channel]]
role = "other"
kind = "ring"
end = "server"
peers = "one"
protocol = "block"
memory = "plain"
out = "64 KiB"
why = "Serves too."

[[crossing]]
kind = "separation"
from = [{from}]
to = [{to}]
why = "Keeps them apart."
"#
    );
    tree.edit(driver, "crossing = []\n", "");
    tree.edit(driver, "why = \"Serves.\"\n", &other);
    messages(&tree)
}

#[test]
fn guests_are_apart_where_nothing_crosses_either_way() {
    let both = r#""client", "other""#;
    assert_eq!(guests_in_two_roles(both, both), [""; 0]);
    for (from, to) in [(r#""client""#, r#""other""#), (r#""other""#, r#""client""#)] {
        let all = guests_in_two_roles(from, to);
        assert!(
            all.iter()
                .any(|message| message.contains("meet in `driver`, which does not keep them apart")),
            "{all:#?}"
        );
    }
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
