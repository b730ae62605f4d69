//! Virtual CPUs over AMD SVM with nested paging.
//!
//! # What confines a guest
//!
//! The kernel writes the control block; a monitor reaches it only through registers and events that are
//! checked by the kernel core. All ports and all model-specific registers exit but those that the
//! processor switches with the guest (`permission_maps`); so do all instructions and events that concern
//! the machine (`vcpu`). Memory is what the nested tables map, which the kernel core fills from frame
//! capabilities like any address space.
//!
//! # What the processor may have cached
//!
//! All guests share one address space tag (ASID 1; the host has 0), so translations of the guest that ran
//! last stay valid only for it. Before another virtual CPU or another nested root runs, and after any
//! translation was taken away since the last run, everything is flushed (TLB_CONTROL). That is complete
//! because guest translations are made only while a guest runs, and only from the tables of that run: the
//! pair (virtual CPU, root) names them, and every removal of a translation by the core is told through
//! [`Svm::forget_nested_translations`]. Flushes within a guest's own paging are the processor's business.
//! The VMCB clean bits stay zero: nothing of a control block is taken from a cache.
//!
//! # What is swapped by hand
//!
//! Extended state and XCR0, debug registers 0 to 3, TSC_AUX. DR6, DR7 and PAT are in the control block. A
//! processor with protection keys would keep one register (PKRU) that is not swapped; guests are not offered
//! the feature, but can switch it on: a residual channel of 32 bits between guests on such processors.

mod event;
mod exit;
mod permission_maps;
mod registers;
mod vcpu;
mod vmcb;
mod world_switch;

pub(crate) use exit::Cause;
pub(crate) use vcpu::Vcpu;
pub(crate) use world_switch::run;

use core::arch::asm;
use core::cell::Cell;

use kernel_core::PhysicalAddress;
use sel4_sys::extension::reason;
use x86::controlregs::{Xcr0, xcr0, xcr0_write};
use x86::msr::{IA32_EFER, IA32_TSC_AUX, rdmsr, wrmsr};

use crate::cpu::features::{Features, leaf};
use crate::cpu::fpu::{self, Fpu};
use crate::debug::log;
use crate::memory_layout::IMAGE_OFFSET;
use crate::single_core::SingleCore;
use exit::code;
use permission_maps::HostArea;
use vcpu::EFER_SVM;

const MSR_VM_CR: u32 = 0xc001_0114;
const MSR_HOST_SAVE_AREA: u32 = 0xc001_0117;
const VM_CR_DISABLED: u64 = 1 << 4;
const FLUSH_EVERYTHING: u32 = 1;

/// What VMRUN keeps for the host, and what VMSAVE keeps.
static HOST_SAVE_AREA: SingleCore<HostArea> = SingleCore::new(HostArea::new());
static HOST_BLOCK: SingleCore<HostArea> = SingleCore::new(HostArea::new());

/// Why the processor came back from a guest.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stop {
    /// An event of the host, perhaps an interrupt that is now pending; nothing for the monitor.
    Host,
    /// The guest did something that its monitor handles.
    Guest(Cause),
}

/// The processor's virtualisation.
pub(crate) struct Svm {
    available: Cell<bool>,
    next_rip: Cell<bool>,
    rdtscp: Cell<bool>,
    xsave: Cell<bool>,
    /// Whose translations the processor may hold: the virtual CPU's address and the nested root.
    cached: Cell<(u64, u64)>,
}

impl Svm {
    pub(crate) const fn new() -> Self {
        Self {
            available: Cell::new(false),
            next_rip: Cell::new(false),
            rdtscp: Cell::new(false),
            xsave: Cell::new(false),
            cached: Cell::new((0, 0)),
        }
    }

    /// Switches virtualisation on, where the processor has it and firmware has not locked it away.
    ///
    /// # Safety
    /// Called once at boot.
    pub(crate) unsafe fn initialize(&self, features: &Features) {
        const NEXT_RIP_SAVE: u32 = 1 << 3;
        self.rdtscp.set(features.rdtscp);
        self.xsave.set(features.xsave_avx);
        // SAFETY: the registers exist where SVM does. The save area is a page of the kernel's own data.
        unsafe {
            if !features.svm || rdmsr(MSR_VM_CR) & VM_CR_DISABLED != 0 {
                log!(
                    "no virtual CPUs: the processor lacks SVM with nested paging, or firmware disabled it"
                );
                return;
            }
            wrmsr(IA32_EFER, rdmsr(IA32_EFER) | EFER_SVM);
            wrmsr(
                MSR_HOST_SAVE_AREA,
                (&raw const *HOST_SAVE_AREA) as u64 - IMAGE_OFFSET,
            );
        }
        self.next_rip
            .set(leaf(0x8000_000a).edx & NEXT_RIP_SAVE != 0);
        self.available.set(true);
    }

    /// Whether exits say where the next instruction is.
    pub(super) fn has_next_rip(&self) -> bool {
        self.next_rip.get()
    }

    /// A translation of some nested space was taken away, or a virtual CPU's memory has a new meaning.
    pub(crate) fn forget_nested_translations(&self) {
        self.cached.set((0, 0));
    }

    /// Runs a guest until the processor comes back. The caller has saved the thread's extended state; the
    /// processor holds nobody's afterwards. `block` is the virtual CPU's physical address.
    pub(crate) fn run(&self, vcpu: &Vcpu, block: PhysicalAddress, fpu: &Fpu) -> Stop {
        if !self.available.get() {
            return Stop::Guest([reason::INVALID_STATE, 0, 0]);
        }
        let control = &vcpu.vmcb.control;
        let mine = (block.0, control.nested_root.get());
        let flush = if self.cached.replace(mine) == mine {
            0
        } else {
            FLUSH_EVERYTHING
        };
        control.tlb_control.set(flush);
        // A refused entry loses it in the emulator; without it a guest's IF would hold the host's interrupts back.
        let masked = control.virtual_interrupt.get() | vmcb::virtual_interrupt::MASKING;
        control.virtual_interrupt.set(masked);
        vcpu.open_window();
        fpu.load(&vcpu.fpu);
        self.load_guest_registers(vcpu);
        // SAFETY: virtualisation is on; the block is complete since `reset` and only changed by checked values;
        // the core runs it only in a nested space that exists. The kernel runs with interrupts off.
        unsafe {
            world_switch::run(
                &raw const vcpu.general,
                block.0,
                (&raw const *HOST_BLOCK) as u64 - IMAGE_OFFSET,
            );
        }
        self.load_host_registers(vcpu);
        fpu.save(&vcpu.fpu);
        control.event_injection.set(0);
        vcpu.close_window();
        match control.exit_code.get() {
            // INTR, NMI, SMI, INIT.
            code::INTERRUPT..=code::INIT => {
                vcpu.inject_again();
                Stop::Host
            }
            code::MACHINE_CHECK => panic!("machine check while a guest ran"),
            _ => {
                vcpu.window_requested.set(false);
                Stop::Guest(vcpu.cause())
            }
        }
    }

    /// Registers that neither the control block nor VMLOAD holds.
    fn load_guest_registers(&self, vcpu: &Vcpu) {
        // SAFETY: the values were checked when they were written; the kernel uses none of these registers,
        // and `load_host_registers` undoes it.
        unsafe {
            if self.xsave.get() && vcpu.xcr0.get() != fpu::XCR0 {
                xcr0_write(Xcr0::from_bits_truncate(vcpu.xcr0.get()));
            }
            if vcpu.has_rare_registers.get() {
                write_debug_registers(vcpu.debug.each_ref().map(Cell::get));
                self.write_tsc_aux(vcpu.tsc_aux.get());
            }
        }
    }

    /// # Safety
    /// The kernel does not use the register, and no user program is to see the value.
    unsafe fn write_tsc_aux(&self, value: u32) {
        if self.rdtscp.get() {
            // SAFETY: the register exists; passed on.
            unsafe { wrmsr(IA32_TSC_AUX, value.into()) };
        }
    }

    /// The host's values again: XCR0 as at boot, debug registers and TSC_AUX zero. The guest may have changed
    /// XCR0 where the processor does not intercept that.
    fn load_host_registers(&self, vcpu: &Vcpu) {
        // SAFETY: the host's own values.
        unsafe {
            if self.xsave.get() {
                let current = xcr0().bits();
                vcpu.xcr0.set(current & fpu::XCR0);
                if current != fpu::XCR0 {
                    xcr0_write(Xcr0::from_bits_truncate(fpu::XCR0));
                }
            }
            if vcpu.has_rare_registers.get() {
                write_debug_registers([0; 4]);
                self.write_tsc_aux(0);
            }
        }
    }
}

/// # Safety
/// DR7 is clear: no breakpoint becomes active.
unsafe fn write_debug_registers(values: [u64; 4]) {
    // SAFETY: passed on; without DR7 the values do nothing in the kernel.
    unsafe {
        asm!(
            "mov dr0, {}", "mov dr1, {}", "mov dr2, {}", "mov dr3, {}",
            in(reg) values[0], in(reg) values[1], in(reg) values[2], in(reg) values[3],
            options(nomem, nostack, preserves_flags)
        );
    }
}
