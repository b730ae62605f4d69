//! The machine that Sekisho boots on: QEMU's q35 with an AMD processor that has SVM.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde::Deserialize;

use super::{Ending, Network};
use crate::{host, process};

const QEMU: &str = "qemu-system-x86_64";

/// The firmware's variables as they are before its first start, beside its code.
const OVMF_VARIABLES: &str = "/usr/share/OVMF/OVMF_VARS_4M.fd";

/// An EPYC less what the emulator lacks, which it would warn about line by line.
const PROCESSOR: &str = "EPYC,+svm,-rdseed,-sha-ni,-fxsr-opt,-misalignsse,-3dnowprefetch,-osvw,\
    -topoext,-nrip-save,-xsavec";

/// What the machine's clock counts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Time {
    /// The host's time.
    Real,
    /// Instructions, one nanosecond each, and sleeping takes none of the host's time: runs repeat exactly.
    Instructions,
    /// Instructions, but sleeping takes as long as on the host: for a machine that waits for somebody outside, and
    /// shall not miss him because its host is slow.
    Paced,
    /// The same, and the executed ones can be asked for at a socket.
    Recorded { control_socket: PathBuf },
}

/// What the machine starts from.
enum Start {
    /// QEMU itself loads the kernel, and the root image as its module.
    Loaded {
        kernel: PathBuf,
        root_image: PathBuf,
    },
    /// Firmware finds a boot loader on a disc.
    Disc { image: PathBuf, firmware: Firmware },
}

/// The machine's firmware, as a disc's boot loader meets it.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Firmware {
    /// A PC BIOS, which QEMU brings along.
    Seabios,
    /// UEFI.
    Ovmf,
}

/// What a reset of the machine does.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(rename_all = "kebab-case")]
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
    start: Start,
    /// Memory, as QEMU writes it.
    pub(crate) memory: String,
    pub(crate) time: Time,
    /// Image file of the disk.
    pub(crate) disk: Option<PathBuf>,
    /// Image file of the second disk, if it has one.
    pub(crate) second_disk: Option<PathBuf>,
    /// What its network card is connected to, if it has one.
    pub(crate) network: Option<Network>,
    pub(crate) on_reset: OnReset,
    /// Further arguments for QEMU.
    pub(crate) extra: Vec<String>,
    /// A program with arguments that starts QEMU; empty when it is started as it is.
    pub(crate) launcher: Vec<String>,
}

impl Machine {
    /// A machine with 2 GiB that runs in the host's time and needs no boot loader.
    pub(crate) fn new(kernel: PathBuf, root_image: PathBuf) -> Machine {
        Machine::starting(Start::Loaded { kernel, root_image })
    }

    /// The same machine, started by firmware from a disc.
    pub(crate) fn with_disc(image: PathBuf, firmware: Firmware) -> Machine {
        Machine::starting(Start::Disc { image, firmware })
    }

    fn starting(start: Start) -> Machine {
        Machine {
            start,
            memory: "2G".into(),
            time: Time::Real,
            disk: None,
            second_disk: None,
            network: None,
            on_reset: OnReset::End,
            extra: Vec::new(),
            launcher: Vec::new(),
        }
    }

    /// How many disks it has.
    pub(crate) fn disks(&self) -> usize {
        [&self.disk, &self.second_disk]
            .into_iter()
            .flatten()
            .count()
    }

    /// QEMU with its serial line on standard input and output.
    pub(super) fn command(&self) -> Command {
        self.command_with(SerialLine::Plain)
    }

    fn command_with(&self, serial_line: SerialLine) -> Command {
        let mut words = self.launcher.iter().map(String::as_str).chain([QEMU]);
        let mut command = Command::new(words.next().unwrap_or(QEMU));
        command
            .args(words)
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
            self.add_disk(&mut command, disk, "disk0", 4);
        }
        if let Some(disk) = &self.second_disk {
            self.add_disk(&mut command, disk, "disk1", 6);
        }
        if let Some(network) = &self.network {
            network.add(&mut command, &self.time, &self.extra);
        }
        self.add_start(&mut command);
        command.args(&self.extra);
        command
    }

    fn add_start(&self, command: &mut Command) {
        match &self.start {
            Start::Loaded { kernel, root_image } => {
                command.arg("-kernel").arg(kernel);
                command.arg("-initrd").arg(root_image);
            }
            Start::Disc { image, firmware } => {
                if *firmware == Firmware::Ovmf {
                    add_flash(command, host::OVMF.program, "readonly=on");
                    // What the firmware writes is forgotten: every start is a first one.
                    add_flash(command, OVMF_VARIABLES, "snapshot=on");
                }
                command.arg("-cdrom").arg(image);
            }
        }
    }

    fn add_time(&self, command: &mut Command) {
        match &self.time {
            Time::Real => {}
            Time::Instructions => {
                command.args(["-icount", "shift=0,sleep=off"]);
            }
            Time::Paced => {
                command.args(["-icount", "shift=0"]);
            }
            Time::Recorded { control_socket } => {
                let socket = escape_commas(&control_socket.display().to_string());
                command
                    .args(["-icount", "shift=0,rr=record,rrfile=/dev/null"])
                    .args(["-qmp", &format!("unix:{socket},server=on,wait=off")]);
            }
        }
    }

    /// Adds a disk at device `place` of the first PCI bus.
    fn add_disk(&self, command: &mut Command, disk: &Path, name: &str, place: u8) {
        // A write that the host cannot store must fail in the guest, not stop the machine.
        let file = escape_commas(&disk.display().to_string());
        let drive = format!("if=none,id={name},format=raw,werror=report,rerror=report,file={file}");
        command.args(["-drive", &drive]);
        let mut drive = name.to_owned();
        if matches!(self.time, Time::Recorded { .. }) {
            // Recording wants to see the disk's answers.
            drive = format!("{name}-recorder");
            let recorder = format!("if=none,id={drive},driver=blkreplay,image={name}");
            command.args(["-drive", &recorder]);
        }
        let device = format!("virtio-blk-pci,addr={place},disable-legacy=on,drive={drive}");
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

/// Adds one of the two chips that UEFI lives in.
fn add_flash(command: &mut Command, file: &str, mode: &str) {
    let drive = format!("if=pflash,format=raw,{mode},file={file}");
    command.args(["-drive", &drive]);
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
pub(super) fn escape_commas(value: &str) -> String {
    value.replace(',', ",,")
}
