//! From bytes to a [`Form`], by iced-x86.

use iced_x86::{Code, Decoder, DecoderOptions, Instruction, Mnemonic, OpKind, Register};

use super::{
    fetch::Fetched,
    form::{Action, Arithmetic, Extend, Form, Part, Repeat, Source},
};

/// Decodes the first instruction; `None` if it is none that is executed here.
pub(crate) fn decode(fetched: &Fetched, bitness: u32) -> Option<Form> {
    let bytes = fetched.bytes.get(..fetched.length)?;
    let mut decoder = Decoder::try_new(bitness, bytes, DecoderOptions::NONE).ok()?;
    let instruction = decoder.decode();
    if instruction.code() == Code::INVALID {
        return None;
    }
    let size = instruction.memory_size().size();
    if !matches!(size, 1 | 2 | 4 | 8) {
        return None;
    }
    Some(Form {
        action: action(&instruction, bitness)?,
        size,
        length: instruction.len() as u64,
    })
}

fn action(instruction: &Instruction, bitness: u32) -> Option<Action> {
    match instruction.mnemonic() {
        Mnemonic::Mov => move_action(instruction),
        Mnemonic::Movzx => load(instruction, Extend::Zero),
        Mnemonic::Movsx | Mnemonic::Movsxd => load(instruction, Extend::Sign),
        Mnemonic::Add => arithmetic(instruction, Arithmetic::Add),
        Mnemonic::Sub => arithmetic(instruction, Arithmetic::Subtract),
        Mnemonic::And => arithmetic(instruction, Arithmetic::And),
        Mnemonic::Or => arithmetic(instruction, Arithmetic::Or),
        Mnemonic::Xor => arithmetic(instruction, Arithmetic::Xor),
        Mnemonic::Cmp => arithmetic(instruction, Arithmetic::Compare),
        Mnemonic::Test => arithmetic(instruction, Arithmetic::Test),
        Mnemonic::Xchg => exchange(instruction),
        Mnemonic::Stosb | Mnemonic::Stosw | Mnemonic::Stosd | Mnemonic::Stosq => {
            flat(instruction, bitness).then(|| Action::StoreString(repeat(instruction)))
        }
        Mnemonic::Movsb | Mnemonic::Movsw | Mnemonic::Movsd | Mnemonic::Movsq => {
            flat(instruction, bitness).then(|| Action::MoveString(repeat(instruction)))
        }
        _ => None,
    }
}

/// String instructions are executed where segments have base 0 and addresses 64 bits.
fn flat(instruction: &Instruction, bitness: u32) -> bool {
    let overridden = matches!(instruction.segment_prefix(), Register::FS | Register::GS);
    let wide = (0..instruction.op_count()).all(|operand| {
        matches!(
            instruction.op_kind(operand),
            OpKind::MemorySegRSI | OpKind::MemoryESRDI | OpKind::Register
        )
    });
    bitness == 64 && !overridden && wide
}

fn repeat(instruction: &Instruction) -> Repeat {
    if instruction.has_rep_prefix() || instruction.has_repne_prefix() {
        Repeat::ByRcx
    } else {
        Repeat::Once
    }
}

fn move_action(instruction: &Instruction) -> Option<Action> {
    if instruction.op0_kind() == OpKind::Memory {
        Some(Action::Store(source(instruction, 1)?))
    } else {
        load(instruction, Extend::Zero)
    }
}

fn load(instruction: &Instruction, extend: Extend) -> Option<Action> {
    (instruction.op1_kind() == OpKind::Memory).then_some(())?;
    Some(Action::Load {
        to: part(instruction.op0_register())?,
        extend,
    })
}

fn arithmetic(instruction: &Instruction, with: Arithmetic) -> Option<Action> {
    if instruction.op0_kind() == OpKind::Memory {
        Some(Action::Modify {
            with,
            source: source(instruction, 1)?,
        })
    } else if instruction.op1_kind() == OpKind::Memory {
        Some(Action::Combine {
            with,
            register: part(instruction.op0_register())?,
        })
    } else {
        None
    }
}

fn exchange(instruction: &Instruction) -> Option<Action> {
    let register = if instruction.op0_kind() == OpKind::Memory {
        instruction.op1_register()
    } else {
        instruction.op0_register()
    };
    Some(Action::Exchange(part(register)?))
}

fn source(instruction: &Instruction, operand: u32) -> Option<Source> {
    match instruction.op_kind(operand) {
        OpKind::Register => Some(Source::Register(part(instruction.op_register(operand))?)),
        _ => Some(Source::Immediate(instruction.try_immediate(operand).ok()?)),
    }
}

/// The general register of an operand; segment and control registers are none.
fn part(register: Register) -> Option<Part> {
    let high = matches!(
        register,
        Register::AH | Register::CH | Register::DH | Register::BH
    );
    if !register.is_gpr() {
        return None;
    }
    Some(Part {
        index: register.full_register().number(),
        size: register.size(),
        shift: if high { 8 } else { 0 },
    })
}
