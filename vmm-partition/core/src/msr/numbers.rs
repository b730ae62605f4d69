//! Numbers of model-specific registers.

/// The registers by name.
pub(crate) mod number {
    /// Time stamp counter.
    pub(crate) const TSC: u32 = 0x10;
    /// Local APIC base.
    pub(crate) const APIC_BASE: u32 = 0x1b;
    /// Microcode level.
    pub(crate) const PATCH_LEVEL: u32 = 0x8b;
    /// SYSENTER code segment.
    pub(crate) const SYSENTER_CS: u32 = 0x174;
    /// SYSENTER stack.
    pub(crate) const SYSENTER_ESP: u32 = 0x175;
    /// SYSENTER entry.
    pub(crate) const SYSENTER_EIP: u32 = 0x176;
    /// Debug control.
    pub(crate) const DEBUG_CONTROL: u32 = 0x1d9;
    /// Page attributes.
    pub(crate) const PAT: u32 = 0x277;
    /// Deadline of the local APIC's timer.
    pub(crate) const TSC_DEADLINE: u32 = 0x6e0;
    /// First x2APIC register.
    pub(crate) const X2APIC_FIRST: u32 = 0x800;
    /// Last x2APIC register.
    pub(crate) const X2APIC_LAST: u32 = 0x8ff;
    /// kvmclock: wall clock.
    pub(crate) const KVM_WALL_CLOCK: u32 = 0x4b56_4d00;
    /// kvmclock: system time.
    pub(crate) const KVM_SYSTEM_TIME: u32 = 0x4b56_4d01;
    /// KVM: where the guest may end an interrupt without an exit.
    pub(crate) const KVM_SILENT_END: u32 = 0x4b56_4d04;
    /// Extended features.
    pub(crate) const EFER: u32 = 0xc000_0080;
    /// SYSCALL segments.
    pub(crate) const STAR: u32 = 0xc000_0081;
    /// SYSCALL entry.
    pub(crate) const LSTAR: u32 = 0xc000_0082;
    /// SYSCALL entry from compatibility mode.
    pub(crate) const CSTAR: u32 = 0xc000_0083;
    /// SYSCALL flag mask.
    pub(crate) const SFMASK: u32 = 0xc000_0084;
    /// FS base.
    pub(crate) const FS_BASE: u32 = 0xc000_0100;
    /// GS base.
    pub(crate) const GS_BASE: u32 = 0xc000_0101;
    /// Swapped GS base.
    pub(crate) const KERNEL_GS_BASE: u32 = 0xc000_0102;
    /// RDTSCP's auxiliary value.
    pub(crate) const TSC_AUX: u32 = 0xc000_0103;
    /// AMD system configuration.
    pub(crate) const SYSTEM_CONFIGURATION: u32 = 0xc001_0010;
    /// AMD hardware configuration.
    pub(crate) const HARDWARE_CONFIGURATION: u32 = 0xc001_0015;
    /// AMD northbridge configuration.
    pub(crate) const NORTHBRIDGE_CONFIGURATION: u32 = 0xc001_001f;
    /// Machine check capabilities.
    pub(crate) const MACHINE_CHECK_CAPABILITY: u32 = 0x179;
    /// AMD performance event selection.
    pub(crate) const PERFORMANCE_SELECT_0: u32 = 0xc001_0000;
    /// AMD floating-point configuration.
    pub(crate) const FLOATING_POINT_CONFIGURATION: u32 = 0xc001_1028;
    /// AMD load-store configuration.
    pub(crate) const LOAD_STORE_CONFIGURATION: u32 = 0xc001_1020;
    /// AMD decode configuration.
    pub(crate) const DECODE_CONFIGURATION: u32 = 0xc001_1029;
}
