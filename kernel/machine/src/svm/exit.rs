//! Why a guest stopped, in the interface's terms.

use sel4_sys::extension::{GENERAL_REGISTERS, exit_message, reason};

use super::Svm;
use super::vcpu::{EFER_SVM, Vcpu};
use super::vmcb::{SegmentName, virtual_interrupt};

/// Exit codes that this code does more with than tell: AMD64 manual 2, appendix C.
pub(super) mod code {
    pub(in crate::svm) const DEBUG_REGISTER_FIRST: u64 = 0x20;
    pub(in crate::svm) const EXCEPTION_FIRST: u64 = 0x40;
    pub(in crate::svm) const MACHINE_CHECK: u64 = 0x52;
    pub(in crate::svm) const INTERRUPT: u64 = 0x60;
    pub(in crate::svm) const INIT: u64 = 0x63;
    pub(in crate::svm) const PORT: u64 = 0x7b;
    pub(in crate::svm) const MSR: u64 = 0x7c;
    pub(in crate::svm) const NESTED_PAGE_FAULT: u64 = 0x400;
    /// The manual says −1; emulators write 32 bits of it.
    pub(in crate::svm) const INVALID: u64 = 0xffff_ffff;
}

/// Reason, detail and second detail of an exit.
pub(crate) type Cause = [u64; 3];

/// Causes that need nothing but the code.
fn plain(code: u64, information: u64) -> Cause {
    let reason = match code {
        // VINTR, CPUID, HLT, INVD and WBINVD, shutdown, VMMCALL, XSETBV, task switch.
        0x64 => reason::INTERRUPT_WINDOW,
        0x72 => reason::CPUID,
        0x78 => reason::HALT,
        0x76 | 0x89 => reason::CACHE,
        0x7f => reason::SHUTDOWN,
        0x81 => reason::HYPERCALL,
        0x8d => reason::XSETBV,
        0x7d => reason::TASK_SWITCH,
        code::DEBUG_REGISTER_FIRST..=0x3f => {
            let register = code - code::DEBUG_REGISTER_FIRST;
            return [reason::DEBUG_REGISTER, register, information];
        }
        // RDPMC, RSM, INVLPGA; VMRUN, VMLOAD to SKINIT, ICEBP; MONITOR, MWAIT; RDPRU; INVLPGB to TLBSYNC.
        0x6f | 0x73 | 0x7a | 0x80 | 0x82..=0x86 | 0x88 | 0x8a..=0x8c | 0x8e | 0xa0..=0xa4 => {
            return [reason::FORBIDDEN_INSTRUCTION, code, 0];
        }
        _ if code & 0xffff_ffff == code::INVALID => return [reason::INVALID_STATE, code, 0],
        _ => return [reason::OTHER, code, information],
    };
    [reason, 0, 0]
}

/// IOIO's first word (section 15.10.2) in the interface's order: 0 input, 2 string, 3 repeat, 6:4 bytes,
/// 9:7 address bytes / 2, 31:16 port.
fn port_access(information: u64) -> u64 {
    let bits = |shift: u32, mask: u64| information >> shift & mask;
    bits(16, 0xffff) | bits(0, 1) << 16 | bits(2, 3) << 17 | bits(4, 7) << 19 | bits(7, 7) << 22
}

/// A nested page fault's first word (section 15.25.6): 0 present, 1 write, 4 fetch, 33 in a page walk.
fn memory_access(information: u64) -> u64 {
    information & 3 | (information >> 4 & 1) << 2 | (information >> 33 & 1) << 3
}

impl Vcpu {
    /// Why the guest stopped.
    pub(super) fn cause(&self) -> Cause {
        let control = &self.vmcb.control;
        let (first, second) = (
            control.exit_information_1.get(),
            control.exit_information_2.get(),
        );
        match control.exit_code.get() {
            code::PORT => [reason::IO_PORT, port_access(first), 0],
            code::NESTED_PAGE_FAULT => [reason::MEMORY, memory_access(first), second],
            code::MSR => {
                let number = self.general[1].get() & 0xffff_ffff;
                let low = self.vmcb.save.rax.get() & 0xffff_ffff;
                let value = self.general[2].get() << 32 | low;
                match first {
                    0 => [reason::MSR_READ, number, 0],
                    _ => [reason::MSR_WRITE, number, value],
                }
            }
            code @ code::EXCEPTION_FIRST..=0x5f => {
                [reason::EXCEPTION, code - code::EXCEPTION_FIRST, first]
            }
            code => plain(code, first),
        }
    }

    fn state_word(&self) -> u64 {
        use exit_message::state;
        const LONG: u16 = 1 << 9;
        const DEFAULT_SIZE: u16 = 1 << 10;
        let attributes = self.vmcb.save.segment(SegmentName::Cs).attributes.get();
        let flag = |condition: bool, bit: u64| if condition { bit } else { 0 };
        (self.vmcb.control.interrupt_shadow.get() & state::INTERRUPT_SHADOW)
            | flag(self.is_interrupt_waiting(), state::INTERRUPT_PENDING)
            | flag(attributes & LONG != 0, state::CODE_64)
            | flag(attributes & DEFAULT_SIZE != 0, state::CODE_32)
            | u64::from(self.vmcb.save.privilege_level.get() & 3) << state::CPL_SHIFT
    }
}

impl Svm {
    /// Passes the words of the exit message behind its cause, each with its index.
    #[inline(always)]
    pub(crate) fn exit_words(&self, vcpu: &Vcpu, mut put: impl FnMut(usize, u64)) {
        let (control, save) = (&vcpu.vmcb.control, &vcpu.vmcb.save);
        put(exit_message::RIP, save.rip.get());
        for index in 0..GENERAL_REGISTERS {
            put(exit_message::GENERAL + index, vcpu.general(index));
        }
        put(exit_message::NEXT_RIP, self.next_rip(vcpu));
        put(exit_message::RFLAGS, save.rflags.get());
        put(exit_message::STATE, vcpu.state_word());
        put(exit_message::CR0, save.cr0.get());
        put(exit_message::CR3, save.cr3.get());
        put(exit_message::CR4, save.cr4.get());
        put(exit_message::EFER, save.efer.get() & !EFER_SVM);
        put(
            exit_message::CS_BASE,
            save.segment(SegmentName::Cs).base.get(),
        );
        let task_priority = control.virtual_interrupt.get() & virtual_interrupt::TASK_PRIORITY;
        put(exit_message::CR8, task_priority);
        put(exit_message::INTERRUPTED_EVENT, vcpu.interrupted_event());
        // The processor's two words of instruction bytes are their number and fifteen bytes; the interface's
        // are fifteen bytes and the number.
        let [low, high] = [control.instruction[0].get(), control.instruction[1].get()];
        put(exit_message::INSTRUCTION_BYTES, low >> 8 | high << 56);
        put(exit_message::INSTRUCTION_BYTES_2, high >> 8 | low << 56);
    }

    /// Where the next instruction is, if the processor says so.
    fn next_rip(&self, vcpu: &Vcpu) -> u64 {
        let control = &vcpu.vmcb.control;
        match control.exit_code.get() {
            code::PORT => control.exit_information_2.get(),
            _ if self.has_next_rip() => control.next_rip.get(),
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn port_accesses_are_translated() {
        // IN AL, DX with 64-bit addresses at port 0x3fd: SZ8 is bit 4, A64 bit 9, type bit 0.
        assert_eq!(
            port_access(0x03fd_0211),
            0x3fd | 1 << 16 | 1 << 19 | 4 << 22
        );
        // REP OUTSD with 32-bit addresses at port 0x1f0.
        assert_eq!(
            port_access(0x01f0_014c),
            0x1f0 | 3 << 17 | 4 << 19 | 2 << 22
        );
    }

    #[test]
    fn nested_faults_are_translated() {
        assert_eq!(memory_access(1 << 32 | 1 << 2 | 1 << 1), 2);
        assert_eq!(memory_access(1 << 33 | 1 << 4 | 1), 0b1101);
    }

    #[test]
    fn an_invalid_state_is_told_by_both_widths() {
        assert_eq!(plain(u64::MAX, 0)[0], reason::INVALID_STATE);
        assert_eq!(plain(0xffff_ffff, 0)[0], reason::INVALID_STATE);
        assert_eq!(plain(0x83, 0), [reason::FORBIDDEN_INSTRUCTION, 0x83, 0]);
    }
}
