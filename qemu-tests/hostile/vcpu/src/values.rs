//! Values for a virtual CPU's registers and events, sensible and otherwise, and which of them the kernel must
//! refuse: said here a second time, from the interface's documents.

use sel4_sys::extension::{event, register};
use test_support::guest::long_mode;
use test_support::random::Random;

/// A register that is tried. The task register is left out: QEMU 7.2 aborts ("invalid tss") when it needs a
/// task segment that is not present.
pub(crate) fn register(random: &mut Random) -> u64 {
    match random.below(register::COUNT + 4) {
        register::TR => register::CR0,
        id => id,
    }
}

/// A value for a register: what it has at the start, a bit more or less, or what attackers like.
pub(crate) fn value(random: &mut Random, id: u64) -> u64 {
    let start = long_mode::REGISTERS.iter().find(|(known, _)| *known == id);
    let start = start.map_or(0, |(_, value)| *value);
    match random.below(4) {
        0 => start,
        1 => start ^ 1 << random.below(64),
        2 => random.nasty(),
        _ => random.nasty() & random.any(),
    }
}

/// Whether the register does not exist or the value would touch the host.
pub(crate) fn is_refused(id: u64, value: u64) -> bool {
    let is_canonical = (value.cast_signed() << 16 >> 16).cast_unsigned() == value;
    let has = |bits: u64| value & bits != 0;
    match id {
        // Bits that do not exist.
        register::CR0 => has(!0xe005_003f),
        register::CR3 => has(0xfff << 52),
        register::CR4 => has(!0x37_0fff),
        register::CR8 => value > 15,
        // SVME, and bits that do not exist.
        register::EFER => has(!0xcd01),
        register::DR6 | register::DR7 | register::TSC_AUX | register::SYSENTER_CS => has(!0 << 32),
        register::GDTR_LIMIT | register::IDTR_LIMIT => has(!0xffff),
        register::KERNEL_GS_BASE
        | register::LSTAR
        | register::CSTAR
        | register::SYSENTER_ESP
        | register::SYSENTER_EIP
        | register::GDTR_BASE
        | register::IDTR_BASE
        | register::ES_BASE..=register::TR_BASE => !is_canonical,
        register::PAT => value
            .to_le_bytes()
            .iter()
            .any(|kind| matches!(kind, 2 | 3 | 8..)),
        register::XCR0 => !matches!(value, 1 | 3 | 7),
        _ => id >= register::COUNT,
    }
}

/// What a register that took `value` reads as.
pub(crate) fn as_read(id: u64, value: u64) -> u64 {
    match id {
        register::RFLAGS => value & 0x3f_7fd5 | 2,
        // Selector, twelve bits of attributes, limit.
        register::ES..=register::TR => value & !(0xf << 28),
        _ => value,
    }
}

/// An event word: mostly one that exists.
pub(crate) fn event(random: &mut Random) -> u64 {
    let [vector, code, ..] = random.any().to_le_bytes();
    match random.below(8) {
        0 => random.nasty(),
        1 => 0,
        2 | 3 => event::interrupt(vector | 16),
        4 => event::VALID | event::NMI | 2,
        5 => event::exception(vector & 31),
        6 => event::exception_with_code(vector & 31, code.into()),
        _ => event::interrupt(vector) ^ 1 << random.below(64),
    }
}

/// Whether the kernel must refuse the event: it is not none, and lacks the mark of one.
pub(crate) fn is_no_event(word: u64) -> bool {
    word != 0 && word & event::VALID == 0
}
