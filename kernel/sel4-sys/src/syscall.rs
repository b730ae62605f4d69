//! System call numbers and the `syscall` instruction.
//!
//! RDX number, RDI capability pointer in and badge out, RSI MessageInfo in and out, message
//! registers in R10, R8, R9, R15, R12 reply capability (or destination of NBSendWait), R13
//! destination of NBSendRecv. The kernel does not keep RSP, so the stub keeps it in RBX; RCX and R11 are lost.

#[cfg(target_arch = "x86_64")]
use core::arch::asm;

use crate::message::MessageInfo;

/// Send and wait for the reply.
pub const CALL: i64 = -1;
/// Reply, then receive.
pub const REPLY_RECV: i64 = -2;
/// Send if someone waits, then receive.
pub const NB_SEND_RECV: i64 = -3;
/// Send if someone waits, then wait without a reply object.
pub const NB_SEND_WAIT: i64 = -4;
/// Send and wait until it is taken.
pub const SEND: i64 = -5;
/// Send if someone waits.
pub const NB_SEND: i64 = -6;
/// Receive.
pub const RECV: i64 = -7;
/// Receive what is there.
pub const NB_RECV: i64 = -8;
/// Wait without a reply object.
pub const WAIT: i64 = -9;
/// Poll without a reply object.
pub const NB_WAIT: i64 = -10;
/// Give up the rest of the budget.
pub const YIELD: i64 = -11;
/// Print the character in RDI (debug builds).
pub const DEBUG_PUT_CHAR: i64 = -12;
/// Print the scheduler's state (seL4's debug builds; this kernel answers with an UnknownSyscall fault).
pub const DEBUG_DUMP_SCHEDULER: i64 = -13;
/// Stop the machine (debug builds).
pub const DEBUG_HALT: i64 = -14;
/// The raw tag of the capability in RDI (debug builds).
pub const DEBUG_CAP_IDENTIFY: i64 = -15;
/// Print a snapshot of capabilities (seL4's debug builds; this kernel answers with an UnknownSyscall fault).
pub const DEBUG_SNAPSHOT: i64 = -16;
/// Name the thread in RDI as the IPC buffer says (debug builds).
pub const DEBUG_NAME_THREAD: i64 = -17;
/// Set the FS base to RDI.
pub const SET_TLS_BASE: i64 = -33;

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
    syscall(YIELD, Registers::default());
}

/// Prints one byte on the kernel's debug console (debug builds of the kernel; an UnknownSyscall fault elsewhere).
pub fn debug_put_char(byte: u8) {
    syscall(DEBUG_PUT_CHAR, Registers::to(u64::from(byte)));
}

/// The raw tag of a capability (debug builds of the kernel).
#[must_use]
pub fn debug_cap_identify(capability: u64) -> u64 {
    syscall(DEBUG_CAP_IDENTIFY, Registers::to(capability)).capability_or_badge
}

/// Sets the FS base.
pub fn set_tls_base(address: u64) {
    syscall(SET_TLS_BASE, Registers::to(address));
}
