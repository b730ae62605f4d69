//! What holds for every compiled system, shown on the base manifests and on the repository's own.

mod support;

use std::collections::BTreeSet;
use std::path::Path;

use compiled_manifest::{Component, Content, Kind, Rights, System};
use manifest_compiler::{CompiledSystem, Folder, check_tree};
use proptest::prelude::*;

use support::{Tree, compile};

fn capabilities(component: &Component) -> Vec<&str> {
    let names = component.capabilities.iter().map(|c| c.name.as_str());
    names.collect()
}

fn base() -> CompiledSystem {
    compile(&Tree::base()).expect("the base obeys every rule")
}

#[test]
fn the_repositorys_systems_obey_the_rules() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let systems = std::fs::read_dir(root.join("manifests/systems")).expect("there are some");
    for file in systems {
        let path = file.expect("it can be read").path();
        let name = path.file_name().expect("it has a name").to_string_lossy();
        let checked = check_tree(&Folder(root.clone()), &format!("manifests/systems/{name}"));
        assert!(checked.is_ok(), "{}", checked.expect_err("it failed"));
    }
}

#[test]
fn the_coded_system_is_the_first_entry_and_decodes() {
    let compiled = base();
    assert_eq!(compiled.entries[0].name, "system");
    let decoded = System::decode(&compiled.entries[0].contents);
    assert_eq!(decoded.as_ref(), Ok(&compiled.system));
}

#[test]
fn the_same_manifests_give_the_same_bytes() {
    assert_eq!(base().sha256, base().sha256);
}

#[test]
fn every_object_and_every_capability_has_a_reason() {
    let system = base().system;
    assert!(system.objects.iter().all(|object| !object.why.is_empty()));
    let mut capabilities = system.components.iter().flat_map(|c| &c.capabilities);
    assert!(capabilities.all(|capability| !capability.why.is_empty()));
}

#[test]
fn names_of_objects_are_unique() {
    let system = base().system;
    let names: BTreeSet<_> = system.objects.iter().map(|object| &object.name).collect();
    assert_eq!(names.len(), system.objects.len());
}

#[test]
fn shared_memory_has_one_writer() {
    let system = base().system;
    for id in (0..)
        .map(compiled_manifest::ObjectId)
        .take(system.objects.len())
    {
        let writers = system
            .mappings
            .iter()
            .filter(|mapping| mapping.frames == id && mapping.rights.contains(Rights::WRITE));
        assert!(writers.count() <= 1, "{:?}", system.object(id));
    }
}

#[test]
fn what_a_component_is_told_is_what_it_holds() {
    let system = base().system;
    let monitor = &system.components[3];
    assert_eq!(
        capabilities(monitor),
        [
            "notification",
            "server.signal",
            "disk.signal",
            "watcher",
            "guest.vcpu"
        ]
    );
    let regions: Vec<_> = monitor.regions.iter().map(|r| r.name.as_str()).collect();
    assert_eq!(
        regions,
        [
            "initial-data",
            "heap",
            "kernel",
            "server.out",
            "server.in",
            "disk.out",
            "disk.in",
            "guest.ram"
        ]
    );
    let watcher = &system.components[2];
    assert_eq!(
        capabilities(watcher),
        [
            "notification",
            "endpoint",
            "reply",
            "thread.server",
            "thread.driver",
            "thread.monitor"
        ]
    );
    // Who may restart others knows how they start.
    let starts: Vec<_> = watcher
        .parameters
        .iter()
        .map(|parameter| parameter.name.as_str())
        .filter(|name| name.ends_with(".monitor"))
        .collect();
    assert_eq!(
        starts,
        ["entry.monitor", "stack.monitor", "stack-size.monitor"]
    );
}

#[test]
fn signals_are_told_apart_from_messages_and_from_each_other() {
    let system = base().system;
    for component in &system.components {
        let all = system
            .components
            .iter()
            .flat_map(|other| &other.capabilities);
        let signals = all.filter(|capability| {
            capability.object == component.notification && capability.badge != 0
        });
        let interrupts = component.interrupts.iter().map(|interrupt| interrupt.badge);
        let badges: Vec<_> = signals
            .map(|signal| signal.badge)
            .chain(interrupts)
            .collect();
        let distinct: BTreeSet<_> = badges.iter().collect();
        assert_eq!(distinct.len(), badges.len(), "{}", component.name);
        assert!(badges.iter().all(|badge| badge >> 63 == 1));
    }
}

#[test]
fn the_page_of_the_message_table_is_mapped_to_nobody() {
    let system = base().system;
    let table = 0xe000_4000;
    let covers = |kind: &Kind| {
        kind.frames().is_some_and(|frames| match frames.content {
            Content::Device { physical } => (physical..physical + frames.bytes()).contains(&table),
            _ => false,
        })
    };
    assert!(!system.objects.iter().any(|object| covers(&object.kind)));
}

#[test]
fn a_program_used_twice_is_in_the_archive_once() {
    let mut tree = Tree::base();
    // Two components of one program.
    tree.edit(
        "needs/driver.toml",
        "program = \"driver\"",
        "program = \"server\"",
    );
    let compiled = compile(&tree).expect("programs may be shared");
    let images: Vec<_> = compiled
        .entries
        .iter()
        .map(|entry| entry.name.as_str())
        .collect();
    let expected = [
        "system",
        "server.image",
        "server.data",
        "watcher.image",
        "watcher.data",
        "monitor.image",
        "monitor.data",
        "guest-kernel",
    ];
    assert_eq!(images, expected);
    // Its text is one object too: the same physical pages cannot be made twice.
    let texts = compiled.system.objects.iter().filter(|object| {
        object
            .kind
            .frames()
            .is_some_and(|frames| frames.content == Content::Archive { file: 0, offset: 0 })
    });
    assert_eq!(texts.count(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Damaged manifests are refused or consistent; decoding never panics.
    #[test]
    fn damaged_manifests_do_not_get_through(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in any::<Option<prop::sample::Index>>(),
    ) {
        let mut bytes = coded().to_vec();
        for (index, value) in changes {
            let at = index.index(bytes.len());
            bytes[at] = value;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        if let Ok(system) = System::decode(&bytes) {
            prop_assert_eq!(system.check(), Ok(()));
            prop_assert_eq!(System::decode(&system.encode()), Ok(system));
        }
    }

    #[test]
    fn noise_is_no_manifest(bytes in proptest::collection::vec(any::<u8>(), 0..4096)) {
        if let Ok(system) = System::decode(&bytes) {
            prop_assert_eq!(system.check(), Ok(()));
        }
    }
}

fn coded() -> &'static [u8] {
    static CODED: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
    CODED.get_or_init(|| base().entries[0].contents.clone())
}
