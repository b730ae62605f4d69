//! A virtual CPU's registers by number.
//!
//! The kernel core has checked the values that are written: none switches on what the host does not swap, and
//! none faults when it is loaded. All other nonsense is the guest's own: VMRUN checks the guest's state and
//! answers with an exit.

use sel4_sys::extension::{GENERAL_REGISTERS, register};

use super::vcpu::{EFER_SVM, Vcpu};
use super::vmcb::{Segment, SegmentName, virtual_interrupt};

/// The bits of a segment's attributes; the others are reserved.
const SEGMENT_ATTRIBUTES: u16 = 0xfff;

/// Where a register number leads.
enum Place {
    General(usize),
    Debug(usize),
    Segment(SegmentName),
    Base(SegmentName),
    Limit(SegmentName),
    Other,
}

const SEGMENTS: [SegmentName; 8] = {
    use SegmentName::{Cs, Ds, Es, Fs, Gs, Ldtr, Ss, Tr};
    [Es, Cs, Ss, Ds, Fs, Gs, Ldtr, Tr]
};

/// Position in a range of registers that starts at `first`.
fn position(id: u64, first: u64, count: usize) -> Option<usize> {
    let index = usize::try_from(id.checked_sub(first)?).ok()?;
    (index < count).then_some(index)
}

fn place(id: u64) -> Place {
    if let Some(index) = position(id, register::GENERAL, GENERAL_REGISTERS) {
        Place::General(index)
    } else if let Some(index) = position(id, register::DR0, 4) {
        Place::Debug(index)
    } else if let Some(index) = position(id, register::ES, SEGMENTS.len()) {
        Place::Segment(SEGMENTS[index])
    } else if let Some(index) = position(id, register::ES_BASE, SEGMENTS.len()) {
        Place::Base(SEGMENTS[index])
    } else {
        match id {
            register::GDTR_BASE => Place::Base(SegmentName::Gdtr),
            register::GDTR_LIMIT => Place::Limit(SegmentName::Gdtr),
            register::IDTR_BASE => Place::Base(SegmentName::Idtr),
            register::IDTR_LIMIT => Place::Limit(SegmentName::Idtr),
            _ => Place::Other,
        }
    }
}

impl Vcpu {
    /// The value of a register; zero for numbers that are no register.
    pub(crate) fn read_register(&self, id: u64) -> u64 {
        let save = &self.vmcb.save;
        match place(id) {
            Place::General(index) => self.general(index),
            Place::Debug(index) => self.debug[index].get(),
            Place::Segment(name) => save.segment(name).word(),
            Place::Base(name) => save.segment(name).base.get(),
            Place::Limit(name) => save.segment(name).limit.get().into(),
            Place::Other => match id {
                register::CR8 => {
                    self.vmcb.control.virtual_interrupt.get() & virtual_interrupt::TASK_PRIORITY
                }
                register::EFER => save.efer.get() & !EFER_SVM,
                register::TSC_AUX => self.tsc_aux.get().into(),
                _ => self.word(id).map_or(0, core::cell::Cell::get),
            },
        }
    }

    /// Writes a checked value to a register.
    pub(crate) fn write_register(&self, id: u64, value: u64) {
        let save = &self.vmcb.save;
        let [b0, b1, b2, b3, ..] = value.to_le_bytes();
        let low = u32::from_le_bytes([b0, b1, b2, b3]);
        match place(id) {
            Place::General(index) => self.set_general(index, value),
            Place::Debug(index) => {
                self.debug[index].set(value);
                self.look_for_rare_registers();
            }
            Place::Segment(name) => {
                save.segment(name).set_word(value);
                if matches!(name, SegmentName::Ss) {
                    let privilege = save.segment(name).attributes.get() >> 5 & 3;
                    save.privilege_level.set(privilege.to_le_bytes()[0]);
                }
            }
            Place::Base(name) => save.segment(name).base.set(value),
            Place::Limit(name) => save.segment(name).limit.set(low),
            Place::Other => match id {
                register::CR8 => {
                    let control = &self.vmcb.control.virtual_interrupt;
                    control.set(control.get() & !virtual_interrupt::TASK_PRIORITY | value);
                }
                register::EFER => save.efer.set(value | EFER_SVM),
                register::TSC_AUX => {
                    self.tsc_aux.set(low);
                    self.look_for_rare_registers();
                }
                _ => {
                    if let Some(word) = self.word(id) {
                        word.set(value);
                    }
                }
            },
        }
    }

    fn look_for_rare_registers(&self) {
        let has_debug = self.debug.iter().any(|register| register.get() != 0);
        self.has_rare_registers
            .set(has_debug || self.tsc_aux.get() != 0);
    }

    /// The place of a register that is one plain word.
    fn word(&self, id: u64) -> Option<&core::cell::Cell<u64>> {
        let save = &self.vmcb.save;
        Some(match id {
            register::RIP => &save.rip,
            register::RFLAGS => &save.rflags,
            register::CR0 => &save.cr0,
            register::CR2 => &save.cr2,
            register::CR3 => &save.cr3,
            register::CR4 => &save.cr4,
            register::DR6 => &save.dr6,
            register::DR7 => &save.dr7,
            register::KERNEL_GS_BASE => &save.kernel_gs_base,
            register::STAR => &save.star,
            register::LSTAR => &save.lstar,
            register::CSTAR => &save.cstar,
            register::SFMASK => &save.sfmask,
            register::SYSENTER_CS => &save.sysenter_cs,
            register::SYSENTER_ESP => &save.sysenter_esp,
            register::SYSENTER_EIP => &save.sysenter_eip,
            register::PAT => &save.pat,
            register::TSC_OFFSET => &self.vmcb.control.tsc_offset,
            register::XCR0 => &self.xcr0,
            _ => return None,
        })
    }
}

impl Segment {
    /// Selector, attributes and limit in the interface's word.
    fn word(&self) -> u64 {
        u64::from(self.selector.get())
            | u64::from(self.attributes.get()) << 16
            | u64::from(self.limit.get()) << 32
    }

    fn set_word(&self, word: u64) {
        let [s0, s1, a0, a1, l0, l1, l2, l3] = word.to_le_bytes();
        self.selector.set(u16::from_le_bytes([s0, s1]));
        self.attributes
            .set(u16::from_le_bytes([a0, a1]) & SEGMENT_ATTRIBUTES);
        self.limit.set(u32::from_le_bytes([l0, l1, l2, l3]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_register_reads_back_what_was_written() {
        for id in 0..register::COUNT {
            // SAFETY: zero bytes are a valid virtual CPU: it is made of cells of integers and `Option`s.
            let vcpu: Box<Vcpu> = unsafe { Box::new_zeroed().assume_init() };
            // Fits every register: a segment's reserved bits are zero, CR8 and limits are small.
            let value = 0xb;
            vcpu.write_register(id, value);
            assert_eq!(vcpu.read_register(id), value, "register {id}");
            for other in (0..register::COUNT).filter(|&other| other != id) {
                assert_eq!(vcpu.read_register(other), 0, "{id} changed {other}");
            }
        }
    }
}
