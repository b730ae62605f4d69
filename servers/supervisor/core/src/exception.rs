//! Names of the processor's exceptions (AMD APM volume 2, table 8-1; Intel SDM volume 3, table 6-1).

/// The name of exception `vector`.
pub(crate) fn name(vector: u64) -> &'static str {
    match vector {
        0 => "division error",
        1 => "debug exception",
        2 => "non-maskable interrupt",
        3 => "breakpoint",
        4 => "overflow",
        5 => "bound range exceeded",
        6 => "invalid instruction",
        7 => "floating point unit not available",
        8 => "double fault",
        10 => "invalid task state segment",
        11 => "segment not present",
        12 => "stack fault",
        13 => "general protection fault",
        14 => "page fault",
        16 => "floating point error",
        17 => "alignment check",
        18 => "machine check",
        19 => "SIMD floating point error",
        21 => "control protection exception",
        _ => "exception",
    }
}
