//! Who may depend on whom. The rule is the table in [`Part::may_use`]; ARCHITECTURE.md draws it.
//!
//! Dependencies of tests alone are free: they are in no product.

use std::path::Path;

use anyhow::Result;

use super::{Findings, Subject};

/// What a crate is, by where it stands.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Part {
    /// The kernel's interface.
    Interface,
    KernelCore,
    KernelMachine,
    KernelImage,
    /// servers/lib
    Library,
    /// The messages of a server, or what else it shows others.
    Api(String),
    /// The other crates of a server, or of the VMM.
    Inside(String),
    /// A host program that stands beside a server because it knows the same format.
    HostTool(String),
    Manifests,
    Build,
    Tests,
    /// A test program that counts what a server's logic costs by itself.
    Bench,
    Unknown,
}

pub(super) fn check(subject: &Subject) -> Result<Findings> {
    let packages = &subject.metadata.packages;
    let part_of = |name: &str| {
        let package = packages.iter().find(|package| package.name == name)?;
        Some(Part::at(package.folder()))
    };
    let mut findings = Vec::new();
    for package in packages {
        let from = Part::at(package.folder());
        if from == Part::Unknown {
            findings.push(format!(
                "{} stands in {}, where no rule is known",
                package.name,
                package.folder().display()
            ));
        }
        for name in package.product_dependencies() {
            if part_of(name).is_some_and(|to| !from.may_use(&to)) {
                findings.push(format!("{} must not depend on {name}", package.name));
            }
        }
    }
    Ok(findings)
}

impl Part {
    fn at(folder: &Path) -> Part {
        let parts: Vec<_> = folder.iter().map(|part| part.to_string_lossy()).collect();
        let parts: Vec<&str> = parts.iter().map(AsRef::as_ref).collect();
        match parts.as_slice() {
            ["kernel", "sel4-sys"] => Part::Interface,
            ["kernel", "core"] => Part::KernelCore,
            ["kernel", "machine"] => Part::KernelMachine,
            ["kernel", "image"] => Part::KernelImage,
            ["servers", "lib", ..] => Part::Library,
            ["servers", server, "api"] => Part::Api((*server).into()),
            ["servers", server, "tool"] => Part::HostTool((*server).into()),
            ["servers", server, ..] => Part::Inside((*server).into()),
            ["vmm-partition", ..] => Part::Inside("vmm-partition".into()),
            ["manifests", ..] => Part::Manifests,
            ["build", ..] => Part::Build,
            ["qemu-tests", "bench", ..] => Part::Bench,
            ["qemu-tests", ..] => Part::Tests,
            _ => Part::Unknown,
        }
    }

    fn may_use(&self, other: &Part) -> bool {
        use Part::{
            Api, Bench, Build, HostTool, Inside, Interface, KernelCore, KernelImage, KernelMachine,
            Library, Manifests, Tests, Unknown,
        };
        match self {
            Interface | Unknown => false,
            KernelCore => *other == Interface,
            KernelMachine => matches!(other, Interface | KernelCore),
            KernelImage => matches!(other, Interface | KernelCore | KernelMachine),
            Library => matches!(other, Interface | Library),
            Api(_) => matches!(other, Interface | Library),
            Inside(own) => match other {
                Inside(server) => server == own,
                other => matches!(other, Interface | Library | Api(_) | Manifests),
            },
            HostTool(own) => match other {
                Inside(server) | Api(server) => server == own,
                other => *other == Manifests,
            },
            Manifests => matches!(other, Interface | Manifests),
            Build => matches!(other, Interface | Manifests | Build),
            Tests => matches!(other, Interface | Library | Api(_) | Manifests | Tests),
            Bench => matches!(other, Inside(_) | Bench) || Tests.may_use(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn may(from: &str, to: &str) -> bool {
        Part::at(Path::new(from)).may_use(&Part::at(Path::new(to)))
    }

    #[test]
    fn the_kernel_is_used_by_nobody_outside() {
        for from in [
            "servers/disk",
            "build/xtask",
            "qemu-tests/ipc",
            "servers/lib/runtime",
        ] {
            for to in ["kernel/core", "kernel/machine", "kernel/image"] {
                assert!(!may(from, to), "{from} -> {to}");
            }
        }
        assert!(may("kernel/image", "kernel/machine"));
        assert!(!may("kernel/core", "kernel/machine"));
    }

    #[test]
    fn a_server_sees_only_the_api_of_another() {
        assert!(may("servers/disk-crypto", "servers/disk/api"));
        assert!(!may("servers/disk-crypto", "servers/disk/core"));
        assert!(may("servers/disk-crypto", "servers/disk-crypto/core"));
        assert!(!may("vmm-partition", "servers/disk-crypto/core"));
    }

    #[test]
    fn host_tools_link_no_server() {
        assert!(!may("build/xtask", "servers/disk-crypto/core"));
        assert!(!may("build/xtask", "servers/lib/runtime"));
        assert!(may("servers/disk-crypto/tool", "servers/disk-crypto/core"));
    }

    #[test]
    fn only_benches_look_inside_servers() {
        assert!(may("qemu-tests/bench/crypto-bench", "servers/vpn/core"));
        assert!(!may("qemu-tests/tunnel-check", "servers/vpn/core"));
        assert!(!may("qemu-tests/bench/crypto-bench", "kernel/core"));
    }

    #[test]
    fn a_crate_in_no_known_place_may_use_nothing() {
        assert!(!may("tools/new", "kernel/sel4-sys"));
    }
}
