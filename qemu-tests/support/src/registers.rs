//! What the kernel leaves in the general registers.
//!
//! A thread fills all of them, leaves for the kernel in one of several ways, and looks at what it finds in
//! them when it is back.

use core::arch::global_asm;
use core::sync::atomic::{AtomicU64, Ordering};

/// General registers but RSP: RAX, RCX, RDX, RBX, RBP, RSI, RDI, R8 to R15.
pub const COUNT: usize = 15;

/// Places in the array, of those that the interface gives a meaning.
pub mod place {
    /// Address, when the way out is a page fault.
    pub const RAX: usize = 0;
    /// Instruction pointer behind `syscall`.
    pub const RCX: usize = 1;
    /// Number of the system call.
    pub const RDX: usize = 2;
    /// Message info.
    pub const RSI: usize = 5;
    /// Capability, then badge.
    pub const RDI: usize = 6;
    /// Flags behind `syscall`.
    pub const R11: usize = 10;
    /// Message registers 0 to 3.
    pub const MESSAGE: [usize; 4] = [9, 7, 8, 14];
}

/// How the thread leaves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u64)]
pub enum Way {
    /// `syscall`.
    SystemCall,
    /// `int 0xa3`, two bytes.
    SoftwareInterrupt,
    /// An undefined instruction, two bytes.
    Undefined,
    /// Reads the address in RAX.
    Read,
    /// Runs on, until [`let_go`].
    Spin,
}

/// What the thread starts and comes back with; only one thread does so at a time.
#[repr(C)]
struct Frame {
    before: [AtomicU64; COUNT],
    after: [AtomicU64; COUNT],
    way: AtomicU64,
    stack: AtomicU64,
    go: AtomicU64,
    rounds: AtomicU64,
}

#[unsafe(no_mangle)]
static REGISTERS_FRAME: Frame = Frame {
    before: [const { AtomicU64::new(0) }; COUNT],
    after: [const { AtomicU64::new(0) }; COUNT],
    way: AtomicU64::new(0),
    stack: AtomicU64::new(0),
    go: AtomicU64::new(0),
    rounds: AtomicU64::new(0),
};

global_asm!(
    ".text",
    ".global registers_round_trip",
    "registers_round_trip:",
    "push rbx; push rbp; push r12; push r13; push r14; push r15",
    "lea rdi, [rip + REGISTERS_FRAME]",
    "mov [rdi + 248], rsp",
    "lea rax, [rip + 8f]",
    "mov rcx, [rdi + 240]",
    "movsxd rcx, dword ptr [rax + 4 * rcx]",
    "add rax, rcx",
    "push rax",
    "mov rax, [rdi]; mov rcx, [rdi + 8]; mov rdx, [rdi + 16]; mov rbx, [rdi + 24]",
    "mov rbp, [rdi + 32]; mov rsi, [rdi + 40]; mov r8, [rdi + 56]; mov r9, [rdi + 64]",
    "mov r10, [rdi + 72]; mov r11, [rdi + 80]; mov r12, [rdi + 88]; mov r13, [rdi + 96]",
    "mov r14, [rdi + 104]; mov r15, [rdi + 112]; mov rdi, [rdi + 48]",
    "ret",
    "2: syscall",
    "jmp 7f",
    "3: int 0xa3",
    "jmp 7f",
    "4: ud2",
    "jmp 7f",
    "5: test byte ptr [rax], 1",
    "jmp 7f",
    "6: cmp qword ptr [rip + REGISTERS_FRAME + 256], 0",
    "je 6b",
    "7: mov [rip + REGISTERS_FRAME + 168], rdi",
    "lea rdi, [rip + REGISTERS_FRAME + 120]",
    "mov [rdi], rax; mov [rdi + 8], rcx; mov [rdi + 16], rdx; mov [rdi + 24], rbx",
    "mov [rdi + 32], rbp; mov [rdi + 40], rsi; mov [rdi + 56], r8; mov [rdi + 64], r9",
    "mov [rdi + 72], r10; mov [rdi + 80], r11; mov [rdi + 88], r12; mov [rdi + 96], r13",
    "mov [rdi + 104], r14; mov [rdi + 112], r15",
    "inc qword ptr [rip + REGISTERS_FRAME + 264]",
    "mov rsp, [rip + REGISTERS_FRAME + 248]",
    "pop r15; pop r14; pop r13; pop r12; pop rbp; pop rbx",
    "ret",
    ".balign 4",
    "8: .long 2b - 8b, 3b - 8b, 4b - 8b, 5b - 8b, 6b - 8b",
);

unsafe extern "C" {
    fn registers_round_trip();
}

/// Leaves with these registers.
pub fn leave(way: Way, before: &[u64; COUNT]) {
    for (place, value) in REGISTERS_FRAME.before.iter().zip(before) {
        place.store(*value, Ordering::SeqCst);
    }
    REGISTERS_FRAME.way.store(way as u64, Ordering::SeqCst);
    REGISTERS_FRAME.go.store(0, Ordering::SeqCst);
    // SAFETY: the code keeps what its caller expects kept and the stack pointer; it writes only to the frame;
    // what a system call does is its caller's choice, which passes no address of this program's memory.
    unsafe { registers_round_trip() };
}

/// Ends [`Way::Spin`].
pub fn let_go() {
    REGISTERS_FRAME.go.store(1, Ordering::SeqCst);
}

/// How often a thread has come back so far.
pub fn rounds() -> u64 {
    REGISTERS_FRAME.rounds.load(Ordering::SeqCst)
}

/// What the thread came back with last.
pub fn after() -> [u64; COUNT] {
    core::array::from_fn(|index| REGISTERS_FRAME.after[index].load(Ordering::SeqCst))
}
