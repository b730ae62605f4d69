//! Parts of general registers.

use super::form::{Part, Source};
use crate::{
    number::mask_of_bytes,
    vcpu::{Exit, GeneralRegisters, Request},
};

/// The value of a part.
pub(super) fn get(exit: &Exit, part: Part) -> u64 {
    let register = exit.general.get(part.index).copied().unwrap_or(0);
    (register >> part.shift) & mask_of_bytes(part.size)
}

/// Sets a part; 32-bit parts clear the upper half, smaller ones leave the rest.
pub(super) fn set(exit: &mut Exit, request: &mut Request, part: Part, value: u64) {
    let mask = mask_of_bytes(part.size);
    if let Some(register) = exit.general.get_mut(part.index) {
        *register = if part.size >= 4 {
            value & mask
        } else {
            (*register & !(mask << part.shift)) | ((value & mask) << part.shift)
        };
        request.general_changed = GeneralRegisters::Changed;
    }
}

/// The value of a source operand.
pub(super) fn source(exit: &Exit, source: Source) -> u64 {
    match source {
        Source::Register(part) => get(exit, part),
        Source::Immediate(value) => value,
    }
}

/// A value of `size` bytes extended by its sign.
pub(super) fn sign_extend(value: u64, size: usize) -> u64 {
    let mask = mask_of_bytes(size);
    let sign = (mask >> 1) + 1;
    let value = value & mask;
    if value & sign != 0 {
        value | !mask
    } else {
        value
    }
}
