//! Systems for tests and measurements that are another system but for what they change.
//!
//! A file of changes has a manifest's form and says only what differs. What it names takes its value. An entry of a
//! list that the system has already (a component or need of the same name, the channel of the same client, the grant
//! of the same kind to the same component) is changed in the same way; any other is added. A list of anything else than tables is replaced.
//! Nothing can be taken away. The result is written as a whole manifest, and the compiler sees nothing else: what a
//! product is made of always stands in one file.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use toml::{Table, Value};

use crate::workspace;

/// What tells the entries of a manifest's lists apart: components, what fills their needs, channels, grants.
const IDENTITIES: [&[&str]; 4] = [&["name"], &["need"], &["client"], &["kind", "to"]];

/// The manifest `system`, changed as the file `changes` says if there is one, which is then written to `result`. The
/// first two are named from the repository's root. Answers where the manifest is.
pub(crate) fn manifest(system: &str, changes: Option<&str>, result: PathBuf) -> Result<PathBuf> {
    let system = workspace::path(system);
    let Some(changes) = changes else {
        return Ok(system);
    };
    let mut manifest = Value::Table(read(&system)?);
    apply(
        &mut manifest,
        Value::Table(read(&workspace::path(changes))?),
    );
    fs::write(&result, toml::to_string(&manifest)?)
        .with_context(|| format!("{} cannot be written", result.display()))?;
    Ok(result)
}

fn read(file: &Path) -> Result<Table> {
    let text =
        fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
    text.parse()
        .with_context(|| format!("{} is no TOML", file.display()))
}

fn apply(value: &mut Value, change: Value) {
    match (value, change) {
        (Value::Table(table), Value::Table(change)) => {
            for (key, change) in change {
                match table.get_mut(&key) {
                    Some(value) => apply(value, change),
                    None => drop(table.insert(key, change)),
                }
            }
        }
        (Value::Array(entries), Value::Array(changes)) if changes.iter().any(Value::is_table) => {
            for change in changes {
                match entries.iter_mut().find(|entry| is_same(entry, &change)) {
                    Some(entry) => apply(entry, change),
                    None => entries.push(change),
                }
            }
        }
        (value, change) => *value = change,
    }
}

/// Whether two entries of a list are about the same.
fn is_same(entry: &Value, change: &Value) -> bool {
    IDENTITIES.iter().any(|keys| {
        let agrees = |key| {
            change
                .get(key)
                .is_some_and(|value| entry.get(key) == Some(value))
        };
        keys.iter().all(agrees)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(system: &str, changes: &str) -> Table {
        let table = |text: &str| Value::Table(text.parse().expect("it is TOML"));
        let mut system = table(system);
        apply(&mut system, table(changes));
        system.try_into().expect("it is a table")
    }

    fn assert_changed(system: &str, changes: &str, result: &str) {
        assert_eq!(
            changed(system, changes),
            result.parse().expect("it is TOML")
        );
    }

    #[test]
    fn what_is_named_takes_its_value() {
        assert_changed(
            "a = 1\nb = 2\n[c]\nd = [3]\n",
            "b = 4\n[c]\nd = [5]\ne = 6",
            "a = 1\nb = 4\n[c]\nd = [5]\ne = 6",
        );
    }

    #[test]
    fn entries_are_changed_or_added() {
        assert_changed(
            "component = [{ name = 'x', parameter = [{ need = 'n', value = 1 }, { need = 'm', value = 2 }] }]",
            "component = [{ name = 'y' }, { name = 'x', parameter = [{ need = 'm', value = 3 }, { need = 'k', value = 4 }] }]",
            "component = [{ name = 'x', parameter = [{ need = 'n', value = 1 }, { need = 'm', value = 3 }, { need = 'k', value = 4 }] }, { name = 'y' }]",
        );
    }

    #[test]
    fn an_identity_is_all_of_its_keys() {
        assert_changed(
            "grant = [{ kind = 'a', to = 'x', of = ['p'] }, { kind = 'b', to = 'x', of = ['p'] }]",
            "grant = [{ kind = 'b', to = 'x', of = ['q'] }, { kind = 'b', to = 'y', of = ['p'] }]",
            "grant = [{ kind = 'a', to = 'x', of = ['p'] }, { kind = 'b', to = 'x', of = ['q'] }, { kind = 'b', to = 'y', of = ['p'] }]",
        );
        assert_changed(
            "channel = [{ client = 'a', server = 'b', why = 'c' }]",
            "channel = [{ client = 'd', server = 'b', why = 'c' }, { client = 'a', server = 'e' }]",
            "channel = [{ client = 'a', server = 'e', why = 'c' }, { client = 'd', server = 'b', why = 'c' }]",
        );
    }

    #[test]
    fn an_empty_list_replaces() {
        assert_changed("a = [{ name = 'x' }]", "a = []", "a = []");
    }
}
