//! What one function of the kernel does with the stack pointer.

use std::collections::{BTreeMap, BTreeSet};

use iced_x86::{
    FlowControl, Instruction, InstructionInfoFactory, Mnemonic, OpAccess, OpKind, Register,
};

use super::kernel_code::KernelCode;

const WORD: i64 = 8;

/// A function's use of the stack.
#[derive(Default)]
pub(super) struct Frame {
    /// Bytes that it pushes itself at most, its return address left out.
    pub(super) peak: u64,
    /// What it calls or ends in, and how many bytes lie above the callee's own then.
    pub(super) calls: BTreeSet<(u64, u64)>,
    /// Whether it ever returns.
    pub(super) returns: bool,
    /// What is not understood.
    pub(super) complaints: Vec<String>,
}

/// The stack at one place of a function.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Place {
    /// Bytes pushed since the function's start.
    depth: i64,
    /// The same when RBP was made the frame's pointer.
    frame: Option<i64>,
}

/// Follows every way through the function at `start`, given which functions return.
pub(super) fn follow(code: &KernelCode, start: u64, returning: &BTreeSet<u64>) -> Frame {
    let mut walk = Walk {
        code,
        returning,
        frame: Frame::default(),
        seen: BTreeMap::new(),
        waiting: vec![(
            start,
            Place {
                depth: 0,
                frame: None,
            },
        )],
        instructions: &code.functions[&start].instructions,
        factory: InstructionInfoFactory::new(),
    };
    while let Some((at, place)) = walk.waiting.pop() {
        walk.visit(at, place);
    }
    walk.frame
}

struct Walk<'a> {
    code: &'a KernelCode,
    returning: &'a BTreeSet<u64>,
    frame: Frame,
    /// The depth at each instruction that was visited.
    seen: BTreeMap<u64, i64>,
    waiting: Vec<(u64, Place)>,
    instructions: &'a BTreeMap<u64, Instruction>,
    factory: InstructionInfoFactory,
}

impl Walk<'_> {
    fn visit(&mut self, at: u64, place: Place) {
        let Some(instruction) = self.instructions.get(&at) else {
            return self.complain(at, "the function runs on into another");
        };
        if let Some(before) = self.seen.insert(at, place.depth) {
            if before != place.depth {
                self.complain(at, "the depth of the stack depends on the way there");
            }
            return;
        }
        if loads_user_stack(instruction) {
            return;
        }
        let Some(after) = self.effect(instruction, place) else {
            return self.complain(at, "the stack pointer is changed in an unknown way");
        };
        self.frame.peak = self.frame.peak.max(after.depth.unsigned_abs());
        self.go_on(instruction, after);
    }

    fn go_on(&mut self, instruction: &Instruction, place: Place) {
        let next = instruction.next_ip();
        match instruction.flow_control() {
            FlowControl::Next | FlowControl::XbeginXabortXend => self.waiting.push((next, place)),
            FlowControl::ConditionalBranch => {
                self.waiting.push((next, place));
                self.jump(instruction, place);
            }
            FlowControl::UnconditionalBranch | FlowControl::IndirectBranch => {
                self.jump(instruction, place);
            }
            // The guest comes back to the next instruction, with the same stack.
            FlowControl::Call if instruction.mnemonic() == Mnemonic::Vmrun => {
                self.waiting.push((next, place));
            }
            FlowControl::Call | FlowControl::IndirectCall => self.call(instruction, place),
            FlowControl::Return => self.frame.returns = true,
            // `ud2` and the like: nothing of the function follows.
            FlowControl::Interrupt | FlowControl::Exception => {}
        }
    }

    fn jump(&mut self, instruction: &Instruction, place: Place) {
        match self.code.target(instruction) {
            Some(target) if self.instructions.contains_key(&target) => {
                self.waiting.push((target, place));
            }
            Some(target) => {
                // The function ends in another, which returns in its place.
                self.frame.returns |= self.returning.contains(&target);
                self.frame
                    .calls
                    .insert((target, place.depth.unsigned_abs()));
            }
            None => self.complain(instruction.ip(), "it is unknown where this jumps"),
        }
    }

    fn call(&mut self, instruction: &Instruction, place: Place) {
        let Some(target) = self.code.target(instruction) else {
            return self.complain(instruction.ip(), "it is unknown what this calls");
        };
        let depth = (place.depth + WORD).unsigned_abs();
        self.frame.calls.insert((target, depth));
        if self.returning.contains(&target) {
            self.waiting.push((instruction.next_ip(), place));
        }
    }

    /// The stack behind an instruction; nothing if that cannot be told.
    fn effect(&mut self, instruction: &Instruction, place: Place) -> Option<Place> {
        use Register::{RBP, RSP};
        let Place { depth, frame } = place;
        let moved = |depth| Some(Place { depth, frame });
        let to = instruction.op0_register();
        match instruction.mnemonic() {
            Mnemonic::Call | Mnemonic::Ret => Some(place),
            Mnemonic::Mov if to == RBP && instruction.op1_register() == RSP => Some(Place {
                depth,
                frame: Some(depth),
            }),
            Mnemonic::Mov if to == RSP && instruction.op1_register() == RBP => moved(frame?),
            Mnemonic::Sub if to == RSP => moved(depth + immediate(instruction)?),
            Mnemonic::Add if to == RSP => moved(depth - immediate(instruction)?),
            // Aligned downwards: at most so many bytes.
            Mnemonic::And if to == RSP => moved(depth - immediate(instruction)? - 1),
            Mnemonic::Lea if to == RSP && instruction.memory_index() == Register::None => {
                let offset = instruction.memory_displacement64().cast_signed();
                match instruction.memory_base() {
                    RSP => moved(depth - offset),
                    RBP => moved(frame? - offset),
                    _ => None,
                }
            }
            Mnemonic::Leave => moved(frame? - WORD),
            _ if instruction.is_stack_instruction() => {
                moved(depth - i64::from(instruction.stack_pointer_increment()))
            }
            _ if self.writes_stack_pointer(instruction) => None,
            _ => Some(place),
        }
    }

    fn writes_stack_pointer(&mut self, instruction: &Instruction) -> bool {
        let is_write = |access| !matches!(access, OpAccess::Read | OpAccess::CondRead);
        self.factory
            .info(instruction)
            .used_registers()
            .iter()
            .any(|used| used.register().full_register() == Register::RSP && is_write(used.access()))
    }

    fn complain(&mut self, at: u64, what: &str) {
        self.frame.complaints.push(format!("{what} ({at:#x})"));
    }
}

/// The way out to user mode: what follows is not on the kernel's stack.
fn loads_user_stack(instruction: &Instruction) -> bool {
    instruction.mnemonic() == Mnemonic::Mov
        && instruction.op0_register() == Register::RSP
        && instruction.op1_kind() == OpKind::Memory
}

fn immediate(instruction: &Instruction) -> Option<i64> {
    let kind = instruction.op1_kind();
    let is_immediate = matches!(
        kind,
        OpKind::Immediate8to64 | OpKind::Immediate32to64 | OpKind::Immediate64
    );
    is_immediate.then(|| instruction.immediate(1).cast_signed())
}

#[cfg(test)]
mod tests {
    use iced_x86::{Decoder, DecoderOptions};

    use super::*;

    const START: u64 = 0x1000;

    fn frame(bytes: &[u8]) -> Frame {
        let decoder = Decoder::with_ip(64, bytes, START, DecoderOptions::NONE);
        let code = KernelCode::of_one("function", decoder);
        follow(&code, START, &BTreeSet::new())
    }

    #[test]
    fn pushes_and_frames_add_up() {
        // push rbx; sub rsp, 0x20; add rsp, 0x20; pop rbx; ret
        let frame = frame(&[
            0x53, 0x48, 0x83, 0xec, 0x20, 0x48, 0x83, 0xc4, 0x20, 0x5b, 0xc3,
        ]);
        assert_eq!((frame.peak, frame.returns), (0x28, true));
        assert!(frame.complaints.is_empty());
    }

    #[test]
    fn what_follows_a_call_that_never_returns_is_not_reached() {
        // push rbx; call 0x2000; sub rsp, 0x20
        let frame = frame(&[0x53, 0xe8, 0xfa, 0x0f, 0, 0, 0x48, 0x83, 0xec, 0x20]);
        assert_eq!((frame.peak, frame.returns), (8, false));
        assert_eq!(frame.calls, BTreeSet::from([(0x2000, 16)]));
    }

    #[test]
    fn a_loop_that_pushes_is_found() {
        // push rbx; jmp to the push
        let frame = frame(&[0x53, 0xeb, 0xfd]);
        assert!(frame.complaints[0].contains("depends on the way"));
    }

    #[test]
    fn an_unknown_stack_is_found() {
        // mov rsp, rax; ret
        let frame = frame(&[0x48, 0x89, 0xc4, 0xc3]);
        assert!(frame.complaints[0].contains("unknown way"));
    }
}
