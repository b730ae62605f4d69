//! A scenario's file.

use std::fs;
use std::path::Path;

use anyhow::{Result, bail, ensure};
use serde::Deserialize;

use super::damage::Damage;
use super::foreign::Make;
use super::inside::Inside;
use super::outside::{Deed, Outside};
use super::wire::Wire;
use crate::guest::Extra;
use crate::qemu::{Firmware, OnReset};

/// One scenario.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Scenario {
    /// The file's name.
    #[serde(skip)]
    pub(crate) name: String,
    /// What it shows, in one sentence.
    pub(crate) about: String,
    /// Bound of each boot.
    #[serde(default = "default_timeout")]
    pub(crate) timeout_seconds: u64,
    /// Whose program is the other end of its guests' tunnels.
    #[serde(default)]
    pub(crate) peer: PeerMake,
    /// Texts that no disk image must hold after the last boot.
    #[serde(default)]
    pub(crate) disk_must_not_contain: Vec<String>,
    /// The boots, in order, on the same disk.
    pub(crate) boot: Vec<Boot>,
}

/// One start of the machine.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Boot {
    /// A package whose program is the whole root image.
    pub(crate) program: Option<String>,
    /// Or a whole system by its manifest.
    pub(crate) system: Option<String>,
    /// What is different in this system, for the scenario.
    pub(crate) changes: Option<String>,
    /// Or no machine, but commands for the host's shell, such as a user might type.
    pub(crate) host: Option<String>,
    /// Cargo features of the program, or of the system's root server.
    pub(crate) features: Option<String>,
    /// Cargo features of the kernel: by default none for a system, `debug` for a program.
    pub(crate) kernel_features: Option<String>,
    /// The firmware that starts it from a disc; without it QEMU itself loads the kernel.
    pub(crate) firmware: Option<Firmware>,
    /// Memory of the machine, as QEMU writes it.
    pub(crate) memory: Option<String>,
    /// What the machine's clock counts.
    #[serde(default)]
    pub(crate) clock: Clock,
    /// Further arguments for QEMU.
    #[serde(default)]
    pub(crate) qemu: Vec<String>,
    /// Ports of the host's loopback at which every datagram is sent back.
    #[serde(default)]
    pub(crate) udp_echo: Vec<u16>,
    /// The network outside, in the place of QEMU's own.
    pub(crate) outside: Option<Outside>,
    /// What may be seen on the wire.
    pub(crate) wire: Option<Wire>,
    /// What each peer sees inside its tunnel, in the order of the volumes.
    #[serde(default)]
    pub(crate) inside: Vec<Inside>,
    /// What happens to the disk.
    #[serde(default)]
    pub(crate) disk: Option<Damage>,
    /// Whether the volume's passphrase is typed when it is asked for.
    #[serde(default)]
    pub(crate) passphrase: Passphrase,
    /// Programs that the guest has besides.
    #[serde(default)]
    pub(crate) guest_programs: Vec<Extra>,
    /// A command for the guest's shell.
    pub(crate) exec: Option<String>,
    /// Its exit status.
    #[serde(default)]
    pub(crate) exec_status: u8,
    /// Texts that the command must print, in this order.
    #[serde(default)]
    pub(crate) exec_expect: Vec<String>,
    /// What is typed and done, each once its text has appeared behind the one before.
    #[serde(default)]
    pub(crate) send: Vec<Send>,
    /// Texts that must appear, those of one component ("[name] ...") in this order.
    #[serde(default)]
    pub(crate) expect: Vec<String>,
    /// Texts that must not appear.
    #[serde(default)]
    pub(crate) forbid: Vec<String>,
    /// The text behind which the guest says again and again what its clock shows, as seconds since 1970 and ` s`:
    /// it must go like the host's.
    pub(crate) guest_clock: Option<String>,
    /// How the machine must end.
    pub(crate) ending: Option<ExpectedEnding>,
    /// Machine code that is the whole guest kernel.
    pub(crate) guest_code: Option<Vec<u8>>,
    /// What a reset of the machine does: by default it ends.
    pub(crate) on_reset: Option<OnReset>,
    /// The machine loses its power when this text appears.
    pub(crate) cut_power_after: Option<String>,
    /// Whether the host's shell has a terminal.
    #[serde(default)]
    pub(crate) terminal: bool,
    /// The exit status of the host's shell.
    #[serde(default)]
    pub(crate) host_status: i32,
}

/// Keystrokes, or deeds in the network outside.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Send {
    /// The text on the console that they wait for. The network's own remarks stand there as "[outside] ...".
    pub(crate) after: String,
    /// What is done first.
    #[serde(default)]
    pub(crate) deeds: Vec<Deed>,
    /// What is typed.
    #[serde(default)]
    pub(crate) text: String,
}

/// Whose program is the other end of a tunnel.
#[derive(Deserialize, Default, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum PeerMake {
    /// Ours, on the host's loopback.
    #[default]
    Ours,
    /// Of another make, in a network of namespaces: the host must be able to make one.
    #[serde(untagged)]
    Foreign(Make),
}

/// What the machine's clock counts.
#[derive(Deserialize, Default, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Clock {
    /// The host's time.
    #[default]
    Host,
    /// Instructions, so that runs repeat exactly.
    Instructions,
    /// Instructions, and the host's time while the machine sleeps: seen from a slow machine the world outside is fast,
    /// so nothing comes too late.
    Paced,
}

/// Who types the volume's passphrase.
#[derive(Deserialize, Default, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Passphrase {
    /// The runner, the right one.
    #[default]
    Typed,
    /// The scenario, by `send`, or nobody.
    Manual,
}

/// How a machine must end.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ExpectedEnding {
    /// The program reported success.
    Passed,
    /// The program reported a failure.
    Failed,
    /// The machine powered off or was reset.
    PoweredOff,
    /// The kernel panicked.
    KernelPanicked,
    /// It was still running when its time was up.
    TimedOut,
    /// It lost its power.
    PowerCut,
}

/// Seconds that bound a hang, and no slow machine: ten times what a boot takes on a common one.
fn default_timeout() -> u64 {
    900
}

impl Scenario {
    /// Reads and checks a scenario.
    pub(crate) fn read(file: &Path) -> Result<Scenario> {
        let mut scenario: Scenario = toml::from_str(&fs::read_to_string(file)?)?;
        scenario.name = file
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        ensure!(!scenario.boot.is_empty(), "it boots nothing");
        for boot in &scenario.boot {
            boot.check()?;
            let has_deeds = boot.send.iter().any(|send| !send.deeds.is_empty());
            let has_outside = boot.outside.is_some() || scenario.peer != PeerMake::Ours;
            ensure!(has_outside || !has_deeds, "`deeds` need an `outside`");
        }
        Ok(scenario)
    }
}

impl Boot {
    fn check(&self) -> Result<()> {
        match (&self.program, &self.system, &self.host) {
            (Some(_), None, None) => {
                ensure!(self.exec.is_none(), "`exec` needs a system with a guest");
                ensure!(self.disk.is_none(), "a program has no disk");
            }
            // The features are then the root server's.
            (None, Some(_), None) => {}
            (None, None, Some(_)) => {
                ensure!(self.exec.is_none(), "`exec` needs a system with a guest");
                ensure!(self.ending.is_none(), "`host` has a `host-status`");
            }
            _ => bail!("a boot has one of `program`, `system` and `host`"),
        }
        let has_what_changes = self.changes.is_none() || self.system.is_some();
        ensure!(has_what_changes, "`changes` need a `system`");
        Ok(())
    }

    /// How the machine must end.
    pub(crate) fn expected_ending(&self) -> ExpectedEnding {
        self.ending
            .unwrap_or(match (&self.cut_power_after, &self.system) {
                (Some(_), _) => ExpectedEnding::PowerCut,
                (None, Some(_)) => ExpectedEnding::PoweredOff,
                (None, None) => ExpectedEnding::Passed,
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaint(text: &str) -> String {
        let folder = std::env::temp_dir().join(format!("xtask-scenario-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("the temporary folder is writable");
        let file = folder.join(format!("{}.toml", text.len()));
        fs::write(&file, text).expect("the temporary folder is writable");
        let result = Scenario::read(&file);
        fs::remove_file(&file).expect("it was just written");
        result
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default()
    }

    #[test]
    fn a_program_alone_is_a_scenario() {
        assert_eq!(
            complaint("about = 'x'\n[[boot]]\nprogram = 'test-ipc'\n"),
            ""
        );
    }

    #[test]
    fn contradictions_are_refused() {
        assert_eq!(complaint("about = 'x'\nboot = []\n"), "it boots nothing");
        assert_eq!(
            complaint("about = 'x'\n[[boot]]\nmemory = '1G'\n"),
            "a boot has one of `program`, `system` and `host`"
        );
        assert_eq!(
            complaint("about = 'x'\n[[boot]]\nprogram = 'p'\nexec = 'true'\n"),
            "`exec` needs a system with a guest"
        );
        assert_eq!(
            complaint("about = 'x'\n[[boot]]\nprogram = 'p'\nchanges = 'c'\n"),
            "`changes` need a `system`"
        );
        assert!(complaint("about = 'x'\n[[boot]]\nprogrm = 'p'\n").contains("unknown field"));
    }
}
