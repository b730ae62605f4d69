//! What the host must have.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A program of the host that we cannot do without.
pub(crate) struct Need {
    /// The program's name on the path, or a file's whole path.
    pub(crate) program: &'static str,
    /// What it is for.
    pub(crate) purpose: &'static str,
    /// The Debian package that holds it.
    pub(crate) package: &'static str,
}

/// What both `run` and `test` need. Linux itself comes as packages that are unpacked, not installed.
pub(crate) const ALL: [Need; 5] = [
    Need {
        program: "cc",
        purpose: "links the host tools (rustc calls it)",
        package: "gcc libc6-dev",
    },
    QEMU,
    Need {
        program: "apt-get",
        purpose: "fetches the guest's kernel and busybox, into the cache only",
        package: "apt",
    },
    Need {
        program: "dpkg-deb",
        purpose: "unpacks the guest's kernel and busybox",
        package: "dpkg",
    },
    Need {
        program: "xz",
        purpose: "unpacks the guest's kernel",
        package: "xz-utils",
    },
];

/// The emulator.
pub(crate) const QEMU: Need = Need {
    program: "qemu-system-x86_64",
    purpose: "is the machine that Sekisho boots on",
    package: "qemu-system-x86",
};

/// Makes discs that a computer starts from, by BIOS and by UEFI.
pub(crate) const DISC: [Need; 5] = [
    Need {
        program: "grub-mkrescue",
        purpose: "makes a disc with a boot loader",
        package: "grub-common",
    },
    Need {
        program: "/usr/lib/grub/i386-pc/moddep.lst",
        purpose: "is the boot loader for a BIOS",
        package: "grub-pc-bin",
    },
    Need {
        program: "/usr/lib/grub/x86_64-efi/moddep.lst",
        purpose: "is the boot loader for UEFI",
        package: "grub-efi-amd64-bin",
    },
    Need {
        program: "xorriso",
        purpose: "writes the disc's file system",
        package: "xorriso",
    },
    Need {
        program: "mformat",
        purpose: "writes the disc's part for UEFI",
        package: "mtools",
    },
];

/// The other end of measurements of throughput.
pub(crate) const IPERF3: Need = Need {
    program: "iperf3",
    purpose: "receives and sends what a guest's tunnel is measured with",
    package: "iperf3",
};

/// UEFI for the emulator.
pub(crate) const OVMF: Need = Need {
    program: "/usr/share/OVMF/OVMF_CODE_4M.fd",
    purpose: "is the UEFI that the emulator starts a disc with",
    package: "ovmf",
};

/// A peer of another make for tunnels, and the network between.
pub(crate) const WIREGUARD: [Need; 3] = [
    Need {
        program: "wireguard-go",
        purpose: "is the other end of a tunnel in a test",
        package: "wireguard-go",
    },
    Need {
        program: "wg",
        purpose: "configures it",
        package: "wireguard-tools",
    },
    Need {
        program: "ip",
        purpose: "makes a network for it",
        package: "iproute2",
    },
];

/// Another peer for tunnels. Debian does not have it, so it is used where it is installed.
pub(crate) const BORINGTUN: Need = Need {
    program: "boringtun-cli",
    purpose: "is the other end of a tunnel in a test",
    package: "",
};

/// Reads a tunnel's messages with its keys: 128 MB with what it needs, so only for the full tests.
pub(crate) const TSHARK: Need = Need {
    program: "tshark",
    purpose: "reads a tunnel's messages in a test",
    package: "tshark",
};

/// Whether the host has what is needed.
pub(crate) enum Presence {
    /// It is there and reports this version.
    Found { path: PathBuf, version: String },
    /// It is not there.
    Missing,
}

impl Need {
    /// What to call it in a list: the program, or for other files the package.
    pub(crate) fn name(&self) -> &'static str {
        if self.program.starts_with('/') {
            self.package
        } else {
            self.program
        }
    }

    /// Looks for the program on the path.
    pub(crate) fn look(&self) -> Presence {
        match find(self.program) {
            Some(path) => {
                let version = version(&path);
                Presence::Found { path, version }
            }
            None => Presence::Missing,
        }
    }

    /// Whether the program is on the path.
    pub(crate) fn is_met(&self) -> bool {
        find(self.program).is_some()
    }
}

/// Finds a program on the path, or a file by its whole path.
pub(super) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

/// The first line of what `--version` prints.
fn version(program: &Path) -> String {
    let output = Command::new(program).arg("--version").output();
    let text = output.map(|output| output.stdout).unwrap_or_default();
    let text = String::from_utf8_lossy(&text).into_owned();
    text.lines().next().unwrap_or("present").to_owned()
}
