//! What each way into the kernel asks of the kernel core, and how the kernel is left again.

use kernel_core::{Kernel, Register, Resume, Store, TcbRef, UserContext, VcpuRef};

use crate::apic::local;
use crate::cpu::interrupt_table::vector;
use crate::hardware::Hardware;
use crate::single_core::SingleCore;
use crate::svm::Stop;

use crate::trap;

/// The kernel.
pub(crate) static KERNEL: SingleCore<Kernel<Hardware>> =
    SingleCore::new(Kernel::new(Hardware::new()));

/// The current thread executed `syscall` to Call.
pub(crate) extern "C" fn on_call(current: TcbRef) -> ! {
    match KERNEL.handle_fast_call(current) {
        Some(thread) => return_to(user_context(KERNEL.machine(), thread)),
        None => on_guest_call(current),
    }
}

/// The current thread executed `syscall` to Call something else than a server.
#[inline(never)]
fn on_guest_call(current: TcbRef) -> ! {
    match KERNEL.handle_fast_run_guest(current) {
        Some(resume) => return_to(leave(resume)),
        None => on_invocation(current),
    }
}

/// The current thread executed `syscall` to Call a kernel object.
#[inline(never)]
fn on_invocation(current: TcbRef) -> ! {
    match KERNEL.handle_fast_invocation(current) {
        Some(thread) => return_to(user_context(KERNEL.machine(), thread)),
        None => on_other_system_call(),
    }
}

/// The current thread executed `syscall` to ReplyRecv.
pub(crate) extern "C" fn on_reply_receive(current: TcbRef) -> ! {
    match KERNEL.handle_fast_reply_receive(current) {
        Some(thread) => return_to(user_context(KERNEL.machine(), thread)),
        None => on_other_system_call(),
    }
}

/// The current thread executed `syscall` for something else.
pub(crate) extern "C" fn on_system_call(current: TcbRef) -> ! {
    match KERNEL.handle_fast_system_call(current) {
        Some(resume) => go_on(resume),
        None => on_other_system_call(),
    }
}

#[inline(never)]
fn on_other_system_call() -> ! {
    return_to(leave(KERNEL.handle_system_call()))
}

/// An exception in user mode.
pub(crate) extern "C" fn on_exception(number: u64, code: u64) -> ! {
    // The stubs push numbers of one byte.
    go_on(match number.to_le_bytes()[0] {
        vector::PAGE_FAULT => {
            // SAFETY: reads the address of the page fault that is being handled.
            let address = unsafe { x86::controlregs::cr2() } as u64;
            KERNEL.handle_page_fault(address, code)
        }
        vector::DOUBLE_FAULT | vector::MACHINE_CHECK => on_fatal_exception(number, code),
        _ => KERNEL.handle_user_exception(number, code),
    })
}

#[cold]
fn on_fatal_exception(vector: u64, code: u64) -> ! {
    panic!("exception {vector} in user mode, code {code:#x}")
}

/// An interrupt or `int n` in user mode.
pub(crate) extern "C" fn on_interrupt(number: u64) -> ! {
    let vector = number.to_le_bytes()[0];
    go_on(match vector {
        vector::FIRST_SOFTWARE..=vector::LAST_SOFTWARE => {
            let low = KERNEL.current().map_or(0, |thread| {
                KERNEL.machine().tcb(thread).context.get(Register::Rax)
            });
            KERNEL.handle_unknown_system_call(number << 24 | low & 0x00ff_ffff)
        }
        _ => interrupt(vector),
    })
}

/// An exception in the kernel: a defect.
pub(crate) extern "C" fn on_kernel_exception(vector: u64, code: u64, at: u64) -> ! {
    // SAFETY: reading the register has no effect.
    let address = unsafe { x86::controlregs::cr2() };
    panic!("exception {vector} at {at:#x}, code {code:#x}, page fault address {address:#x}")
}

/// An interrupt of a device, the timer, or a spurious one.
#[inline(always)]
fn interrupt(vector: u8) -> Resume {
    match vector {
        vector::TIMER => {
            KERNEL.machine().time.timer_came();
            local::end_of_interrupt();
            KERNEL.handle_timer()
        }
        // A spurious interrupt is not in service, so it has no end. To the kernel core it is a look at the
        // time, like a timer interrupt that comes early.
        vector::SPURIOUS => KERNEL.handle_timer(),
        _ => {
            let resume = KERNEL.handle_interrupt(vector - vector::FIRST_INTERRUPT);
            // Its end is told when the line is masked, or a level-triggered one would be pending again at once.
            local::end_of_interrupt();
            resume
        }
    }
}

/// An interrupt that came to a guest or to nobody.
#[inline(never)]
fn host_interrupt(vector: u8) -> Resume {
    interrupt(vector)
}

/// Leaves the kernel, as nearly always for user mode.
#[inline(always)]
fn go_on(resume: Resume) -> ! {
    return_to(match resume {
        Resume::User(thread) => user_context(KERNEL.machine(), thread),
        other => leave(other),
    })
}

/// Leaves the kernel: for user mode, by the registers to load; for a guest or sleep, until there is a
/// thread to return to.
#[inline(never)]
fn leave(first: Resume) -> *const UserContext {
    let hardware = KERNEL.machine();
    let mut resume = first;
    loop {
        match resume {
            Resume::User(thread) => return user_context(hardware, thread),
            Resume::Guest(vcpu) => resume = run_guest(hardware, vcpu),
            Resume::Idle => resume = host_interrupt(trap::wait_for_interrupt()),
        }
    }
}

/// The registers to go to user mode with, the rest of the thread's state put into the processor.
#[inline(always)]
fn user_context(hardware: &Hardware, thread: TcbRef) -> *const UserContext {
    let tcb = hardware.tcb(thread);
    match hardware.threads.loaded() {
        Some(old) if old == thread => (),
        Some(old) => {
            let old = hardware.tcb(old);
            hardware
                .threads
                .exchange(old, thread, tcb, &hardware.spaces);
        }
        None => hardware.threads.load(thread, tcb, &hardware.spaces),
    }
    &raw const tcb.context
}

/// Runs a guest until something happens.
fn run_guest(hardware: &Hardware, vcpu: VcpuRef) -> Resume {
    if let Some(old) = hardware.threads.loaded() {
        hardware.threads.save(hardware.tcb(old));
    }
    let space = hardware.spaces.active();
    hardware.threads.predictors.run_guest_of(space);
    let block = hardware.physical(vcpu.address());
    let stop = hardware
        .svm
        .run(hardware.whole_vcpu(vcpu), block, &hardware.threads.fpu);
    match stop {
        Stop::Guest([reason, detail, detail_2]) => {
            KERNEL.handle_guest_exit(reason, detail, detail_2)
        }
        Stop::Host => match trap::take_pending_interrupt() {
            Some(vector) => host_interrupt(vector),
            // Another event of the host: a look at the time does no harm.
            None => KERNEL.handle_timer(),
        },
    }
}

/// Goes to user mode. Entries never return: what the compiler would keep for their callers is nobody's.
#[inline(always)]
fn return_to(context: *const UserContext) -> ! {
    // SAFETY: `leave` made the thread's state the processor's.
    unsafe { trap::enter_user_mode(context) }
}

/// Starts the first thread.
///
/// # Safety
/// Called once, at the end of boot.
pub(crate) unsafe fn start(first: Resume) -> ! {
    return_to(leave(first))
}
