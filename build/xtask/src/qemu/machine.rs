//! The machine that Sekisho boots on: QEMU's q35 with an AMD processor that has SVM.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::Ending;
use crate::process;

const QEMU: &str = "qemu-system-x86_64";

/// An EPYC less what the emulator lacks, which it would warn about line by line.
const PROCESSOR: &str = "EPYC,+svm,-rdseed,-sha-ni,-fxsr-opt,-misalignsse,-3dnowprefetch,-osvw,\
    -topoext,-nrip-save,-xsavec";

/// What the machine's clock counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Time {
    /// The host's time.
    Real,
    /// Instructions, one nanosecond each: runs repeat exactly.
    Instructions,
}

/// A machine that is ready to be switched on.
pub(crate) struct Machine {
    kernel: PathBuf,
    root_image: PathBuf,
    /// Memory, as QEMU writes it.
    pub(crate) memory: String,
    pub(crate) time: Time,
    /// Image file of the disk.
    pub(crate) disk: Option<PathBuf>,
    /// Further arguments for QEMU.
    pub(crate) extra: Vec<String>,
}

impl Machine {
    /// A machine with 2 GiB that runs in the host's time.
    pub(crate) fn new(kernel: PathBuf, root_image: PathBuf) -> Machine {
        Machine {
            kernel,
            root_image,
            memory: "2G".into(),
            time: Time::Real,
            disk: None,
            extra: Vec::new(),
        }
    }

    /// QEMU's command line with its serial line on standard input and output.
    pub(super) fn command(&self) -> Command {
        let mut command = Command::new(QEMU);
        command
            .args(["-M", "q35,smm=off", "-accel", "tcg", "-cpu", PROCESSOR])
            .args(["-m", &self.memory])
            .args(["-display", "none", "-no-reboot", "-nodefaults"])
            .args(["-device", "isa-debug-exit,iobase=0xf4,iosize=4"])
            .args(["-serial", "stdio"]);
        if self.time == Time::Instructions {
            command.args(["-icount", "shift=0,sleep=off"]);
        }
        if let Some(disk) = &self.disk {
            // A write that the host cannot store must fail in the guest, not stop the machine.
            let drive = format!(
                "if=none,id=disk0,format=raw,werror=report,rerror=report,file={}",
                escape_commas(&disk.display().to_string())
            );
            command.args(["-drive", &drive]).args([
                "-device",
                "virtio-blk-pci,drive=disk0,addr=4,disable-legacy=on",
            ]);
        }
        command.arg("-kernel").arg(&self.kernel);
        command.arg("-initrd").arg(&self.root_image);
        command.args(&self.extra);
        command
    }

    /// The command line as a person would type it.
    pub(crate) fn command_line(&self) -> String {
        process::command_line(&self.command())
    }

    /// Boots without input, the serial line on standard output, and waits for the end.
    pub(crate) fn boot_to_stdout(&self, timeout: Duration) -> Result<Ending> {
        let mut child = self
            .command()
            .stdin(Stdio::null())
            .spawn()
            .with_context(|| format!("{QEMU} cannot be started"))?;
        wait(&mut child, timeout)
    }
}

/// Waits for the end of QEMU, and stops it when the time is up.
fn wait(child: &mut Child, timeout: Duration) -> Result<Ending> {
    let deadline = Instant::now() + timeout;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Ending::of(status));
        }
        if Instant::now() >= deadline {
            child.kill()?;
            child.wait()?;
            return Ok(Ending::TimedOut);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A comma ends a value in QEMU's options unless it is doubled.
fn escape_commas(value: &str) -> String {
    value.replace(',', ",,")
}
