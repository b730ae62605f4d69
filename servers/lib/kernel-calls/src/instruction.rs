//! The `syscall` instruction, and the calls that carry no message.

#[cfg(target_arch = "x86_64")]
use core::arch::asm;

use sel4_sys::{MessageInfo, syscall};

/// What a system call gives and takes in registers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Registers {
    /// RDI: capability pointer in, badge out.
    pub capability_or_badge: u64,
    /// RSI.
    pub info: MessageInfo,
    /// R10, R8, R9, R15.
    pub message: [u64; 4],
    /// R12: reply capability; destination of NBSendWait.
    pub reply: u64,
    /// R13: destination of NBSendRecv.
    pub destination: u64,
}

impl Registers {
    /// A call that names a capability and sends no message.
    #[inline(always)]
    #[must_use]
    pub const fn to(capability: u64) -> Self {
        Self {
            capability_or_badge: capability,
            info: MessageInfo::new(0, 0, 0),
            message: [0; 4],
            reply: 0,
            destination: 0,
        }
    }

    /// With this message.
    #[inline(always)]
    #[must_use]
    pub const fn sending(self, info: MessageInfo, message: [u64; 4]) -> Self {
        Self {
            info,
            message,
            ..self
        }
    }

    /// With this reply capability.
    #[inline(always)]
    #[must_use]
    pub const fn reply(self, reply: u64) -> Self {
        Self { reply, ..self }
    }
}

/// Performs system call `number`.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub fn syscall(number: i64, registers: Registers) -> Registers {
    let mut out = registers;
    let (mut badge, mut info) = (registers.capability_or_badge, registers.info.0);
    let [mut m0, mut m1, mut m2, mut m3] = registers.message;
    // SAFETY: the instruction enters the kernel, which keeps every register but those named
    // here, RSP (kept by us in a register across the call) and memory other than the IPC buffer
    // and mappings; `asm!` without `nomem` tells the compiler that memory may change.
    unsafe {
        asm!(
            "xchg {stack}, rbx",
            "mov rbx, rsp",
            "syscall",
            "mov rsp, rbx",
            "xchg {stack}, rbx",
            stack = inout(reg) 0u64 => _,
            inout("rdi") badge,
            inout("rsi") info,
            in("rdx") number,
            inout("r10") m0,
            inout("r8") m1,
            inout("r9") m2,
            inout("r15") m3,
            in("r12") registers.reply,
            in("r13") registers.destination,
            lateout("rcx") _,
            lateout("r11") _,
        );
    }
    out.capability_or_badge = badge;
    out.info = MessageInfo(info);
    out.message = [m0, m1, m2, m3];
    out
}

/// Gives up the rest of the budget.
#[inline]
pub fn yield_now() {
    syscall(syscall::YIELD, Registers::default());
}

/// Prints one byte on the kernel's debug console (debug builds of the kernel; an UnknownSyscall fault elsewhere).
pub fn debug_put_char(byte: u8) {
    syscall(syscall::DEBUG_PUT_CHAR, Registers::to(u64::from(byte)));
}

/// The raw tag of a capability (debug builds of the kernel).
#[must_use]
pub fn debug_cap_identify(capability: u64) -> u64 {
    syscall(syscall::DEBUG_CAP_IDENTIFY, Registers::to(capability)).capability_or_badge
}

/// Sets the FS base.
pub fn set_tls_base(address: u64) {
    syscall(syscall::SET_TLS_BASE, Registers::to(address));
}
