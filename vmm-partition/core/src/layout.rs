//! Where things lie in the guest's physical address space and port space.

use crate::guest_memory::GuestAddress;

/// End of conventional memory as a PC's firmware reports it.
pub(crate) const LOW_MEMORY_END: u64 = 0x9_fc00;
/// ACPI tables, in the area that a PC's firmware occupies.
pub(crate) const ACPI_START: GuestAddress = GuestAddress(0xe_0000);
/// End of the firmware area and start of high memory.
pub(crate) const HIGH_MEMORY: u64 = 0x10_0000;

/// Descriptor table that the kernel starts with.
pub(crate) const BOOT_GDT: GuestAddress = GuestAddress(0x1000);
/// Linux's boot parameters ("zero page").
pub(crate) const BOOT_PARAMETERS: GuestAddress = GuestAddress(0x1_0000);
/// The command line.
pub(crate) const COMMAND_LINE: GuestAddress = GuestAddress(0x2_0000);
/// Identity page tables of the first 4 GiB: six pages.
pub(crate) const BOOT_PAGE_TABLES: GuestAddress = GuestAddress(0x3_0000);

/// Most RAM that a guest can have: it must end below the window of PCI devices.
pub const RAM_MAX: u64 = PCI_WINDOW_START;
/// PCI memory window.
pub(crate) const PCI_WINDOW_START: u64 = 0xc000_0000;
/// Last byte of the PCI memory window.
pub(crate) const PCI_WINDOW_LAST: u64 = 0xfebf_ffff;
/// I/O APIC.
pub(crate) const IO_APIC: u64 = 0xfec0_0000;
/// Local APIC in the mode that is not offered.
pub(crate) const LOCAL_APIC: u64 = 0xfee0_0000;

/// ACPI PM1a event block, control block and timer.
pub(crate) const POWER_MANAGEMENT_PORT: u16 = 0x600;
/// Reset register.
pub(crate) const RESET_PORT: u16 = 0xcf9;
/// Value that resets.
pub(crate) const RESET_VALUE: u8 = 0x06;
/// First port that PCI devices may use.
pub(crate) const PCI_PORTS_START: u16 = 0xc000;

/// Interrupt of the ACPI fixed hardware.
pub(crate) const ACPI_INTERRUPT: u8 = 9;
/// Interrupt of the first serial port.
pub(crate) const SERIAL_INTERRUPT: u8 = 4;
/// Input of the I/O APIC that the timer chip drives.
pub(crate) const TIMER_INPUT: u8 = 2;
/// Input of the I/O APIC of PCI device 1; device n has this + n - 1.
pub(crate) const PCI_INTERRUPT_BASE: u8 = 16;
