//! The program as its users run it.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::process::{Command, Output};

use tempfile::TempDir;

struct Folder(TempDir);

impl Folder {
    /// A folder with passphrase files `a`, `b` and a volume `image` that `a` opens.
    fn with_volume() -> Self {
        let folder = Self(TempDir::new().expect("the host has room"));
        folder.write("a", b"first passphrase\n");
        folder.write("b", b"second passphrase");
        let output = folder.run("create image --size 16M --passphrase-file a");
        assert!(output.status.success(), "{}", said(&output));
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, contents: &[u8]) {
        fs::write(self.path(name), contents).expect("the host has room");
    }

    fn run(&self, arguments: &str) -> Output {
        Command::new(env!("CARGO_BIN_EXE_volume"))
            .current_dir(self.0.path())
            .args(arguments.split(' '))
            .output()
            .expect("the program starts")
    }

    fn succeed(&self, arguments: &str) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments}: {}", said(&output));
        String::from_utf8(output.stdout).expect("it speaks UTF-8")
    }

    fn fail(&self, arguments: &str, reason: &str) {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments}");
        let said = said(&output);
        assert!(said.contains(reason), "{arguments}: {said}");
    }

    fn overwrite(&self, name: &str, offset: u64, bytes: &[u8]) {
        OpenOptions::new()
            .write(true)
            .open(self.path(name))
            .and_then(|file| file.write_all_at(bytes, offset))
            .expect("the image is there");
    }

    fn inspect(&self) -> serde_json::Value {
        serde_json::from_str(&self.succeed("inspect image --json")).expect("it is JSON")
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_new_volume_is_sparse_and_can_be_inspected() {
    let folder = Folder::with_volume();
    let report = folder.inspect();
    assert_eq!(report["device_bytes"], 16 << 20);
    assert!(
        report["data_bytes"]
            .as_u64()
            .is_some_and(|bytes| bytes > 13 << 20)
    );
    assert_eq!(report["slots"].as_array().map(Vec::len), Some(1));
    assert_eq!(report["slots"][0]["memory_kib"], 19 * 1024);
    assert_eq!(report["header_copies"][1], "intact");
    assert_eq!(report["root_copies"][1]["state"], "intact");
    let text = folder.succeed("inspect image");
    assert!(text.contains("Argon2id with 19456 KiB, 2 passes"), "{text}");
    folder.succeed("create large --size 1T --passphrase-file a");
    let blocks = std::os::unix::fs::MetadataExt::blocks(
        &fs::metadata(folder.path("large")).expect("it was created"),
    );
    assert!(blocks < 200, "{blocks} sectors of the host");
}

#[test]
fn nothing_is_overwritten_unasked() {
    let folder = Folder::with_volume();
    folder.fail(
        "create image --size 16M --passphrase-file a",
        "is a volume already",
    );
    folder.write("letter", b"Dear reader");
    folder.fail(
        "create letter --size 16M --passphrase-file a",
        "is not empty",
    );
    let letter = fs::read(folder.path("letter")).expect("it is there");
    assert_eq!(letter, b"Dear reader");
    folder.succeed("create letter --size 16M --force --passphrase-file a");
    folder.succeed("inspect letter");
}

#[test]
fn slots_come_and_go_but_the_last_one_stays() {
    let folder = Folder::with_volume();
    folder.fail(
        "add-slot image --passphrase-file b --new-passphrase-file b",
        "no key slot opens",
    );
    folder.succeed("add-slot image --passphrase-file a --new-passphrase-file b");
    folder.fail("remove-slot image 5 --passphrase-file b", "not in use");
    folder.succeed("remove-slot image 0 --passphrase-file b");
    folder.fail(
        "add-slot image --passphrase-file a --new-passphrase-file a",
        "no key slot opens",
    );
    folder.fail(
        "remove-slot image 1 --passphrase-file b",
        "only key slot in use",
    );
    folder.succeed("change-passphrase image --passphrase-file b --new-passphrase-file a");
    folder.fail(
        "remove-slot image 1 --passphrase-file b",
        "no key slot opens",
    );
    folder.fail(
        "remove-slot image 1 --passphrase-file a",
        "only key slot in use",
    );
    assert_eq!(folder.inspect()["slots"][0]["number"], 1);
}

#[test]
fn a_saved_header_brings_a_destroyed_one_back() {
    let folder = Folder::with_volume();
    folder.succeed("backup-header image saved");
    folder.fail("backup-header image saved", "exists");
    folder.overwrite("image", 0, &[0xff; 4096]);
    let report = folder.inspect();
    assert_eq!(report["header_copies"][1], "intact");
    assert_ne!(report["header_copies"][0], "intact");
    folder.overwrite("image", (16 << 20) - 4096, &[0; 4096]);
    folder.fail("inspect image", "not a Sekisho volume");
    folder.fail("restore-header image saved", "--force");
    folder.succeed("restore-header image saved --force");
    folder.succeed("add-slot image --passphrase-file a --new-passphrase-file b");
    folder.succeed("create other --size 16M --passphrase-file a");
    folder.fail("restore-header other saved", "another volume");
    folder.fail("restore-header image a", "a saved header has 4096 bytes");
}

#[test]
fn what_cannot_be_done_is_said() {
    let folder = Folder::with_volume();
    folder.fail("inspect nowhere", "No such file");
    folder.fail("create new --passphrase-file a", "--size is needed");
    assert!(!folder.path("new").exists());
    folder.fail("create new --size 1M --passphrase-file a", "too small");
    assert!(!folder.path("new").exists());
    folder.write("empty", b"");
    folder.fail(
        "create new --size 16M --passphrase-file empty",
        "must not be empty",
    );
    folder.fail("create new --size 16M", "no terminal");
    folder.overwrite("image", 10, &[9]);
    folder.overwrite("image", (16 << 20) - 4096 + 10, &[9]);
    folder.fail("inspect image", "damaged");
}

#[test]
fn an_image_that_was_cut_short_is_named_as_such() {
    let folder = Folder::with_volume();
    let image = OpenOptions::new().write(true).open(folder.path("image"));
    image
        .and_then(|image| image.set_len(8 << 20))
        .expect("files can be cut");
    folder.fail("inspect image", "the disk was cut short");
}

#[test]
fn blocks_are_located_without_a_change() {
    let folder = Folder::with_volume();
    // A damaged copy of the header would be repaired by a start of the system.
    folder.overwrite("image", 100, &[0xff]);
    let before = fs::read(folder.path("image")).expect("it is there");
    let said = folder.succeed("locate image 0 3000 --passphrase-file a");
    assert_eq!(
        said,
        "block 0 was never written\nblock 3000 was never written\n"
    );
    folder.fail(
        "locate image 1000000 --passphrase-file a",
        "reaches beyond the volume",
    );
    folder.fail("locate image 0 --passphrase-file b", "no key slot opens");
    assert!(before == fs::read(folder.path("image")).expect("it is there"));
}

#[test]
fn keys_are_kept_and_never_shown() {
    let folder = Folder::with_volume();
    let secret = "PrivateKey = a secret that nobody prints\n";
    folder.write("tunnel", secret.as_bytes());
    let said = folder.succeed("keys image --set tunnel --passphrase-file a");
    assert_eq!(said, "the key store holds 41 bytes\n");
    folder.write("other", b"PrivateKey = another\n");
    let offer = "keys image --set other --if-empty --passphrase-file a";
    let refused = folder.run(offer);
    assert_eq!(refused.status.code(), Some(3));
    assert_eq!(
        refused.stdout,
        b"the key store holds a text already, which stays\n"
    );
    let first = folder.inspect()["data_bytes"].as_u64().expect("it is one") / 4096;
    // The store's sixteen blocks lie behind the guest's.
    let located = |block: u64| {
        let said = folder.succeed(&format!("locate image {block} --passphrase-file a"));
        said.trim().rsplit_once(' ').map(|(_, end)| end.to_owned())
    };
    assert_eq!(located(first - 1).as_deref(), Some("written"));
    assert!(located(first).is_some_and(|place| place.parse::<u64>().is_ok()));
    assert!(located(first + 14).is_some_and(|place| place.parse::<u64>().is_ok()));
    // The last one is its reader's.
    assert_eq!(located(first + 15).as_deref(), Some("written"));
    folder.fail(
        &format!("locate image {} --passphrase-file a", first + 16),
        "reaches beyond the volume",
    );
    let image = fs::read(folder.path("image")).expect("it is there");
    let text = secret.as_bytes();
    assert!(!image.windows(text.len()).any(|window| window == text));
    assert_eq!(folder.inspect()["key_store_bytes"], 65_536);
    assert_eq!(folder.inspect()["format_version"], 3);
    let said = folder.succeed("keys image --clear --passphrase-file a");
    assert_eq!(said, "the key store is empty\n");
    assert_eq!(folder.succeed(offer), "the key store holds 21 bytes\n");
}

#[test]
fn keys_that_cannot_be_kept_are_refused() {
    let folder = Folder::with_volume();
    folder.write("empty", b"");
    folder.write("long", &[b'k'; 61_437]);
    folder.write("fits", &[b'k'; 61_436]);
    folder.fail("keys image --set empty --passphrase-file a", "is empty");
    folder.fail("keys image --set long --passphrase-file a", "is too long");
    folder.succeed("keys image --set fits --passphrase-file a");
    folder.fail(
        "keys image --set nowhere --passphrase-file a",
        "No such file",
    );
    folder.fail(
        "keys image --set fits --passphrase-file b",
        "no key slot opens",
    );
    for arguments in ["keys image", "keys image --set fits --clear"] {
        assert_eq!(folder.run(arguments).status.code(), Some(2), "{arguments}");
    }
}
