//! The measures that real processors get.
//!
//! Signatures and words are those of CPUID dumps, as far as public ones with new firmware were found (Zen 2,
//! Zen 3); else those bits are set that AMD's documents say the generation has.

use std::format;
use std::string::String;

use crate::mitigation::{decide, measure};

const AMD: [u32; 3] = [0x6874_7541, 0x444d_4163, 0x6974_6e65];
const INTEL: [u32; 3] = [0x756e_6547, 0x6c65_746e, 0x4965_6e69];
const EMULATOR: [u32; 3] = [0x5447_4354, 0x4354_4743, 0x4743_5447];
const KVM: [u32; 3] = [0x4b4d_564b, 0x564b_4d56, 0x4d];

/// The words of CPUID that count.
#[derive(Clone, Copy)]
struct Processor {
    vendor: [u32; 3],
    /// Leaf 1, EAX.
    signature: u32,
    hypervisor: Option<[u32; 3]>,
    /// Leaf 8000_0008h, EBX.
    controls: u32,
    /// Leaf 8000_0021h, EAX and ECX.
    features: u32,
    immunities: u32,
}

const fn amd(signature: u32, controls: u32, features: u32, immunities: u32) -> Processor {
    Processor {
        vendor: AMD,
        signature,
        hypervisor: None,
        controls,
        features,
        immunities,
    }
}

impl Processor {
    fn leaf(&self, number: u32) -> [u32; 4] {
        let words = |[b, c, d]: [u32; 3]| [0, b, c, d];
        match number {
            0 => words(self.vendor),
            1 => [
                self.signature,
                0,
                u32::from(self.hypervisor.is_some()) << 31,
                0,
            ],
            0x4000_0000 => words(self.hypervisor.unwrap_or_default()),
            0x8000_0008 => [0, self.controls, 0, 0],
            0x8000_0021 => [self.features, 0, self.immunities, 0],
            _ => panic!("leaf {number:#x} was not expected"),
        }
    }

    /// What is said, and whether the kernel runs.
    fn says(&self, command_line: &str) -> (String, Option<u64>) {
        let mut said = String::new();
        let mut say = |text: &str| said.push_str(text);
        let measures = decide(
            |number| self.leaf(number),
            command_line.as_bytes(),
            &mut say,
        );
        assert!(said.ends_with('\n') && said.lines().count() == 1, "{said}");
        (said.trim_end().into(), measures)
    }

    #[track_caller]
    fn runs_with(&self, command_line: &str, expected: &str) {
        let (said, measures) = self.says(command_line);
        assert_eq!(said, format!("Sekisho: mitigations: {expected}"));
        assert!(measures.is_some());
    }

    #[track_caller]
    fn is_refused(&self, command_line: &str, because: &str) {
        let (said, measures) = self.says(command_line);
        let because = format!("Sekisho will not run: {because} (unsafe-cpu=allow overrides this)");
        assert_eq!((said, measures), (because, None));
    }
}

/// Ryzen 7 1800X: IBPB.
const ZEN_1: Processor = amd(0x0080_0f11, 0x1007, 0, 0);
/// Ryzen 7 2700X.
const ZEN_1_PLUS: Processor = amd(0x0080_0f82, 0x1007, 0, 0);
/// Ryzen 9 3900X.
const ZEN_2: Processor = amd(0x0087_0f10, 0x010e_b757, 0, 0);
/// Ryzen 9 5950X; with the firmware of 2025 IBPB_BRTYPE, SBPB and VERW_CLEAR.
const ZEN_3: Processor = amd(0x00a2_0f12, 0x111e_f657, 0x1800_006d, 0);
/// The same on the firmware of its first year.
const ZEN_3_OLD: Processor = amd(0x00a2_0f12, 0x111e_f657, 0x4d, 0);
/// EPYC 9004: automatic IBRS, BTC_NO, IBPB_RET.
const ZEN_4: Processor = amd(0x00a1_0f11, 0x7000_d000, 0x1800_016c, 0);
/// Ryzen 9 9950X: SRSO between guest and host only, and the means against it.
const ZEN_5: Processor = amd(0x00b4_0f40, 0x7000_d000, 0xd800_014c, 6);
/// A design after it that is not concerned at all.
const LATER: Processor = amd(0x00c0_0f00, 0x7000_d000, 0x2800_014c, 6);

#[test]
fn every_generation_gets_what_it_needs() {
    ZEN_1.runs_with("", "lfence ibpb filled-returns untrained-returns divide");
    ZEN_1_PLUS.runs_with("", "lfence ibpb filled-returns untrained-returns divide");
    ZEN_2.runs_with(
        "",
        "lfence stibp ibpb filled-returns untrained-returns no-phantoms zenbleed",
    );
    ZEN_3.runs_with("", "stibp ibpb filled-returns safe-returns verw");
    ZEN_4.runs_with("", "automatic-ibrs ibpb safe-returns verw");
    ZEN_5.runs_with("", "automatic-ibrs ibpb bp-spec-reduce");
    LATER.runs_with("", "automatic-ibrs ibpb sbpb");
    let set = measure::AUTOMATIC_IBRS | measure::BARRIER | measure::REDUCED_SPECULATION;
    assert_eq!(ZEN_5.says("").1, Some(set));
}

#[test]
fn old_firmware_is_refused_by_what_it_lacks() {
    const TOO_OLD: &str = "the processor's firmware is too old, it does not offer";
    ZEN_3_OLD.is_refused("", &format!("{TOO_OLD} ibpb verw"));
    ZEN_3_OLD.runs_with("unsafe-cpu=allow", "stibp filled-returns safe-returns");
    // Whoever switches off what is lacking knows that it is.
    ZEN_3_OLD.runs_with("ibpb=off verw=off", "stibp filled-returns safe-returns");
    let without_barrier = Processor {
        controls: 7,
        ..ZEN_1
    };
    without_barrier.is_refused("", &format!("{TOO_OLD} ibpb"));
    let silent = amd(0x00b4_0f40, 0x7000_d000, 0x014c, 6);
    silent.is_refused("", &format!("{TOO_OLD} ibpb safe-returns"));
}

#[test]
fn unknown_processors_are_refused() {
    let intel = Processor {
        vendor: INTEL,
        signature: 0x0005_0654,
        ..ZEN_5
    };
    let bulldozer = amd(0x0060_0f12, 0x1000, 0, 0);
    for processor in [intel, bulldozer] {
        for line in ["", "mitigations=off", "unsafe-cpu=yes", "unsafe-cpu"] {
            let because = "it knows no measures against this processor's speculation, but for AMD's \
                           from Zen on";
            processor.is_refused(line, because);
        }
        processor.runs_with("unsafe-cpu=allow", "none");
    }
}

#[test]
fn an_emulation_needs_nothing_and_a_hypervisor_keeps_its_own() {
    let under = |hypervisor| Processor {
        hypervisor: Some(hypervisor),
        ..ZEN_2
    };
    under(EMULATOR).runs_with("", "none");
    under(KVM).runs_with("", "stibp ibpb filled-returns untrained-returns");
}

#[test]
fn the_command_line_switches_measures() {
    ZEN_4.runs_with(
        "console=x verw=off automatic-ibrs=off nonsense ibpb=of ibpb ibpb-everywhere=off",
        "ibpb safe-returns; switched off: automatic-ibrs verw",
    );
    ZEN_4.runs_with(
        "mitigations=off",
        "none; switched off: automatic-ibrs ibpb safe-returns verw",
    );
    ZEN_4.runs_with(
        "ibpb=off",
        "automatic-ibrs safe-returns verw; switched off: ibpb",
    );
    ZEN_3.runs_with(
        "ssbd=on ibpb-everywhere=on verw=on",
        "stibp ibpb ibpb-everywhere filled-returns safe-returns verw ssbd",
    );
}
