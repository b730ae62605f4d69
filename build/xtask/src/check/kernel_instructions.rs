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
    let Some(file) = build_images::build(subject)?.kernel else {
        return Ok(vec!["there is no kernel image".into()]);
    };
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
            CpuidFeature::FPU | CpuidFeature::FPU287 | CpuidFeature::FPU387
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
