//! The machine that Sekisho boots on: QEMU's q35 with an AMD processor that has SVM.

use std::path::{Path, PathBuf};
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
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Time {
    /// The host's time.
    Real,
    /// Instructions, one nanosecond each: runs repeat exactly.
    Instructions,
    /// The same, and the executed ones can be asked for at a socket.
    Recorded { control_socket: PathBuf },
}

/// What a reset of the machine does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum OnReset {
    /// It starts again, as a computer would.
    StartAgain,
    /// It ends, as a test wants.
    End,
}

/// Where the machine's serial line goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum SerialLine {
    /// To standard input and output, as they are.
    Plain,
    /// To the terminal, every key but the quit key passed on.
    Terminal,
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
    pub(crate) on_reset: OnReset,
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
            on_reset: OnReset::End,
            extra: Vec::new(),
        }
    }

    /// QEMU with its serial line on standard input and output.
    pub(super) fn command(&self) -> Command {
        self.command_with(SerialLine::Plain)
    }

    fn command_with(&self, serial_line: SerialLine) -> Command {
        let mut command = Command::new(QEMU);
        command
            .args(["-M", "q35,smm=off", "-accel", "tcg", "-cpu", PROCESSOR])
            .args(["-m", &self.memory])
            .args(["-display", "none", "-nodefaults"])
            .args(["-device", "isa-debug-exit,iobase=0xf4,iosize=4"]);
        match serial_line {
            SerialLine::Plain => command.args(["-serial", "stdio"]),
            // The multiplexer gives Ctrl-A X and the monitor; signal=off passes Ctrl-C on.
            SerialLine::Terminal => command
                .args(["-chardev", "stdio,id=terminal,mux=on,signal=off"])
                .args(["-serial", "chardev:terminal", "-mon", "chardev=terminal"]),
        };
        if self.on_reset == OnReset::End {
            command.arg("-no-reboot");
        }
        self.add_time(&mut command);
        if let Some(disk) = &self.disk {
            self.add_disk(&mut command, disk);
        }
        command.arg("-kernel").arg(&self.kernel);
        command.arg("-initrd").arg(&self.root_image);
        command.args(&self.extra);
        command
    }

    fn add_time(&self, command: &mut Command) {
        match &self.time {
            Time::Real => {}
            Time::Instructions => {
                command.args(["-icount", "shift=0,sleep=off"]);
            }
            Time::Recorded { control_socket } => {
                let socket = escape_commas(&control_socket.display().to_string());
                command
                    .args(["-icount", "shift=0,rr=record,rrfile=/dev/null"])
                    .args(["-qmp", &format!("unix:{socket},server=on,wait=off")]);
            }
        }
    }

    fn add_disk(&self, command: &mut Command, disk: &Path) {
        // A write that the host cannot store must fail in the guest, not stop the machine.
        let file = escape_commas(&disk.display().to_string());
        let drive = format!("if=none,id=disk0,format=raw,werror=report,rerror=report,file={file}");
        command.args(["-drive", &drive]);
        let mut device = String::from("virtio-blk-pci,addr=4,disable-legacy=on,drive=");
        if matches!(self.time, Time::Recorded { .. }) {
            // Recording wants to see the disk's answers.
            command.args(["-drive", "if=none,id=recorder,driver=blkreplay,image=disk0"]);
            device += "recorder";
        } else {
            device += "disk0";
        }
        command.args(["-device", &device]);
    }

    /// The command line as a person would type it.
    pub(crate) fn command_line(&self) -> String {
        process::command_line(&self.command())
    }

    /// Boots with the terminal as the serial line, and waits for the end.
    pub(crate) fn boot_on_terminal(&self, timeout: Option<Duration>) -> Result<Ending> {
        let mut child = self
            .command_with(SerialLine::Terminal)
            .spawn()
            .with_context(|| format!("{QEMU} cannot be started"))?;
        match timeout {
            Some(timeout) => wait(&mut child, timeout),
            None => Ok(Ending::of(child.wait()?)),
        }
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
            terminate(child)?;
            return Ok(Ending::TimedOut);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Asks QEMU to end, so that it gives the terminal back as it was.
fn terminate(child: &mut Child) -> Result<()> {
    let request = format!("kill -TERM {}", child.id());
    let asked = Command::new("sh").args(["-c", &request]).status();
    if !asked.is_ok_and(|status| status.success()) {
        child.kill()?;
    }
    child.wait()?;
    Ok(())
}

/// A comma ends a value in QEMU's options unless it is doubled.
fn escape_commas(value: &str) -> String {
    value.replace(',', ",,")
}
