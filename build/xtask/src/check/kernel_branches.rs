//! The kernel jumps and calls through no register and no memory once users run.
//!
//! What user code taught the processor to predict for such a branch (Spectre, variant 2) then
//! finds nothing to mislead, and the graph of calls is known: the bound of the stack rests on it.

use anyhow::Result;
use iced_x86::{FlowControl, Instruction};

use super::kernel_code::KernelCode;
use super::{Findings, Subject, build_images};

/// Part of the symbols of what runs before the first user, and never again.
const BOOT: &str = "4boot";

pub(super) fn check(subject: &Subject) -> Result<Findings> {
    let code = KernelCode::read(&build_images::build_kernel(subject)?)?;
    let mut findings = Vec::new();
    for function in code.functions.values() {
        if function.name.contains(BOOT) {
            continue;
        }
        let branches = function.instructions.values().filter(|i| is_indirect(i));
        for instruction in branches {
            findings.push(format!("{:#x} in {}", instruction.ip(), function.name));
        }
    }
    Ok(findings)
}

fn is_indirect(instruction: &Instruction) -> bool {
    matches!(
        instruction.flow_control(),
        FlowControl::IndirectBranch | FlowControl::IndirectCall
    )
}

#[cfg(test)]
mod tests {
    use iced_x86::{Decoder, DecoderOptions};

    use super::*;

    #[test]
    fn branches_through_registers_and_memory_are_found() {
        let indirect =
            |code: &[u8]| is_indirect(&Decoder::new(64, code, DecoderOptions::NONE).decode());
        assert!(indirect(&[0xff, 0xe0]), "jmp rax");
        assert!(indirect(&[0xff, 0x24, 0xc5, 0, 0, 0, 0]), "jmp [rax * 8]");
        assert!(indirect(&[0x41, 0xff, 0xd3]), "call r11");
        assert!(!indirect(&[0xe8, 0, 0, 0, 0]), "call");
        assert!(!indirect(&[0x0f, 0x84, 0, 0, 0, 0]), "je");
        assert!(!indirect(&[0xc3]), "ret");
    }
}
