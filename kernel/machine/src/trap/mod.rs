//! Ways into the kernel from user mode, and the way back.
//!
//! # Soundness
//!
//! `CORE.context` points to the register array of the thread that runs in user mode; it is set immediately
//! before the return to user mode, from a reference to a living TCB, and the thread cannot be destroyed
//! without entering the kernel. Entry saves the user's registers there, loads the kernel stack at its top
//! (nothing of an earlier entry is needed any more) and calls Rust; that returns the register array to
//! go on with. No user value is used as an address on the way. SWAPGS is not used: the core's state has a
//! fixed address while there is one core.
//!
//! Exceptions in the kernel are defects and end in a panic. Interrupts come in the kernel only where it
//! waits for them; their number is noted and they return with interrupts off. A non-maskable interrupt
//! does nothing.

use core::arch::{asm, global_asm};
use core::cell::Cell;
use core::mem::offset_of;

use kernel_core::mitigation::measure;
use kernel_core::{Register, Tcb, UserContext};
use sel4_sys::syscall;

use crate::cpu::interrupt_table::vector;
use crate::cpu::segments::{KERNEL_STACK, KERNEL_STACK_BYTES, USER_CODE, USER_DATA};
use crate::entry;
use crate::single_core::SingleCore;
use crate::speculation;

/// What entry and return need to find without a register.
#[repr(C)]
struct Core {
    /// Registers of the thread in user mode.
    context: Cell<*const UserContext>,
    /// The user's stack pointer during system call entry.
    user_stack: Cell<u64>,
    /// The interrupt that came while the kernel waited; zero if none.
    noted_vector: Cell<u64>,
}

static CORE: SingleCore<Core> = SingleCore::new(Core {
    context: Cell::new(core::ptr::null()),
    user_stack: Cell::new(0),
    noted_vector: Cell::new(0),
});

const _: () = assert!(offset_of!(Tcb, context) == 0);

const fn offset(register: Register) -> usize {
    8 * register as usize
}

global_asm!(
    include_str!("entry.s"),
    include_str!("../speculation/borders.s"),
    alias = const speculation::ALIAS,
    run = sym crate::svm::run,
    safe_returns = const measure::SAFE_RETURNS,
    untrained_returns = const measure::UNTRAINED_RETURNS,
    filled_returns = const measure::FILLED_RETURNS,
    cleared_buffers = const measure::CLEARED_BUFFERS,
    divide = const measure::DIVIDE,
    core = sym CORE,
    context = const offset_of!(Core, context),
    user_stack = const offset_of!(Core, user_stack),
    noted = const offset_of!(Core, noted_vector),
    stack = sym KERNEL_STACK,
    stack_bytes = const KERNEL_STACK_BYTES,
    user_code = const USER_CODE,
    user_data = const USER_DATA,
    non_maskable = const vector::NON_MASKABLE,
    call = const syscall::CALL,
    reply_receive = const syscall::REPLY_RECV,
    on_call = sym entry::on_call,
    on_reply_receive = sym entry::on_reply_receive,
    on_system_call = sym entry::on_system_call,
    on_exception = sym entry::on_exception,
    on_interrupt = sym entry::on_interrupt,
    first_interrupt = const vector::FIRST_INTERRUPT,
    on_kernel_exception = sym entry::on_kernel_exception,
    rip = const offset(Register::Rip),
    rsp = const offset(Register::Rsp),
    rflags = const offset(Register::Rflags),
    rax = const offset(Register::Rax),
    rbx = const offset(Register::Rbx),
    rcx = const offset(Register::Rcx),
    rdx = const offset(Register::Rdx),
    rsi = const offset(Register::Rsi),
    rdi = const offset(Register::Rdi),
    rbp = const offset(Register::Rbp),
    r8 = const offset(Register::R8),
    r9 = const offset(Register::R9),
    r10 = const offset(Register::R10),
    r11 = const offset(Register::R11),
    r12 = const offset(Register::R12),
    r13 = const offset(Register::R13),
    r14 = const offset(Register::R14),
    r15 = const offset(Register::R15),
);

unsafe extern "C" {
    fn system_call_entry();
    fn trap_stubs();
    fn return_to_user();
}

/// Address of the code for one vector.
pub(crate) fn stub(vector: u8) -> u64 {
    const STUB_BYTES: u64 = 16;
    trap_stubs as *const () as u64 + STUB_BYTES * u64::from(vector)
}

/// Where `syscall` enters the kernel.
pub(crate) fn system_call_entry_address() -> u64 {
    system_call_entry as *const () as u64
}

/// Goes to user mode for the first time.
///
/// # Safety
/// The processor's tables are set up, and the registers are those of a living thread whose address space
/// is active.
pub(crate) unsafe fn enter_user_mode(context: *const UserContext) -> ! {
    // SAFETY: the code at `return_to_user` needs nothing but RAX and a stack.
    unsafe {
        asm!(
            "jmp {}",
            sym return_to_user,
            in("rax") context,
            options(noreturn)
        );
    }
}

/// Sleeps until an interrupt comes, and returns its vector.
pub(crate) fn wait_for_interrupt() -> u8 {
    // SAFETY: `sti` takes effect after the next instruction, so no interrupt is lost before `hlt`; the
    // handler changes nothing but the noted vector and returns with interrupts off, in any order of events.
    unsafe { asm!("sti", "hlt", "cli", options(nostack)) };
    take_noted()
}

/// Takes one interrupt that is pending now; `None` if there is none.
pub(crate) fn take_pending_interrupt() -> Option<u8> {
    // SAFETY: as in `wait_for_interrupt`; the second instruction is where interrupts are taken.
    unsafe { asm!("sti", "nop", "cli", options(nostack)) };
    match take_noted() {
        0 => None,
        vector => Some(vector),
    }
}

/// The vector noted since the last time; zero if none.
fn take_noted() -> u8 {
    CORE.noted_vector.replace(0).to_le_bytes()[0]
}
