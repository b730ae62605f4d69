//! How freestanding programs are built: the kernel image and everything that runs on it.
//!
//! They use the host's target without its C library, so the flags travel by `--config` from here
//! and not in `.cargo/config.toml`, where host tools would get them too. The explicit `--target`
//! keeps build scripts and procedural macros exempt.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process::run_quietly;
use crate::workspace::{self, Metadata, Package, Processor};

/// The host's target, used freestanding.
pub(crate) const TARGET: &str = "x86_64-unknown-linux-gnu";

/// The package that is the kernel image.
pub(crate) const KERNEL: &str = "kernel-image";

/// The kernel's feature that root programs of tests and benches need: they print by its debug calls.
/// Systems run on the kernel without it.
pub(crate) const KERNEL_DEBUG: &str = "debug";

/// Where a program runs, which decides its flags.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Home {
    /// Ring 0.
    Kernel,
    /// User mode on the kernel.
    User,
    /// User mode, on the processors that the root server insists on.
    UserV3,
}

impl Home {
    /// Every place.
    pub(crate) const ALL: [Home; 3] = [Home::Kernel, Home::User, Home::UserV3];

    /// The packages of all programs that run in user mode.
    pub(crate) fn user_packages(metadata: &Metadata) -> impl Iterator<Item = &Package> {
        let homes = [Home::User, Home::UserV3];
        homes.into_iter().flat_map(|home| home.packages(metadata))
    }

    /// The packages whose programs run here.
    pub(crate) fn packages(self, metadata: &Metadata) -> impl Iterator<Item = &Package> {
        metadata
            .packages
            .iter()
            .filter(move |package| Home::of(package) == Some(self))
    }

    /// Where the programs of a package run, or nothing when they are no freestanding programs.
    pub(crate) fn of(package: &Package) -> Option<Home> {
        let folder = package.folder();
        if package.binaries().next().is_none() || folder.ends_with("tool") {
            None
        } else if package.name == KERNEL {
            Some(Home::Kernel)
        } else if ["servers", "vmm-partition", "qemu-tests"]
            .iter()
            .any(|top| folder.starts_with(top))
        {
            Some(match package.processor() {
                None => Home::User,
                Some(Processor::V3) => Home::UserV3,
            })
        } else {
            None
        }
    }

    fn target_folder(self) -> &'static str {
        match self {
            Home::Kernel => "target/kernel",
            Home::User | Home::UserV3 => "target/servers",
        }
    }

    fn linker_script(self) -> &'static str {
        match self {
            Home::Kernel => "kernel/image/kernel.ld",
            Home::User | Home::UserV3 => "servers/lib/runtime/user.ld",
        }
    }

    fn rustflags(self) -> Vec<String> {
        let mut flags: Vec<String> = [
            "-Clinker=rust-lld",
            "-Clinker-flavor=ld.lld",
            "-Crelocation-model=static",
            "-Clink-arg=-nostdlib",
            "-Clink-arg=-static",
            "-Clink-arg=--gc-sections",
        ]
        .map(String::from)
        .into();
        let script = workspace::path(self.linker_script());
        flags.push(format!("-Clink-arg=-T{}", script.display()));
        let special: &[&str] = match self {
            // No SSE in ring 0: the user's vector registers stay in the CPU across system calls.
            // No jump tables: the kernel has no indirect branch that could be mispredicted. Returns are
            // jumps to one place, so that boot can make of them what the processor needs.
            Home::Kernel => &[
                "-Ctarget-feature=-sse,-sse2",
                "-Cno-redzone=yes",
                "-Ccode-model=kernel",
                "-Cjump-tables=no",
                "-Cllvm-args=-force-attribute=fn_ret_thunk_extern",
            ],
            Home::User => &[],
            Home::UserV3 => &["-Ctarget-cpu=x86-64-v3"],
        };
        flags.extend(special.iter().map(ToString::to_string));
        flags
    }
}

/// What to build besides the package's own default.
#[derive(Default, Clone, Copy)]
pub(crate) struct Options<'a> {
    /// Cargo features, comma separated.
    pub(crate) features: Option<&'a str>,
}

/// Builds the binaries of `packages`, which run in the same place, and returns the ELF files.
pub(crate) fn build(
    home: Home,
    packages: &[&Package],
    options: Options<'_>,
) -> Result<Vec<PathBuf>> {
    let mut command = cargo("build", home, packages)?;
    if let Some(features) = options.features {
        command.args(["--features", features]);
    }
    // Kept back unless the build fails: at each build of the kernel the compiler warns that its
    // way without SSE will become an error one day. The toolchain is pinned.
    run_quietly(&mut command)
        .with_context(|| format!("the build of {} failed", names(packages).join(", ")))?;
    let folder = workspace::path(home.target_folder())
        .join(TARGET)
        .join("release");
    Ok(packages
        .iter()
        .flat_map(|package| package.binaries())
        .map(|name| folder.join(name))
        .collect())
}

/// A cargo command on packages that run in the same place, with the flags of their build.
pub(crate) fn cargo(subcommand: &str, home: Home, packages: &[&Package]) -> Result<Command> {
    let flags = serde_json::to_string(&home.rustflags())?;
    let mut command = workspace::cargo();
    command
        .args([subcommand, "--release", "--quiet", "--target", TARGET])
        .arg("--target-dir")
        .arg(workspace::path(home.target_folder()))
        // A list of plain strings is written alike in JSON and TOML.
        .args(["--config", &format!("target.{TARGET}.rustflags={flags}")]);
    for package in packages {
        command.args(["--package", &package.name]);
    }
    Ok(command)
}

/// Builds one package that has one binary.
pub(crate) fn build_one(metadata: &Metadata, name: &str, options: Options<'_>) -> Result<PathBuf> {
    let package = find(metadata, name)?;
    let Some(home) = Home::of(package) else {
        bail!("{name} is not a program that runs on Sekisho");
    };
    let files = build(home, &[package], options)?;
    match <[PathBuf; 1]>::try_from(files) {
        Ok([file]) => Ok(file),
        Err(_) => bail!("package {name} has more than one binary"),
    }
}

/// The package of that name.
pub(crate) fn find<'a>(metadata: &'a Metadata, name: &str) -> Result<&'a Package> {
    metadata
        .packages
        .iter()
        .find(|package| package.name == name)
        .with_context(|| format!("there is no package {name}"))
}

fn names(packages: &[&Package]) -> Vec<String> {
    packages
        .iter()
        .map(|package| package.name.clone())
        .collect()
}
