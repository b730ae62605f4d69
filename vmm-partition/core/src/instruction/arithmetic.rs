//! Results and flags of two-operand operations (AMD64 Architecture Programmer's Manual volume 3).

use super::form::Arithmetic;
use crate::number::{low_u8, mask_of_bytes};

/// Carry.
const CARRY: u64 = 1;
/// Parity of the low byte.
const PARITY: u64 = 1 << 2;
/// Carry out of bit 3.
const AUXILIARY: u64 = 1 << 4;
/// Zero.
const ZERO: u64 = 1 << 6;
/// Sign.
const SIGN: u64 = 1 << 7;
/// Overflow.
const OVERFLOW: u64 = 1 << 11;
/// All of them.
const ALL: u64 = CARRY | PARITY | AUXILIARY | ZERO | SIGN | OVERFLOW;

/// The result of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) value: u64,
    pub(super) rflags: u64,
    /// Whether the first operand takes the value.
    pub(super) stores: bool,
}

/// Combines `first` and `second`, both of `size` bytes.
pub(super) fn combine(
    operation: Arithmetic,
    first: u64,
    second: u64,
    size: usize,
    rflags: u64,
) -> Outcome {
    let mask = mask_of_bytes(size);
    let (first, second) = (first & mask, second & mask);
    let sign = (mask >> 1) + 1;
    let (value, carry, overflow) = match operation {
        Arithmetic::Add => {
            let sum = first.wrapping_add(second) & mask;
            (sum, sum < first, (first ^ sum) & (second ^ sum) & sign != 0)
        }
        Arithmetic::Subtract | Arithmetic::Compare => {
            let difference = first.wrapping_sub(second) & mask;
            let overflow = (first ^ second) & (first ^ difference) & sign != 0;
            (difference, first < second, overflow)
        }
        Arithmetic::And | Arithmetic::Test => (first & second, false, false),
        Arithmetic::Or => (first | second, false, false),
        Arithmetic::Xor => (first ^ second, false, false),
    };
    let flag = |condition: bool, bit: u64| if condition { bit } else { 0 };
    let auxiliary = matches!(
        operation,
        Arithmetic::Add | Arithmetic::Subtract | Arithmetic::Compare
    ) && (first ^ second ^ value) & 0x10 != 0;
    let flags = flag(carry, CARRY)
        | flag(low_u8(value).count_ones().is_multiple_of(2), PARITY)
        | flag(auxiliary, AUXILIARY)
        | flag(value == 0, ZERO)
        | flag(value & sign != 0, SIGN)
        | flag(overflow, OVERFLOW);
    Outcome {
        value,
        rflags: (rflags & !ALL) | flags,
        stores: !matches!(operation, Arithmetic::Compare | Arithmetic::Test),
    }
}
