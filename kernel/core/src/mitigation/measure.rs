//! The measures: bits of a set, each with its name on the command line.

macro_rules! measures {
    ($($(#[$text:meta])* $name:ident = $bit:literal, $word:literal;)*) => {
        $($(#[$text])* pub const $name: u64 = 1 << $bit;)*
        pub(super) const NAMES: &[(u64, &str)] = &[$(($name, $word),)*];
    };
}

measures! {
    /// LFENCE waits until the instructions before it are done.
    FENCE = 0, "lfence";
    /// Automatic IBRS: no indirect branch of the kernel follows what user mode or a guest has trained.
    AUTOMATIC_IBRS = 1, "automatic-ibrs";
    /// IBRS, for good, on processors that prefer that.
    IBRS = 2, "ibrs";
    /// STIBP, for good, on processors that prefer that.
    STIBP = 3, "stibp";
    /// A barrier (IBPB) between a guest and all but its own monitor.
    BARRIER = 4, "ibpb";
    /// The barrier may keep predicted types of branches (SBPB).
    SELECTIVE_BARRIER = 5, "sbpb";
    /// The barrier at each change of address space and after each exit of a guest.
    BARRIER_EVERYWHERE = 6, "ibpb-everywhere";
    /// The predictor of returns is filled behind each exit of a guest and each barrier.
    FILLED_RETURNS = 7, "filled-returns";
    /// Returns whose place is known to the predictor as a return (Zen 1 and 2).
    UNTRAINED_RETURNS = 8, "untrained-returns";
    /// Returns that are always predicted to lead nowhere (Zen 3 and 4).
    SAFE_RETURNS = 9, "safe-returns";
    /// Guests cannot plant predictions of returns for the kernel (Zen 5).
    REDUCED_SPECULATION = 10, "bp-spec-reduce";
    /// Buffers are cleared before user mode and guests (VERW).
    CLEARED_BUFFERS = 11, "verw";
    /// The divider's last result is overwritten before user mode and guests (Zen 1).
    DIVIDE = 12, "divide";
    /// What is no branch is predicted to be none (Zen 2).
    NO_PHANTOMS = 13, "no-phantoms";
    /// Upper halves of vector registers stay cleared (Zenbleed, Zen 2).
    VECTOR_FIX = 14, "zenbleed";
    /// No load goes before a store whose address is unknown (SSBD); only on request.
    STORE_ORDER = 15, "ssbd";
}

/// Those that have to be asked for.
pub(super) const ON_REQUEST: u64 = BARRIER_EVERYWHERE | STORE_ORDER;
