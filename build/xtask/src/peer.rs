//! The other end of the guest's tunnel: configurations for both ends, and the peer's process.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;

use anyhow::{Context, Result, bail};

use crate::process::run_quietly;
use crate::progress::step;
use crate::workspace;

/// Package and binary of the peer; it stands beside the server whose other end it is.
const TOOL: &str = "peer";

/// What the guest's end is configured with, for the volume.
const GUEST: &str = "guest.conf";
/// What the peer's end is configured with.
const PEER: &str = "peer.conf";

/// The line by which the peer says that it can be reached.
const READY: &str = "the peer listens";

/// The needs of the component that keeps a tunnel.
const TUNNEL: &str = "servers/vpn/needs.toml";

/// A peer that runs until this is dropped.
pub(crate) struct Peer(Child);

/// Whether the system has a guest with a tunnel.
pub(crate) fn is_wanted(manifest: &Path) -> Result<bool> {
    let text = fs::read_to_string(manifest)
        .with_context(|| format!("{} cannot be read", manifest.display()))?;
    let system: toml::Table = text.parse()?;
    let components = system.get("component").and_then(toml::Value::as_array);
    let is_tunnel = |component: &toml::Value| {
        let needs = component.get("needs").and_then(toml::Value::as_str);
        needs == Some(TUNNEL)
    };
    Ok(components.is_some_and(|components| components.iter().any(is_tunnel)))
}

/// The folder of the peer that belongs to a volume.
pub(crate) fn folder(image: &Path) -> PathBuf {
    let mut name = OsString::from(image);
    name.push(".peer");
    name.into()
}

/// What the peer of that folder says went wrong.
pub(crate) fn complaints(folder: &Path) -> PathBuf {
    folder.join("complaints.log")
}

/// Makes keys for both ends in a folder that is not there yet; the file for the guest's volume.
pub(crate) fn create(folder: &Path) -> Result<PathBuf> {
    run_quietly(Command::new(tool()?).arg("create").arg(folder))?;
    Ok(folder.join(GUEST))
}

/// Starts the peer whose keys are in the folder, if there are any.
pub(crate) fn start(folder: &Path) -> Result<Option<Peer>> {
    let configuration = folder.join(PEER);
    if !configuration.exists() {
        return Ok(None);
    }
    let complaints = complaints(folder);
    let mut child = Command::new(tool()?)
        .arg("serve")
        .arg(&configuration)
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
            use std::io::Write;
            let _ = writeln!(log, "{line}");
        }
    });
    Ok(Some(peer))
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Builds the tool and says where it is.
fn tool() -> Result<PathBuf> {
    let mut build = workspace::cargo();
    build.args(["build", "--quiet", "--profile", "tool", "--package", TOOL]);
    step("Building the tunnel's other end", || {
        run_quietly(&mut build)
    })?;
    Ok(workspace::path("target/tool").join(TOOL))
}
