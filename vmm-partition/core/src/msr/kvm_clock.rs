//! kvmclock: two structures in guest memory that tell time as a function of the TSC
//! (Linux, Documentation/virt/kvm/x86/msr.rst).
//!
//! The guest's TSC never stops and never changes its rate, so each structure is written once, when
//! the guest names its place.

use crate::{
    clock::{Clock, NS_PER_SECOND},
    guest_memory::{GuestAddress, GuestMemory, OutsideMemory},
    number::low_u32,
};

/// Bit 0 of the system time register: enabled.
const ENABLED: u64 = 1;
/// Flag of the time structure: all CPUs agree.
const TSC_STABLE: u8 = 1;

/// What the guest wrote to the two registers.
#[derive(Default)]
pub(crate) struct KvmClock {
    system_time: u64,
    wall_clock: u64,
}

impl KvmClock {
    /// The system time register.
    pub(crate) fn system_time(&self) -> u64 {
        self.system_time
    }

    /// The wall clock register.
    pub(crate) fn wall_clock(&self) -> u64 {
        self.wall_clock
    }

    /// Writes the time structure to where the register says: version u32, padding u32, TSC u64, nanoseconds
    /// u64, multiplier u32, shift i8, flags u8, padding u16.
    pub(crate) fn set_system_time(
        &mut self,
        value: u64,
        memory: &impl GuestMemory,
        clock: &Clock,
    ) -> Result<(), OutsideMemory> {
        if value & ENABLED != 0 {
            let (multiplier, shift) = clock.scale();
            let mut structure = [0; 32];
            structure[0..4].copy_from_slice(&2u32.to_le_bytes());
            structure[8..16].copy_from_slice(&clock.boot_ticks().to_le_bytes());
            structure[24..28].copy_from_slice(&multiplier.to_le_bytes());
            structure[28..29].copy_from_slice(&shift.to_le_bytes());
            structure[29] = TSC_STABLE;
            memory.write(GuestAddress(value & !ENABLED), &structure)?;
        }
        self.system_time = value;
        Ok(())
    }

    /// Writes the wall clock at boot: version u32, seconds u32, nanoseconds u32.
    pub(crate) fn set_wall_clock(
        &mut self,
        value: u64,
        memory: &impl GuestMemory,
        clock: &Clock,
    ) -> Result<(), OutsideMemory> {
        let mut structure = [0; 12];
        structure[0..4].copy_from_slice(&2u32.to_le_bytes());
        let unix_ns = clock.unix_ns(clock.boot_ticks());
        structure[4..8].copy_from_slice(&low_u32(unix_ns / NS_PER_SECOND).to_le_bytes());
        structure[8..12].copy_from_slice(&low_u32(unix_ns % NS_PER_SECOND).to_le_bytes());
        memory.write(GuestAddress(value), &structure)?;
        self.wall_clock = value;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::KvmClock;
    use crate::{
        clock::Clock,
        guest_memory::{GuestAddress, GuestMemory, OutsideMemory},
        machine::test_host::TestMemory,
    };

    #[test]
    fn structures_are_written_where_the_guest_says() {
        let memory = TestMemory::new(0x10000);
        let clock = Clock::new(1_000_000, 77, 1_700_000_000_250_000_000);
        let mut kvm_clock = KvmClock::default();
        assert_eq!(kvm_clock.set_system_time(0x1001, &memory, &clock), Ok(()));
        assert_eq!(memory.read_u64(GuestAddress(0x1008)), Ok(77));
        assert_eq!(kvm_clock.set_wall_clock(0x2000, &memory, &clock), Ok(()));
        assert_eq!(
            memory.read_u64(GuestAddress(0x2004)),
            Ok(250_000_000 << 32 | 1_700_000_000)
        );
    }

    #[test]
    fn a_wild_address_is_an_error_and_changes_nothing() {
        let memory = TestMemory::new(0x1000);
        let clock = Clock::new(1_000_000, 0, 0);
        let mut kvm_clock = KvmClock::default();
        let wild = [0xff1, u64::MAX, 0x7fff_ffff_ffff_f001];
        for address in wild {
            assert_eq!(
                kvm_clock.set_system_time(address | 1, &memory, &clock),
                Err(OutsideMemory)
            );
        }
        assert_eq!(kvm_clock.system_time(), 0);
    }
}
