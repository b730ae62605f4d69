//! Passphrases that are typed on a terminal.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, tcgetattr};

/// `volume create` on a terminal of its own, and the other end of that terminal.
fn create_on_a_terminal(image: &Path) -> (Child, File) {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal can be had");
    grantpt(&master).expect("it is ours");
    unlockpt(&master).expect("it can be opened");
    let name = ptsname(&master, Vec::new()).expect("it has a name");
    let name = name.into_string().expect("which is plain");
    let terminal = File::options().read(true).write(true).open(name);
    let terminal = terminal.expect("it can be opened");
    let child = Command::new("setsid")
        .args(["--ctty", "--wait", env!("CARGO_BIN_EXE_volume"), "create"])
        .arg(image)
        .args(["--size", "16M"])
        .stdin(terminal.try_clone().expect("it can be shared"))
        .stdout(terminal.try_clone().expect("it can be shared"))
        .stderr(terminal)
        .spawn();
    (child.expect("setsid is there"), master.into())
}

/// Reads up to `text` and no further.
fn read_up_to(terminal: &mut File, text: &str, seen: &mut String) {
    let mut byte = [0];
    while !seen.ends_with(text) {
        terminal.read_exact(&mut byte).expect("more is printed");
        seen.push(char::from(byte[0]));
    }
}

#[test]
fn echo_is_off_before_the_question_appears() {
    let folder = tempfile::tempdir().expect("there is room");
    let (mut child, mut terminal) = create_on_a_terminal(&folder.path().join("volume"));
    let mut seen = String::new();
    for question in ["New passphrase: ", "The same again: "] {
        read_up_to(&mut terminal, question, &mut seen);
        let modes = tcgetattr(&terminal).expect("it is a terminal").local_modes;
        assert!(!modes.contains(LocalModes::ECHO), "after {question:?}");
        terminal.write_all(b"secret\n").expect("somebody reads it");
    }
    read_up_to(&mut terminal, "created volume", &mut seen);
    assert!(!seen.contains("secret"), "{seen}");
    assert!(child.wait().expect("it ends").success());
    let modes = tcgetattr(&terminal).expect("it is a terminal").local_modes;
    assert!(modes.contains(LocalModes::ECHO));
}
