//! Register values that user code may not choose freely.

use crate::object::Register;

/// Flags that a user may set: CF PF AF ZF SF DF OF, and NT, RF left out like everything above.
const USER_FLAGS: u64 = 0xcd5;
/// Always set: bit 1 by the architecture, IF because user code runs with interrupts on.
const FIXED_FLAGS: u64 = 0x202;
/// The last address of the lower half: what a non-canonical address becomes.
const LOWER_HALF_END: u64 = 0x0000_7fff_ffff_ffff;

/// The value that is written when a user asks for `value` in a register.
pub(crate) const fn sanitised(register: Register, value: u64) -> u64 {
    match register {
        Register::Rflags => value & USER_FLAGS | FIXED_FLAGS,
        Register::Rip | Register::FsBase | Register::GsBase if !is_canonical(value) => {
            LOWER_HALF_END
        }
        _ => value,
    }
}

const fn is_canonical(address: u64) -> bool {
    let top = address >> 47;
    top == 0 || top == 0x1_ffff
}
