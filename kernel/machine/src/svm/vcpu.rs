//! A virtual CPU as it lies in memory: two pages.

use core::cell::Cell;

use kernel_core::{FpuArea, PhysicalAddress, VcpuState};
use sel4_sys::extension::{GENERAL_REGISTERS, VCPU_BITS};

use super::permission_maps::{MSRS, PORTS};
use super::vmcb::{Control, Save, SegmentName, Vmcb, virtual_interrupt};
use crate::memory_layout::IMAGE_OFFSET;

/// A virtual CPU.
#[repr(C)]
pub(crate) struct Vcpu {
    pub(super) vmcb: Vmcb,
    /// The kernel core's part.
    pub(crate) state: VcpuState,
    /// General registers in encoding order; RAX and RSP live in the control block.
    pub(super) general: [Cell<u64>; GENERAL_REGISTERS],
    pub(super) debug: [Cell<u64>; 4],
    pub(super) xcr0: Cell<u64>,
    pub(super) tsc_aux: Cell<u32>,
    /// Whether one of the registers that are swapped by hand and mostly zero (DR0 to DR3, TSC_AUX) is not.
    pub(super) has_rare_registers: Cell<bool>,
    /// The guest is to exit when it could take an interrupt.
    pub(super) window_requested: Cell<bool>,
    pub(super) fpu: FpuArea,
}

const _: () = assert!(size_of::<Vcpu>() <= 1 << VCPU_BITS);

/// RAX and RSP among the general registers.
pub(super) const RAX: usize = 0;
pub(super) const RSP: usize = 4;

/// The only address space tag that guests use; zero is the host's.
const GUEST_ASID: u32 = 1;

/// EFER.SVME: VMRUN demands it in the guest's state, too. Guests are not shown it.
pub(super) const EFER_SVM: u64 = 1 << 12;

impl Vcpu {
    /// Brings zeroed memory into the state after a processor's reset (AMD64 manual 2, table 14-1).
    pub(crate) fn reset(&self) {
        initialize_control(&self.vmcb.control);
        initialize_save(&self.vmcb.save);
        self.xcr0.set(1);
        // RDX tells the processor's family after a reset; a plain number is as good.
        self.general[2].set(0x600);
    }

    /// The guest runs in these nested tables from the next entry on.
    pub(crate) fn set_nested_root(&self, root: PhysicalAddress) {
        self.vmcb.control.nested_root.set(root.0);
    }

    /// A general register.
    #[inline(always)]
    pub(super) fn general(&self, index: usize) -> u64 {
        match index {
            RAX => self.vmcb.save.rax.get(),
            RSP => self.vmcb.save.rsp.get(),
            _ => self.general[index].get(),
        }
    }

    /// Changes a general register.
    #[inline(always)]
    pub(crate) fn set_general(&self, index: usize, value: u64) {
        match index {
            RAX => self.vmcb.save.rax.set(value),
            RSP => self.vmcb.save.rsp.set(value),
            _ => self.general[index].set(value),
        }
    }
}

/// Everything that could reach the host exits: events from outside, ports, registers of the machine,
/// virtualisation and cache instructions, sleeping, writes of debug registers (their values are swapped by
/// the kernel). Debug exceptions and alignment checks exit because a guest can make the processor raise them
/// without end, deaf to interrupts; machine checks because they are the host's.
fn initialize_control(control: &Control) {
    const ALL_WRITES: u32 = 0xffff << 16;
    control.intercept_debug_registers.set(ALL_WRITES);
    // Debug exception, alignment check, machine check.
    control.intercept_exceptions.set(bits(&[1, 17, 18]));
    // INTR, NMI, SMI, INIT, RDPMC, CPUID, RSM, INVD, HLT, INVLPGA, ports, MSRs, task switch, FERR freeze, shutdown.
    control.intercept_first.set(bits(&[
        0, 1, 2, 3, 15, 18, 19, 22, 24, 26, 27, 28, 29, 30, 31,
    ]));
    // VMRUN, VMMCALL, VMLOAD, VMSAVE, STGI, CLGI, SKINIT, ICEBP, WBINVD, MONITOR, MWAIT, armed MWAIT, XSETBV, RDPRU.
    control
        .intercept_second
        .set(bits(&[0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12, 13, 14]));
    // INVLPGB, illegal INVLPGB, MCOMMIT, TLBSYNC.
    control.intercept_third.set(bits(&[0, 1, 3, 4]));
    control
        .io_permissions
        .set((&raw const PORTS) as u64 - IMAGE_OFFSET);
    control
        .msr_permissions
        .set((&raw const MSRS) as u64 - IMAGE_OFFSET);
    control.asid.set(GUEST_ASID);
    control.virtual_interrupt.set(virtual_interrupt::MASKING);
    control.nested_paging.set(1);
}

fn bits(numbers: &[u32]) -> u32 {
    numbers.iter().fold(0, |word, bit| word | 1 << bit)
}

fn initialize_save(save: &Save) {
    const DATA: u16 = 0x93;
    const CODE: u16 = 0x9b;
    const LDT: u16 = 0x82;
    const TASK: u16 = 0x8b;
    use SegmentName::{Cs, Ds, Es, Fs, Gdtr, Gs, Idtr, Ldtr, Ss, Tr};
    let names = [Es, Cs, Ss, Ds, Fs, Gs, Gdtr, Idtr, Ldtr, Tr];
    let attributes = [DATA, CODE, DATA, DATA, DATA, DATA, 0, 0, LDT, TASK];
    for (name, attributes) in names.into_iter().zip(attributes) {
        save.segment(name).attributes.set(attributes);
        save.segment(name).limit.set(0xffff);
    }
    save.segment(Cs).selector.set(0xf000);
    save.segment(Cs).base.set(0xffff_0000);
    save.efer.set(EFER_SVM);
    save.cr0.set(0x6000_0010);
    save.dr6.set(0xffff_0ff0);
    save.dr7.set(0x400);
    save.rflags.set(2);
    save.rip.set(0xfff0);
    save.pat.set(0x0007_0406_0007_0406);
}
