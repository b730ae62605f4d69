//! What must not be in the kernel's code.
//!
//! It does not save vector and x87 registers at its entry, so it must not touch them. What switches
//! them between threads (XSAVE, FXSAVE and the like) names no such register, only memory, so no
//! exception for the switching code is needed, save for FNINIT.

use anyhow::Result;
use iced_x86::{CpuidFeature, Instruction, InstructionInfoFactory, Mnemonic};

use super::kernel_code::KernelCode;
use super::{Findings, Subject, build_images};

pub(super) fn check(subject: &Subject) -> Result<Findings> {
    let code = KernelCode::read(&build_images::build_kernel(subject)?)?;
    let mut factory = InstructionInfoFactory::new();
    let mut findings = Vec::new();
    for function in code.functions.values() {
        for instruction in function.instructions.values() {
            if touches_user_registers(instruction, &mut factory) {
                findings.push(format!(
                    "{:#x} in {}: {:?}",
                    instruction.ip(),
                    function.name,
                    instruction.code()
                ));
            }
        }
    }
    Ok(findings)
}

fn touches_user_registers(instruction: &Instruction, factory: &mut InstructionInfoFactory) -> bool {
    let names_one = factory
        .info(instruction)
        .used_registers()
        .iter()
        .map(iced_x86::UsedRegister::register)
        .any(|register| register.is_vector_register() || register.is_mm() || register.is_st());
    let computes = instruction.cpuid_features().iter().any(|feature| {
        matches!(
            feature,
            CpuidFeature::FPU | CpuidFeature::FPU287 | CpuidFeature::FPU387 | CpuidFeature::MMX
        )
    });
    let resets = matches!(instruction.mnemonic(), Mnemonic::Fninit);
    !resets && (names_one || computes)
}
#[cfg(test)]
mod tests {
    use iced_x86::{Decoder, DecoderOptions};

    use super::*;

    fn touches(code: &[u8]) -> bool {
        let mut decoder = Decoder::new(64, code, DecoderOptions::NONE);
        touches_user_registers(&decoder.decode(), &mut InstructionInfoFactory::new())
    }

    #[test]
    fn vector_and_x87_instructions_are_found() {
        assert!(touches(&[0x0f, 0x28, 0xc1]), "movaps xmm0, xmm1");
        assert!(touches(&[0xc5, 0xfc, 0x77]), "vzeroall");
        assert!(touches(&[0x0f, 0x6e, 0xc0]), "movd mm0, eax");
        assert!(touches(&[0x0f, 0x77]), "emms");
        assert!(touches(&[0xd9, 0xe8]), "fld1");
        assert!(touches(&[0xdd, 0x00]), "fld qword [rax]");
    }

    #[test]
    fn what_switches_them_is_allowed() {
        assert!(!touches(&[0xdb, 0xe3]), "fninit");
        assert!(!touches(&[0x0f, 0xae, 0x00]), "fxsave [rax]");
        assert!(!touches(&[0x0f, 0xae, 0x08]), "fxrstor [rax]");
        assert!(!touches(&[0x0f, 0xae, 0x20]), "xsave [rax]");
        assert!(!touches(&[0x0f, 0xae, 0x28]), "xrstor [rax]");
        assert!(!touches(&[0x48, 0x89, 0xd8]), "mov rax, rbx");
    }
}
