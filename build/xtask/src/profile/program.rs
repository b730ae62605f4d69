//! The code of a program, as far as a trace can be compared with it.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use iced_x86::{Decoder, DecoderOptions, FlowControl, Mnemonic};
use object::{Object, ObjectSegment, ObjectSymbol, SegmentFlags, elf};

/// A program that may appear in a trace.
pub(super) struct Program {
    pub(super) name: String,
    pub(super) file: PathBuf,
    /// Executable parts: address and content.
    code: Vec<(u64, Vec<u8>)>,
    /// Where the kernel's look for interrupts begins.
    looks: Vec<u64>,
    decoded: HashMap<u64, Option<Instruction>>,
}

/// What of an instruction a trace can show.
#[derive(Clone, Copy)]
struct Instruction {
    /// The address behind it.
    end: u64,
    next: Next,
    reads_counter: bool,
    enables_interrupts: bool,
    leaves_kernel: bool,
}

/// The kernel's function that tells long operations whether an interrupt waits.
const LOOK: &str = "is_interrupt_pending";

/// Where execution can go on.
#[derive(Clone, Copy)]
enum Next {
    Behind,
    BehindOr(u64),
    Anywhere,
}

impl Program {
    /// Reads an ELF file and keeps a copy in the folder, whatever is built meanwhile.
    pub(super) fn read(original: &Path, folder: &Path) -> Result<Program> {
        let file = folder.join(original.file_name().unwrap_or_default());
        fs::copy(original, &file)?;
        let bytes = fs::read(&file)?;
        let image = object::File::parse(&*bytes)
            .with_context(|| format!("{} is no ELF file", file.display()))?;
        let mut code = Vec::new();
        for segment in image.segments() {
            let SegmentFlags::Elf { p_flags } = segment.flags() else {
                continue;
            };
            if p_flags & elf::PF_X != 0 {
                code.push((segment.address(), segment.data()?.to_vec()));
            }
        }
        let looks = image
            .symbols()
            .filter(|symbol| symbol.name().is_ok_and(|name| name.contains(LOOK)))
            .map(|symbol| symbol.address())
            .collect();
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        Ok(Program {
            name: name.into_owned(),
            file,
            code,
            looks,
            decoded: HashMap::new(),
        })
    }

    /// Whether the program can have an instruction at `from`, and `to` can be the next.
    pub(super) fn follows(&mut self, from: u64, to: u64) -> bool {
        let Some(instruction) = self.instruction(from) else {
            return false;
        };
        // An instruction that was interrupted or repeats itself comes again.
        from == to
            || match instruction.next {
                Next::Behind => to == instruction.end,
                Next::BehindOr(target) => to == instruction.end || to == target,
                Next::Anywhere => self.instruction(to).is_some(),
            }
    }

    /// Whether the instruction reads the time-stamp counter.
    pub(super) fn reads_counter(&mut self, address: u64) -> bool {
        self.instruction(address)
            .is_some_and(|instruction| instruction.reads_counter)
    }

    /// Whether the kernel takes an interrupt here, or sees that it has to.
    pub(super) fn lets_interrupts_in(&mut self, address: u64) -> bool {
        self.looks.contains(&address)
            || self
                .instruction(address)
                .is_some_and(|instruction| instruction.enables_interrupts)
    }

    /// Whether the instruction goes to user mode.
    pub(super) fn leaves_kernel(&mut self, address: u64) -> bool {
        self.instruction(address)
            .is_some_and(|instruction| instruction.leaves_kernel)
    }

    fn instruction(&mut self, address: u64) -> Option<Instruction> {
        if let Some(known) = self.decoded.get(&address) {
            return *known;
        }
        let decoded = self.decode(address);
        self.decoded.insert(address, decoded);
        decoded
    }

    fn decode(&self, address: u64) -> Option<Instruction> {
        let bytes = self.code.iter().find_map(|(start, content)| {
            let offset = usize::try_from(address.checked_sub(*start)?).ok()?;
            content.get(offset..).filter(|rest| !rest.is_empty())
        })?;
        let instruction = Decoder::with_ip(64, bytes, address, DecoderOptions::NONE).decode();
        if instruction.is_invalid() {
            return None;
        }
        let next = match instruction.flow_control() {
            // An exception's handler may let the thread go on elsewhere; a system call's does so rarely.
            FlowControl::Next | FlowControl::Call if !instruction.is_call_near() => Next::Behind,
            FlowControl::UnconditionalBranch
            | FlowControl::ConditionalBranch
            | FlowControl::Call => Next::BehindOr(instruction.near_branch_target()),
            _ => Next::Anywhere,
        };
        Some(Instruction {
            end: instruction.next_ip(),
            next,
            reads_counter: matches!(instruction.mnemonic(), Mnemonic::Rdtsc | Mnemonic::Rdtscp),
            enables_interrupts: instruction.mnemonic() == Mnemonic::Sti,
            leaves_kernel: matches!(instruction.mnemonic(), Mnemonic::Sysretq | Mnemonic::Iretq),
        })
    }
}
