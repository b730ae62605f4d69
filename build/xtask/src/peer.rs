//! The other end of a guest's tunnel: configurations for both ends, and the peer's process.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread;

use anyhow::{Context, Result, bail};

use crate::process::{run_for_user, run_quietly};
use crate::progress::step;
use crate::workspace;

/// Package and binary of the peer; it stands beside the server whose other end it is.
const PACKAGE: &str = "peer";

/// What the guest's end is configured with, for the volume.
const GUEST: &str = "guest.conf";
/// What the peer's end is configured with.
const PEER: &str = "peer.conf";

/// The line by which the peer says that it can be reached.
const READY: &str = "the peer listens";

/// A peer that runs until this is dropped.
pub(crate) struct Peer(Child);

/// The folder of the peer that belongs to a volume.
pub(crate) fn folder(image: &Path) -> PathBuf {
    let mut name = OsString::from(image);
    name.push(".peer");
    name.into()
}

/// Where the guest's end lies as long as its volume does not have it.
pub(crate) fn guest_keys(folder: &Path) -> PathBuf {
    folder.join(GUEST)
}

/// What the peer of that folder says went wrong.
pub(crate) fn complaints(folder: &Path) -> PathBuf {
    folder.join("complaints.log")
}

/// Makes keys for both ends of the tunnel with this number in a folder that is not there yet; the file for the
/// guest's volume. The machine finds the host at `host`, or where QEMU's own network has it.
pub(crate) fn create(folder: &Path, tunnel: usize, host: Option<IpAddr>) -> Result<PathBuf> {
    let mut command = Command::new(tool()?);
    command.arg("create").arg(folder);
    command.args(["--tunnel", &tunnel.to_string()]);
    if let Some(host) = host {
        command.arg("--host").arg(host.to_string());
    }
    run_quietly(&mut command)?;
    Ok(folder.join(GUEST))
}

/// Checks a user's own configuration of the guest's end and puts it into the folder, with names of endpoints looked up;
/// no peer stands there any more. The file for the guest's volume.
pub(crate) fn adopt(own: &Path, folder: &Path) -> Result<PathBuf> {
    let mut command = Command::new(tool()?);
    let said = run_for_user(command.arg("adopt").arg(own).arg(folder))?;
    eprint!("{said}");
    Ok(folder.join(GUEST))
}

/// Starts the peer whose keys are in the folder, if there are any. It writes what it sees inside the tunnel to the
/// file `capture`.
pub(crate) fn start(folder: &Path, capture: Option<&Path>) -> Result<Option<Peer>> {
    let capture = capture.map(|file| {
        let mut argument = OsString::from("--capture=");
        argument.push(file);
        argument
    });
    serve(folder, capture)
}

/// Starts the peer with a further argument.
fn serve(folder: &Path, argument: Option<OsString>) -> Result<Option<Peer>> {
    let configuration = folder.join(PEER);
    if !configuration.exists() {
        return Ok(None);
    }
    let complaints = complaints(folder);
    let mut child = Command::new(tool()?)
        .arg("serve")
        .arg(&configuration)
        .args(argument)
        // It ends when this pipe does: also if this tool is killed.
        .arg("--until-input-ends")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(File::create(&complaints)?)
        .spawn()
        .context("the peer cannot be started")?;
    let output = child.stdout.take().context("the peer has no output")?;
    let peer = Peer(child);
    let mut lines = BufReader::new(output).lines();
    match lines.next().transpose()? {
        Some(line) if line.starts_with(READY) => {}
        _ => {
            let said = fs::read_to_string(&complaints)?;
            bail!("the other end of the tunnel did not start: {}", said.trim());
        }
    }
    // Keeps what it says, and its pipe from filling.
    let mut log = File::create(folder.join("sessions.log"))?;
    thread::spawn(move || {
        for line in lines.map_while(Result::ok) {
            let _ = writeln!(log, "{line}");
        }
    });
    Ok(Some(peer))
}

impl Peer {
    /// Has it begin a new session.
    pub(crate) fn renew(&mut self) -> Result<()> {
        let input = self.0.stdin.as_mut().context("the peer has no input")?;
        writeln!(input, "renew").context("the tunnel's other end has ended")
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Builds the tool, once, and says where it is.
fn tool() -> Result<PathBuf> {
    static TOOL: Mutex<Option<PathBuf>> = Mutex::new(None);
    // Who panicked while building has built nothing.
    let mut tool = TOOL.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(built) = &*tool {
        return Ok(built.clone());
    }
    let mut build = workspace::cargo();
    build.args([
        "build",
        "--quiet",
        "--profile",
        "tool",
        "--package",
        PACKAGE,
    ]);
    step("Building the tunnel's other end", || {
        run_quietly(&mut build)
    })?;
    Ok(tool
        .insert(workspace::path("target/tool").join(PACKAGE))
        .clone())
}
