//! MOV to a debug register: which general register it takes.

use iced_x86::{Decoder, DecoderOptions, Mnemonic};

use super::{execute::bitness, fetch::fetch};
use crate::{guest_memory::GuestMemory, vcpu::Exit};

/// The general register (in encoding order) and the length of the MOV at the guest's instruction pointer.
pub(crate) fn debug_register_source(
    memory: &impl GuestMemory,
    exit: &Exit,
) -> Option<(usize, u64)> {
    let fetched = fetch(memory, exit).ok()?;
    let bytes = fetched.bytes.get(..fetched.length)?;
    let mut decoder = Decoder::try_new(bitness(exit), bytes, DecoderOptions::NONE).ok()?;
    let instruction = decoder.decode();
    let register = instruction.op1_register();
    (instruction.mnemonic() == Mnemonic::Mov && register.is_gpr())
        .then_some((register.full_register().number(), instruction.len() as u64))
}
