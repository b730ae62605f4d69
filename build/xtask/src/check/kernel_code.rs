//! The kernel's code as its image holds it, function by function.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use iced_x86::{Decoder, DecoderOptions, FlowControl, Instruction};
use object::{
    Object, ObjectSection, ObjectSegment, ObjectSymbol, SectionFlags, SegmentFlags, SymbolKind, elf,
};

/// A kernel without code would pass every check of it.
const FEWEST_INSTRUCTIONS: usize = 1000;

/// Every instruction of the kernel.
pub(super) struct KernelCode {
    /// By the address of the first instruction.
    pub(super) functions: BTreeMap<u64, Function>,
    /// The bytes of each section of code, by address.
    pub(super) text: BTreeMap<u64, Vec<u8>>,
    /// Segments that are only read, by address.
    constants: BTreeMap<u64, Vec<u8>>,
    /// Sizes of what is no code, by name.
    sizes: BTreeMap<String, u64>,
}

/// The instructions from one symbol to the next.
pub(super) struct Function {
    /// Mangled; some have several, of which this is one.
    pub(super) name: String,
    pub(super) instructions: BTreeMap<u64, Instruction>,
}

impl KernelCode {
    /// Decodes an ELF file that has its symbols.
    pub(super) fn read(file: &Path) -> Result<KernelCode> {
        let bytes = std::fs::read(file)?;
        let image = object::File::parse(&*bytes)
            .with_context(|| format!("{} is no ELF file", file.display()))?;
        let mut code = KernelCode {
            functions: functions(&image),
            text: BTreeMap::new(),
            constants: BTreeMap::new(),
            sizes: BTreeMap::new(),
        };
        for section in image.sections() {
            if is_code(section.flags()) {
                code.decode(section.address(), section.data()?)?;
                code.text
                    .insert(section.address(), section.data()?.to_vec());
            }
        }
        for segment in image.segments() {
            if is_constant(segment.flags()) {
                let data = segment.data()?.to_vec();
                code.constants.insert(segment.address(), data);
            }
        }
        for symbol in image.symbols() {
            if symbol.kind() == SymbolKind::Data {
                code.sizes.insert(symbol.name()?.into(), symbol.size());
            }
        }
        let count: usize = code
            .functions
            .values()
            .map(|function| function.instructions.len())
            .sum();
        ensure!(
            count >= FEWEST_INSTRUCTIONS,
            "only {count} instructions were found"
        );
        Ok(code)
    }

    /// Code that is one function.
    #[cfg(test)]
    pub(super) fn of_one(name: &str, decoder: Decoder<'_>) -> KernelCode {
        let start = decoder.ip();
        let function = Function {
            name: name.into(),
            instructions: decoder.into_iter().map(|it| (it.ip(), it)).collect(),
        };
        KernelCode {
            functions: BTreeMap::from([(start, function)]),
            text: BTreeMap::new(),
            constants: BTreeMap::new(),
            sizes: BTreeMap::new(),
        }
    }

    fn decode(&mut self, address: u64, bytes: &[u8]) -> Result<()> {
        for instruction in &mut Decoder::with_ip(64, bytes, address, DecoderOptions::NONE) {
            let holder = self.functions.range_mut(..=instruction.ip()).next_back();
            let (_, function) = holder.with_context(|| {
                format!("the code at {:#x} belongs to no symbol", instruction.ip())
            })?;
            function.instructions.insert(instruction.ip(), instruction);
        }
        Ok(())
    }

    /// Where a call or jump goes, if the image alone tells.
    pub(super) fn target(&self, instruction: &Instruction) -> Option<u64> {
        match instruction.flow_control() {
            FlowControl::Call
            | FlowControl::UnconditionalBranch
            | FlowControl::ConditionalBranch => Some(instruction.near_branch_target()),
            FlowControl::IndirectCall | FlowControl::IndirectBranch
                if instruction.is_ip_rel_memory_operand() =>
            {
                self.constant(instruction.ip_rel_memory_address())
            }
            _ => None,
        }
    }

    /// The eight bytes at an address that nobody writes.
    fn constant(&self, address: u64) -> Option<u64> {
        let (start, bytes) = self.constants.range(..=address).next_back()?;
        let offset = usize::try_from(address - start).ok()?;
        let word = bytes.get(offset..)?.first_chunk()?;
        Some(u64::from_le_bytes(*word))
    }

    /// The function whose symbol contains the text.
    pub(super) fn find(&self, part: &str) -> Option<u64> {
        let mut entries = self.functions.iter();
        entries
            .find(|(_, function)| function.name.contains(part))
            .map(|(start, _)| *start)
    }

    /// Bytes of the static whose symbol contains the text.
    pub(super) fn size(&self, part: &str) -> Option<u64> {
        let mut entries = self.sizes.iter();
        entries
            .find(|(name, _)| name.contains(part))
            .map(|(_, size)| *size)
    }
}

/// Every symbol in code, without its instructions yet.
fn functions(image: &object::File<'_>) -> BTreeMap<u64, Function> {
    let is_code = |index| {
        image
            .section_by_index(index)
            .is_ok_and(|section| is_code(section.flags()))
    };
    image
        .symbols()
        .filter(|symbol| symbol.section_index().is_some_and(is_code))
        .filter_map(|symbol| {
            let function = Function {
                name: symbol.name().ok()?.into(),
                instructions: BTreeMap::new(),
            };
            Some((symbol.address(), function))
        })
        .collect()
}

/// The part that only starts the kernel is writable too, holds page tables, and is left out.
fn is_code(flags: SectionFlags) -> bool {
    let SectionFlags::Elf { sh_flags } = flags else {
        return false;
    };
    let has = |flag| sh_flags & u64::from(flag) != 0;
    has(elf::SHF_EXECINSTR) && !has(elf::SHF_WRITE)
}

fn is_constant(flags: SegmentFlags) -> bool {
    matches!(flags, SegmentFlags::Elf { p_flags } if p_flags == elf::PF_R)
}
