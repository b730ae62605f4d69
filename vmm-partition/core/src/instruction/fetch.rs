//! Instruction bytes at the guest's instruction pointer.

use super::walk::{Intent, WalkError, translate};
use crate::{guest_memory::GuestMemory, vcpu::Exit};

/// Most bytes of an instruction.
pub(crate) const INSTRUCTION_BYTES: usize = 15;

/// Bytes that were fetched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fetched {
    pub(crate) bytes: [u8; INSTRUCTION_BYTES],
    pub(crate) length: usize,
}

/// Reads up to fifteen bytes; fewer if the page behind is not mapped.
pub(crate) fn fetch(memory: &impl GuestMemory, exit: &Exit) -> Result<Fetched, WalkError> {
    if let Some(fetched) = from_cpu(exit) {
        return Ok(fetched);
    }
    let linear = exit.linear_rip();
    let to_page_end = 0x1000 - usize::try_from(linear & 0xfff).unwrap_or(0);
    let first = to_page_end.min(INSTRUCTION_BYTES);
    let mut fetched = Fetched {
        length: first,
        ..Fetched::default()
    };
    let (head, tail) = fetched.bytes.split_at_mut(first);
    let address = translate(memory, exit, linear, Intent::Read)?;
    memory
        .read(address, head)
        .map_err(|_| WalkError::Unsupported)?;
    if !tail.is_empty() {
        let next = linear.wrapping_add(first as u64);
        let rest = translate(memory, exit, next, Intent::Read)
            .ok()
            .and_then(|address| memory.read(address, tail).ok());
        if rest.is_some() {
            fetched.length = INSTRUCTION_BYTES;
        }
    }
    Ok(fetched)
}

/// The bytes that the CPU gave with the exit, where it does.
fn from_cpu(exit: &Exit) -> Option<Fetched> {
    let [low, high] = exit.instruction_bytes;
    let length = usize::from(high.to_le_bytes()[7]).min(INSTRUCTION_BYTES);
    if length == 0 {
        return None;
    }
    let mut bytes = [0; INSTRUCTION_BYTES];
    bytes[..8].copy_from_slice(&low.to_le_bytes());
    bytes[8..].copy_from_slice(&high.to_le_bytes()[..7]);
    Some(Fetched { bytes, length })
}
