//! The repository's system with two guests keeps them apart, and would not if they shared a component that sees
//! plaintext: the rule is tried on the manifest itself.

use std::path::Path;

use manifest_compiler::{Folder, SourceTree, check_tree};

const SYSTEM: &str = "manifests/systems/two-networks.toml";

/// The repository with other text in the place of one that stands in the system exactly once.
struct Changed(Vec<(&'static str, &'static str)>);

impl SourceTree for Changed {
    fn read(&self, path: &str) -> Result<String, String> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let mut text = Folder(root).read(path)?;
        if path == SYSTEM {
            for (old, new) in &self.0 {
                assert_eq!(text.matches(old).count(), 1, "{old}");
                text = text.replace(old, new);
            }
        } else if path == "servers/vpn/needs.toml" {
            // Else the second guest is refused for another reason: the role is for one peer.
            let role = "role = \"guest\"\nkind = \"ring\"\nend = \"server\"\npeers = \"one\"";
            assert!(text.contains(role));
            text = text.replace(role, &role.replace("one", "many"));
        }
        Ok(text)
    }
}

fn messages(changes: &[(&'static str, &'static str)]) -> Vec<String> {
    match check_tree(&Changed(changes.to_vec()), SYSTEM) {
        Ok(_) => Vec::new(),
        Err(failure) => failure.0.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn both_guests_behind_one_tunnel_are_refused() {
    let joined = (
        "client = \"vmm-internet.network\"\nserver = \"vpn-internet.guest\"",
        "client = \"vmm-internet.network\"\nserver = \"vpn-office.guest\"",
    );
    let all = messages(&[joined]);
    assert!(
        all.iter().any(|message| message.ends_with(
            "the guests of `vmm-office` and `vmm-internet` meet in `vpn-office`, which does not keep them apart: from \
             `vmm-internet` by its channel `network` to `vpn-office`; give each guest its own"
        )),
        "{all:#?}"
    );
}

#[test]
fn one_volume_for_both_guests_keys_is_refused() {
    let joined = (
        "client = \"vpn-internet.keys\"\nserver = \"disk-crypto-internet.keys\"",
        "client = \"vpn-internet.keys\"\nserver = \"disk-crypto-office.keys\"",
    );
    let all = messages(&[joined]);
    assert_eq!(all.len(), 1);
    assert!(
        all[0].ends_with("`disk-crypto-office.keys` is for one peer and has a channel already"),
        "{all:#?}"
    );
}
