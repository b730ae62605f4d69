//! From what a processor and the command line say to what is done.

use super::measure;

/// "AuthenticAMD" in EBX, ECX, EDX of leaf 0.
const AMD: [u32; 3] = [0x6874_7541, 0x444d_4163, 0x6974_6e65];
/// "TCGTCGTCGTCG" in the same of the first leaf of hypervisors: QEMU's emulation, which does not speculate.
const EMULATOR: [u32; 3] = [0x5447_4354, 0x4354_4743, 0x4743_5447];

/// The leaves of CPUID (AMD64 manual 3, appendix E): EAX, EBX, ECX, EDX.
type Leaf = [u32; 4];

/// Decides which measures are on, and says so; or says why the kernel will not run on the processor.
///
/// The command line has words `NAME=off`, `mitigations=off` for all, `NAME=on` for those that are only on
/// request, and `unsafe-cpu=allow`. Other words are somebody else's: a mistake leaves a measure on.
pub fn decide(
    cpuid: impl Fn(u32) -> Leaf,
    command_line: &[u8],
    say: &mut impl FnMut(&str),
) -> Option<u64> {
    const OVERRIDE: &str = " (unsafe-cpu=allow overrides this)\n";
    let (mut off, mut on, mut any_processor) = (0, 0, false);
    for word in command_line.split(|&byte| byte == b' ') {
        let named = |measure: &&(u64, &str)| word.starts_with(measure.1.as_bytes());
        let value = |measure: &(u64, &str)| (measure.0, &word[measure.1.len()..]);
        match (word, measure::NAMES.iter().rev().find(named).map(value)) {
            (b"mitigations=off", _) => off = u64::MAX,
            (b"unsafe-cpu=allow", _) => any_processor = true,
            (_, Some((measure, b"=off"))) => off |= measure,
            (_, Some((measure, b"=on"))) => on |= measure,
            _ => (),
        }
    }
    let (needed, possible) = match zen(&cpuid) {
        _ if hypervisor(&cpuid) == Some(EMULATOR) => (0, 0),
        Some(zen) => judge(&cpuid, zen),
        None if any_processor => (0, 0),
        None => {
            say("Sekisho will not run: it knows no measures against this processor's speculation,");
            say(" but for AMD's from Zen on");
            say(OVERRIDE);
            return None;
        }
    };
    let asked = needed & (on | !measure::ON_REQUEST);
    let lacking = asked & !possible & !off;
    if lacking != 0 && !any_processor {
        say("Sekisho will not run: the processor's firmware is too old, it does not offer");
        say_names(lacking, say);
        say(OVERRIDE);
        return None;
    }
    let useful = asked & possible;
    say("Sekisho: mitigations:");
    say_names(useful & !off, say);
    if useful & off != 0 {
        say("; switched off:");
        say_names(useful & off, say);
    }
    say("\n");
    Some(useful & !off)
}

fn say_names(measures: u64, say: &mut impl FnMut(&str)) {
    if measures == 0 {
        say(" none");
    }
    for (_, name) in measure::NAMES.iter().filter(|(bit, _)| measures & bit != 0) {
        say(" ");
        say(name);
    }
}

/// Who emulates the processor or runs it as a guest, if anybody says so.
fn hypervisor(cpuid: impl Fn(u32) -> Leaf) -> Option<[u32; 3]> {
    let [_, ebx, ecx, edx] = cpuid(0x4000_0000);
    (cpuid(1)[2] >> 31 != 0).then_some([ebx, ecx, edx])
}

/// Which of AMD's designs it is: 1 for Zen and Zen+ up to 5 for Zen 5 and whatever comes after it; `None` for
/// other vendors' and for older ones.
fn zen(cpuid: impl Fn(u32) -> Leaf) -> Option<u8> {
    let ([_, vendor @ ..], signature) = (cpuid(0), cpuid(1)[0]);
    let bits = |shift: u32, mask: u32| signature >> shift & mask;
    let family = bits(8, 0xf) + bits(20, 0xff);
    let model = bits(4, 0xf) | bits(16, 0xf) << 4;
    match (vendor, family, model) {
        (AMD, 0x17, 0..=0x2f | 0x50..=0x5f) => Some(1),
        (AMD, 0x17, _) => Some(2),
        (AMD, 0x19, 0x10..=0x1f | 0x60..=0xaf) => Some(4),
        (AMD, 0x19, _) => Some(3),
        (AMD, 0x1a.., _) => Some(5),
        _ => None,
    }
}

/// Which measures a design needs, and which it can do.
///
/// Bits of 8000_0008h, EBX: 12 IBPB, 14 IBRS, 15 STIBP, 16 and 17 these two always on, 24 SSBD, 29 BTC_NO,
/// 30 IBPB_RET. Bits of 8000_0021h, EAX: 2 LFENCE always serializing, 5 VERW_CLEAR, 8 automatic IBRS,
/// 27 SBPB, 28 IBPB_BRTYPE, 29 SRSO_NO, 30 SRSO_USER_KERNEL_NO, 31 SRSO_MSR_FIX; ECX: 1 TSA_SQ_NO, 2 TSA_L1_NO.
fn judge(cpuid: impl Fn(u32) -> Leaf, zen: u8) -> (u64, u64) {
    let [features, _, immunities, _] = cpuid(0x8000_0021);
    let controls = cpuid(0x8000_0008)[1];
    let control = |bit: u32| controls >> bit & 1 != 0;
    let feature = |bit: u32| features >> bit & 1 != 0;
    // Settings of the core itself belong to the hypervisor, where there is one.
    let native = hypervisor(&cpuid).is_none();
    let old = zen <= 2;
    let tsa = matches!(zen, 3 | 4) && immunities & 6 != 6;
    let (automatic, srso_no, only_guests) = (feature(8), feature(29), feature(30));
    let overflow = !old && !srso_no && !only_guests;
    let barrier = control(12) && (old || feature(28) || srso_no);
    let rules = [
        (measure::FENCE, native && !feature(2), true),
        (measure::AUTOMATIC_IBRS, automatic, true),
        (
            measure::IBRS,
            !automatic && control(14) && control(16),
            true,
        ),
        (measure::STIBP, control(15) && control(17), true),
        (measure::BARRIER, true, barrier),
        (measure::SELECTIVE_BARRIER, srso_no && feature(27), true),
        (measure::BARRIER_EVERYWHERE, true, barrier),
        (measure::FILLED_RETURNS, !automatic || !control(30), true),
        (measure::UNTRAINED_RETURNS, old && !control(29), true),
        (measure::SAFE_RETURNS, overflow, zen <= 4),
        (measure::REDUCED_SPECULATION, only_guests, feature(31)),
        (measure::CLEARED_BUFFERS, tsa, feature(5)),
        (measure::DIVIDE, zen == 1, true),
        (measure::NO_PHANTOMS, native && zen == 2, true),
        (measure::VECTOR_FIX, native && zen == 2, true),
        (measure::STORE_ORDER, true, control(24)),
    ];
    rules.iter().fold((0, 0), |(needed, possible), rule| {
        let when = |condition| if condition { rule.0 } else { 0 };
        (needed | when(rule.1), possible | when(rule.2))
    })
}
