//! Every return of the kernel can be made another kind of return at boot.
//!
//! (SYSRET and IRET leave the kernel, and a far return loads a segment at boot.)
//!
//! The compiler is told to spell a return as a jump to one place, the thunk, and the kernel looks for these
//! jumps in its text by their bytes. So there must be no other return once users run, no way to the
//! thunk but such jumps, and no bytes that look like one and are none.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use iced_x86::{Code, FlowControl, Instruction};

use super::kernel_code::KernelCode;
use super::{Findings, Subject, build_images};

const THUNK: &str = "__x86_return_thunk";

/// Where returns stand as such: the thunk, the hooks that boot replaces, and the other kinds of return.
const KINDS: [&str; 5] = [
    THUNK,
    "untrain",
    "return_filled",
    "return_untrained",
    "drop_and_return",
];

/// Bytes of a jump: its code, and the distance from its end.
const JUMP: u8 = 0xe9;
const JUMP_BYTES: usize = 5;

pub(super) fn check(subject: &Subject) -> Result<Findings> {
    let code = KernelCode::read(&build_images::build_kernel(subject)?)?;
    let thunk = code.functions.iter();
    let mut thunk = thunk.filter(|(_, function)| function.name == THUNK);
    let (&thunk, _) = thunk.next().context("the kernel has no return thunk")?;
    let mut findings = Vec::new();
    let mut jumps = BTreeSet::new();
    for function in code.functions.values() {
        for (&at, instruction) in &function.instructions {
            if is_jump(instruction, thunk) {
                jumps.insert(at);
            } else if instruction.near_branch_target() == thunk {
                findings.push(format!(
                    "{at:#x} in {}: no jump, but goes to the thunk",
                    function.name
                ));
            } else if instruction.flow_control() == FlowControl::Return
                && !matches!(
                    instruction.code(),
                    Code::Iretq | Code::Sysretq | Code::Retfq
                )
                && !KINDS.contains(&function.name.as_str())
            {
                findings.push(format!("{at:#x} in {}: a return", function.name));
            }
        }
    }
    for (start, bytes) in &code.text {
        for at in lookalikes(*start, bytes, thunk).filter(|at| !jumps.contains(at)) {
            findings.push(format!("{at:#x}: looks like a jump to the thunk"));
        }
    }
    if jumps.is_empty() {
        findings.push("nothing returns".into());
    }
    Ok(findings)
}

fn is_jump(instruction: &Instruction, thunk: u64) -> bool {
    instruction.code() == Code::Jmp_rel32_64 && instruction.near_branch_target() == thunk
}

/// Where the kernel would see a jump to the thunk.
fn lookalikes(start: u64, bytes: &[u8], thunk: u64) -> impl Iterator<Item = u64> {
    let windows = (start..).zip(bytes.windows(JUMP_BYTES));
    let found = windows.filter(move |(at, window)| {
        let distance = window[1..].try_into().map_or(0, i32::from_le_bytes);
        let end = at + JUMP_BYTES as u64;
        window[0] == JUMP && end.wrapping_add_signed(distance.into()) == thunk
    });
    found.map(|(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jumps_are_found_by_their_bytes() {
        // nop; jmp 0x1000; and the same distance elsewhere.
        let bytes = [
            0x90, 0xe9, 0xfa, 0xff, 0xff, 0xff, 0xe9, 0xfa, 0xff, 0xff, 0xff,
        ];
        let found: Vec<u64> = lookalikes(0x1000, &bytes, 0x1000).collect();
        assert_eq!(found, [0x1001]);
    }
}
