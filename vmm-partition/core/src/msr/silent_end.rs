//! KVM's paravirtual end of interrupt (Linux, Documentation/virt/kvm/x86/msr.rst, MSR_KVM_PV_EOI_EN).
//!
//! While bit 0 of a word in guest memory is set, the guest may end its interrupt by clearing it instead of
//! writing to its APIC: one exit less for each interrupt. The monitor sets it when the next end
//! of interrupt can only mean one vector and nothing has to happen at it.

use crate::guest_memory::{GuestAddress, GuestMemory, OutsideMemory};

/// Bit 0 of the register: enabled.
const ENABLED: u64 = 1;
/// Bits of the register that are no address: the word is aligned to four bytes.
const NO_ADDRESS: u64 = 3;

/// The register, and whether the guest may end its interrupt silently now.
#[derive(Default)]
pub(crate) struct SilentEnd {
    register: u64,
    is_offered: bool,
}

impl SilentEnd {
    /// What the guest wrote to the register.
    pub(crate) fn register(&self) -> u64 {
        self.register
    }

    /// Takes a new place for the word. One that was offered in the old place does not count any more.
    pub(crate) fn set_register(
        &mut self,
        value: u64,
        memory: &impl GuestMemory,
    ) -> Result<(), OutsideMemory> {
        if value & NO_ADDRESS & !ENABLED != 0 {
            return Err(OutsideMemory);
        }
        self.withdraw(memory);
        if value & ENABLED != 0 {
            memory.write(GuestAddress(value & !NO_ADDRESS), &[0])?;
        }
        self.register = value;
        Ok(())
    }

    /// Whether the guest may end its interrupt silently.
    pub(crate) fn is_offered(&self) -> bool {
        self.is_offered
    }

    /// Lets the guest end its next interrupt silently, if it wants that at all.
    pub(crate) fn offer(&mut self, memory: &impl GuestMemory) {
        if self.register & ENABLED != 0 {
            self.is_offered = memory.write(self.place(), &[1]).is_ok();
        }
    }

    /// Wants an exit at the end of the interrupt after all.
    pub(crate) fn withdraw(&mut self, memory: &impl GuestMemory) {
        if core::mem::take(&mut self.is_offered) {
            // The place was memory when the offer was made, and guests do not lose memory.
            let _ = memory.write(self.place(), &[0]);
        }
    }

    /// Whether the guest ended its interrupt silently. Answers once.
    pub(crate) fn take_end(&mut self, memory: &impl GuestMemory) -> bool {
        if !self.is_offered {
            return false;
        }
        let mut byte = [0];
        let is_kept = memory.read(self.place(), &mut byte).is_ok() && byte[0] & 1 != 0;
        self.is_offered = is_kept;
        !is_kept
    }

    fn place(&self) -> GuestAddress {
        GuestAddress(self.register & !NO_ADDRESS)
    }
}
