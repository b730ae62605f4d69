//! What figures are held against: others' numbers, and what we aim at.

/// A figure's neighbours.
pub(super) struct Comparison {
    name: &'static str,
    /// What others need for the same, obtained in the same emulator.
    pub(super) others: &'static str,
    /// The most that we want it to be.
    pub(super) aim: Option<u64>,
}

/// Those of the figure.
pub(super) fn of(name: &str) -> Option<&'static Comparison> {
    ALL.iter().find(|comparison| comparison.name == name)
}

const fn against(name: &'static str, others: &'static str, aim: Option<u64>) -> Comparison {
    Comparison { name, others, aim }
}

const ALL: [Comparison; 23] = [
    against("kernel-source", "", Some(12_000)),
    against("system-memory", "", Some(64 << 20)),
    against("call", "seL4 212", None),
    against("reply-recv", "seL4 277", None),
    against("signal-to-higher", "seL4 688", None),
    against("signal-to-lower", "seL4 435", None),
    against("yield-alone", "seL4 462", None),
    against("send", "seL4 853", None),
    against("fault-to-handler", "seL4 697", None),
    against("fault-round-trip", "seL4 1,932", None),
    against("interrupt-to-user", "seL4 689", None),
    against("retype-frame", "seL4 1,039", None),
    against("page-map", "seL4 824", None),
    against("page-protect", "seL4 825", None),
    against("page-unprotect", "seL4 828", None),
    // The aims are for exits with a monitor that does its work; the bench image's only resumes the guest.
    against("guest-cpuid", "KVM 2,765", None),
    against("guest-port-write", "KVM 3,325", None),
    against("guest-memory-write", "KVM 5,766", None),
    against("guest-disk-write-4k", "kvmtool 45,200", Some(45_200)),
    against("guest-disk-read-4k", "kvmtool 41,500", Some(41_500)),
    against("guest-disk-write-64m", "kvmtool 37.0 million", None),
    against("guest-disk-read-64m", "kvmtool 33.6 million", None),
    against(
        "start-to-guest-shell",
        "kvmtool's guest 6.4 billion",
        Some(5_000_000_000),
    ),
];
