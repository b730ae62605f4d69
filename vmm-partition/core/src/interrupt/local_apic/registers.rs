//! Numbers of the x2APIC registers (MSR number minus 0x800) and their bits.

/// Local APIC identification.
pub(super) const ID: u32 = 0x02;
/// Version.
pub(super) const VERSION: u32 = 0x03;
/// Task priority.
pub(super) const TASK_PRIORITY: u32 = 0x08;
/// Processor priority.
pub(super) const PROCESSOR_PRIORITY: u32 = 0x0a;
/// End of interrupt.
pub(super) const END_OF_INTERRUPT: u32 = 0x0b;
/// Logical destination.
pub(super) const LOGICAL_DESTINATION: u32 = 0x0d;
/// Spurious interrupt vector.
pub(super) const SPURIOUS: u32 = 0x0f;
/// First of eight registers of vectors in service.
pub(super) const IN_SERVICE: u32 = 0x10;
/// First of eight registers of level-triggered vectors.
pub(super) const TRIGGER_MODE: u32 = 0x18;
/// First of eight registers of requested vectors.
pub(super) const REQUESTED: u32 = 0x20;
/// Last of those.
pub(super) const REQUESTED_LAST: u32 = 0x27;
/// Error status.
pub(super) const ERROR_STATUS: u32 = 0x28;
/// Local vector for corrected machine checks.
pub(super) const LVT_MACHINE_CHECK: u32 = 0x2f;
/// Interrupt command, 64 bits.
pub(super) const INTERRUPT_COMMAND: u32 = 0x30;
/// Local vector of the timer.
pub(super) const LVT_TIMER: u32 = 0x32;
/// Local vector of the error interrupt, last of six.
pub(super) const LVT_ERROR: u32 = 0x37;
/// Initial count of the timer.
pub(super) const INITIAL_COUNT: u32 = 0x38;
/// Current count of the timer.
pub(super) const CURRENT_COUNT: u32 = 0x39;
/// Divisor of the timer.
pub(super) const DIVIDE: u32 = 0x3e;
/// Self interrupt.
pub(super) const SELF_INTERRUPT: u32 = 0x3f;

/// Version 0x15 with seven local vectors.
pub(super) const VERSION_VALUE: u64 = 0x0006_0015;
/// A local vector is masked.
pub(super) const LVT_MASKED: u64 = 1 << 16;
/// Software enable in the spurious register.
pub(super) const SPURIOUS_ENABLE: u64 = 1 << 8;
/// Timer mode in its local vector.
pub(super) const TIMER_MODE_SHIFT: u32 = 17;

/// IA32_APIC_BASE: bootstrap processor, global enable, x2APIC mode.
pub(super) const BASE_VALUE: u64 = 0xfee0_0000 | 1 << 8 | 1 << 10 | 1 << 11;
