//! What figures are held against: others' numbers, and what we aim at.

use super::Figure;

/// A figure's neighbours.
pub(super) struct Comparison {
    name: &'static str,
    /// What others need for the same, obtained in the same emulator.
    pub(super) others: &'static str,
    aim: Option<Aim>,
}

/// The most that we want a figure to be.
#[derive(Clone, Copy)]
enum Aim {
    AtMost(u64),
    /// So much for moving 64 MiB without encryption, and 1.1 times what the cipher alone takes for them
    /// by the figure of that name.
    BesidesCipher(u64, &'static str),
}

/// Blocks of 4 KiB in 64 MiB.
const BLOCKS: u64 = 16_384;

/// Whether a figure is what we aim at.
pub(super) struct Verdict {
    pub(super) at_most: u64,
    pub(super) is_met: bool,
}

/// Those of the figure.
pub(super) fn of(name: &str) -> Option<&'static Comparison> {
    ALL.iter().find(|comparison| comparison.name == name)
}

/// What `figures` say of the aim of one of them, if it has an aim.
pub(super) fn verdict(figure: &Figure, figures: &[Figure]) -> Option<Verdict> {
    let at_most = match of(&figure.name)?.aim? {
        Aim::AtMost(value) => value,
        Aim::BesidesCipher(value, cipher) => {
            let cipher = figures.iter().find(|figure| figure.name == cipher)?;
            value + cipher.value * BLOCKS * 11 / 10
        }
    };
    Some(Verdict {
        at_most,
        is_met: figure.value <= at_most,
    })
}

const fn aim(name: &'static str, aim: u64) -> Comparison {
    against(name, "", aim)
}

const fn others(name: &'static str, others: &'static str) -> Comparison {
    Comparison {
        name,
        others,
        aim: None,
    }
}

const fn against(name: &'static str, others: &'static str, aim: u64) -> Comparison {
    Comparison {
        name,
        others,
        aim: Some(Aim::AtMost(aim)),
    }
}

const fn besides_cipher(
    name: &'static str,
    others: &'static str,
    value: u64,
    cipher: &'static str,
) -> Comparison {
    Comparison {
        name,
        others,
        aim: Some(Aim::BesidesCipher(value, cipher)),
    }
}

const ALL: &[Comparison] = &[
    aim("kernel-source", 12_000),
    aim("system-memory", 64 << 20),
    against("call", "seL4 212", 180),
    against("reply-recv", "seL4 277", 210),
    others("call-same-space", "seL4 210"),
    others("reply-recv-same-space", "seL4 275"),
    against("call-10-words", "seL4 992", 400),
    against("reply-recv-10-words", "seL4 1,166", 400),
    others("call-fpu", "seL4 226"),
    others("reply-recv-fpu", "seL4 293"),
    against("signal-to-higher", "seL4 688", 300),
    against("signal-to-lower", "seL4 435", 250),
    others("broadcast-each", "seL4 1,297"),
    others("producer-to-consumer", "seL4 1,355"),
    against("yield-thread", "seL4 462", 300),
    against("yield-process", "seL4 464", 300),
    against("send", "seL4 853", 450),
    against("fault-to-handler", "seL4 697", 450),
    against("handler-to-faulter", "seL4 1,242", 600),
    others("fault-round-trip", "seL4 1,932"),
    against("interrupt-to-user", "seL4 689", 350),
    against("retype-frame", "seL4 1,039", 600),
    against("page-map", "seL4 824", 450),
    against("page-protect", "seL4 825", 450),
    others("page-unprotect", "seL4 828"),
    // Exits to a monitor that only resumes the guest have no aim; those to ours have.
    against("guest-cpuid", "KVM 2,765", 900),
    against("guest-port-write", "KVM 3,325", 1_200),
    against("guest-device-write", "KVM 5,766", 2_500),
    against(
        "start-to-guest-shell",
        "kvmtool's guest 6.4 billion",
        5_000_000_000,
    ),
    against("guest-disk-write-4k", "kvmtool 45,200", 45_200),
    against("guest-disk-read-4k", "kvmtool 41,500", 41_500),
    besides_cipher(
        "guest-disk-write-64m",
        "kvmtool 37.0 million",
        37_000_000,
        "cipher-seal-4k",
    ),
    besides_cipher(
        "guest-disk-read-64m",
        "kvmtool 33.6 million",
        33_600_000,
        "cipher-open-4k",
    ),
    others("pass-through-write-4k", "kvmtool 45,200"),
    others("pass-through-read-4k", "kvmtool 41,500"),
    others("pass-through-write-64m", "kvmtool 37.0 million"),
    others("pass-through-read-64m", "kvmtool 33.6 million"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(name: &str, value: u64) -> Figure {
        Figure::new(name, value, "instructions")
    }

    #[test]
    fn an_aim_is_met_up_to_its_value() {
        let met = |value| verdict(&figure("guest-cpuid", value), &[]).map(|verdict| verdict.is_met);
        assert_eq!(met(900), Some(true));
        assert_eq!(met(901), Some(false));
        assert!(verdict(&figure("bare-exit-cpuid", 1), &[]).is_none());
    }

    #[test]
    fn encryption_may_cost_what_the_cipher_costs_and_a_tenth() {
        let written = figure("guest-disk-write-64m", 1);
        let figures = [figure("cipher-seal-4k", 30_000)];
        let verdict = verdict(&written, &figures).map(|verdict| verdict.at_most);
        assert_eq!(verdict, Some(37_000_000 + 30_000 * 16_384 * 11 / 10));
        assert!(super::verdict(&written, &[]).is_none());
    }
}
