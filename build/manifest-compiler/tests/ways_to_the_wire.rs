//! The repository's system with a network is accepted for what its components promise, and for nothing else: without one of
//! these promises the guest's way to the card is found, and said in words.

use std::path::Path;

use manifest_compiler::{Folder, SourceTree, check_tree};

const SYSTEM: &str = "manifests/systems/one-network.toml";

/// The repository with another text in one file, in the place of one that stands there exactly once.
struct Changed {
    file: &'static str,
    old: &'static str,
    new: &'static str,
}

impl SourceTree for Changed {
    fn read(&self, path: &str) -> Result<String, String> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let text = Folder(root).read(path)?;
        if path != self.file {
            return Ok(text);
        }
        assert_eq!(text.matches(self.old).count(), 1, "{}", self.old);
        Ok(text.replace(self.old, self.new))
    }
}

fn messages(file: &'static str, old: &'static str, new: &'static str) -> Vec<String> {
    match check_tree(&Changed { file, old, new }, SYSTEM) {
        Ok(_) => Vec::new(),
        Err(failure) => failure.0.iter().map(ToString::to_string).collect(),
    }
}

/// Asserts that the card is reached in the clear by this way.
#[track_caller]
fn assert_reached(messages: &[String], way: &str) {
    let expected = format!(
        "the guest of `vmm-partition` reaches the network device `net0` in the clear: from `vmm-partition` {way}, which holds it; \
         no component on this way declares a crossing with encryption"
    );
    assert!(
        messages.iter().any(|message| message.ends_with(&expected)),
        "{messages:#?}"
    );
}

#[test]
fn encryption_counts_only_where_it_is_promised() {
    let vpn = "servers/vpn/needs.toml";
    let way = "by its channel `network` to `vpn`, by its channel `net` to `net`";
    // For what comes by another role, and for what leaves by another.
    let from = messages(vpn, r#"from = ["guest", "keys"]"#, r#"from = ["keys"]"#);
    assert_reached(&from, way);
    let to = messages(vpn, r#"to = ["net"]"#, r#"to = ["timer"]"#);
    assert_reached(&to, way);
}

#[test]
fn who_may_restart_the_driver_is_on_the_way_to_it() {
    let supervisor = "servers/supervisor/needs.toml";
    let promise = r#"to = ["guest", "faults", "restart"]"#;
    let all = messages(supervisor, promise, r#"to = ["guest", "faults"]"#);
    assert_reached(
        &all,
        "by its channel `supervisor` to `supervisor`, by its grant of `restart` to `net`",
    );
}
