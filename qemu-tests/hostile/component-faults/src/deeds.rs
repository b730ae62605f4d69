//! What a component may not do.
//!
//! Every one of these is meant to be the last thing that the program does, so none of the promises that
//! Rust's references rest on matters any more afterwards.

use core::arch::asm;

use runtime::{
    kernel_calls::{Registers, syscall},
    sel4_sys::{MessageInfo, syscall},
};

/// A slot that no component has.
const NO_SLOT: u64 = 0x000d_ead0;
/// A system call that does not exist.
const NO_SYSTEM_CALL: i64 = -99;
/// Where the kernel lies.
const KERNEL: u64 = 0xffff_ffff_8000_0000;
/// The program's own first instruction.
const CODE: u64 = 0x40_0000;

pub(crate) fn commit(deed: &str) {
    match deed {
        "read null" => read(0),
        "read the kernel" => read(KERNEL),
        "read where nothing can be" => read(0x0800_0000_0000_0000),
        "write code" => write(CODE),
        "execute null" => execute(0),
        "execute the kernel" => execute(KERNEL),
        "divide by zero" => divide(),
        "halt the processor" => halt(),
        "send through nothing" => {
            syscall(
                syscall::SEND,
                Registers {
                    capability_or_badge: NO_SLOT,
                    info: MessageInfo::new(0, 0, 0),
                    ..Registers::default()
                },
            );
        }
        "call what does not exist" => {
            syscall(NO_SYSTEM_CALL, Registers::default());
        }
        _ => {}
    }
}

fn read(address: u64) {
    // SAFETY: the access faults; see the module's documentation.
    unsafe { asm!("mov {0}, [{0}]", inout(reg) address => _) };
}

fn write(address: u64) {
    // SAFETY: the access faults; see the module's documentation.
    unsafe { asm!("mov byte ptr [{}], 0xcc", in(reg) address) };
}

fn execute(address: u64) {
    // SAFETY: the fetch faults; see the module's documentation.
    unsafe { asm!("call {}", in(reg) address, clobber_abi("C")) };
}

fn divide() {
    // SAFETY: the instruction raises an exception; it changes only the registers named.
    unsafe { asm!("div {0:e}", in(reg) 0, inout("eax") 1 => _, inout("edx") 0 => _) };
}

fn halt() {
    // SAFETY: the instruction is the kernel's alone and raises an exception.
    unsafe { asm!("hlt") };
}
