//! The kernel does not save vector and x87 registers at its entry, so it must not touch them.
//!
//! What switches them between threads (XSAVE, FXSAVE and the like) names no such register, only
//! memory, so no exception for the switching code is needed, save for FNINIT.

use std::fs;

use anyhow::{Context, Result};
use iced_x86::{
    CpuidFeature, Decoder, DecoderOptions, Instruction, InstructionInfoFactory, Mnemonic,
};
use object::{Object, ObjectSection, ObjectSymbol, SectionFlags, elf};

use super::{Findings, Subject, build_images};

pub(super) fn check(subject: &Subject) -> Result<Findings> {
    let file = build_images::build_kernel(subject)?;
    let bytes = fs::read(&file)?;
    let image = object::File::parse(&*bytes)
        .with_context(|| format!("{} is no ELF file", file.display()))?;
    let mut findings = Vec::new();
    let mut instructions = 0;
    for section in image.sections() {
        let SectionFlags::Elf { sh_flags } = section.flags() else {
            continue;
        };
        if sh_flags & u64::from(elf::SHF_EXECINSTR) == 0 {
            continue;
        }
        let mut decoder =
            Decoder::with_ip(64, section.data()?, section.address(), DecoderOptions::NONE);
        let mut factory = InstructionInfoFactory::new();
        for instruction in &mut decoder {
            instructions += 1;
            if touches_user_registers(&instruction, &mut factory) {
                let place = enclosing_symbol(&image, instruction.ip());
                findings.push(format!(
                    "{:#x} in {place}: {:?}",
                    instruction.ip(),
                    instruction.code()
                ));
            }
        }
    }
    // A kernel without code would pass everything.
    if instructions < 1000 {
        findings.push(format!("only {instructions} instructions were found"));
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

/// The function that holds the address, for the reader of a finding.
fn enclosing_symbol(image: &object::File<'_>, address: u64) -> String {
    image
        .symbols()
        .filter(|symbol| (symbol.address()..symbol.address() + symbol.size()).contains(&address))
        .find_map(|symbol| symbol.name().ok().map(str::to_owned))
        .unwrap_or_else(|| "no known function".into())
}

#[cfg(test)]
mod tests {
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
