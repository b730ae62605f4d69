//! Sekisho's own objects: virtual CPUs and guest-physical address spaces.
//!
//! The interface names nothing of a CPU vendor: the kernel translates it to AMD's SVM (later to
//! Intel's VT-x). A virtual CPU runs on the scheduling context of the thread that invokes
//! [`label::VCPU_RUN`]; the invocation returns when the guest does something that the monitor
//! must handle, or when the thread's bound notification is signalled.

/// A virtual CPU is 2^13 bytes.
pub const VCPU_BITS: u64 = 13;

/// Invocation labels from 4096.
pub mod label {
    /// `VCpuSetSpace(vcpu; capability 0: NestedRoot)`: the address space that the guest runs in.
    pub const VCPU_SET_SPACE: u64 = 4096;
    /// `VCpuRun(vcpu; request)`: enters the guest; see [`super::run_request`] and [`super::exit_message`].
    pub const VCPU_RUN: u64 = 4097;
    /// `VCpuReadRegisters(vcpu; identifications…)`: answers with one value for each, at most 100.
    pub const VCPU_READ_REGISTERS: u64 = 4098;
    /// `VCpuWriteRegisters(vcpu; identification, value, …)`: all or nothing, at most 50 pairs.
    pub const VCPU_WRITE_REGISTERS: u64 = 4099;
    /// `NestedTableMap(table; guest-physical address; capability 0: NestedRoot)`: fills the highest missing level.
    pub const NESTED_TABLE_MAP: u64 = 4100;
    /// `NestedTableUnmap(table)`.
    pub const NESTED_TABLE_UNMAP: u64 = 4101;
    /// `NestedPageMap(frame; guest-physical address, rights, attributes; capability 0: NestedRoot)`.
    /// The frame is unmapped by X86PageUnmap. Attributes: bit 0 = never executable.
    pub const NESTED_PAGE_MAP: u64 = 4102;
}

/// Guest-physical addresses are below 2^47.
pub const GUEST_PHYSICAL_BITS: u64 = 47;

/// Number of general registers; their order is that of instruction encoding:
/// rax rcx rdx rbx rsp rbp rsi rdi r8 … r15.
pub const GENERAL_REGISTERS: usize = 16;

/// Words of a VCpuRun request. Length 0: go on as before. Length 4: words 0 to 3.
/// Length 8: RAX, RCX, RDX and RBX too. Length 20: all general registers too. Other lengths are refused (TruncatedMessage, RangeError).
pub mod run_request {
    /// Which of the words below are to be written: bits of [`flag`].
    pub const FLAGS: usize = 0;
    /// New instruction pointer.
    pub const RIP: usize = 1;
    /// New RFLAGS; bits that the architecture fixes are set by the kernel.
    pub const RFLAGS: usize = 2;
    /// Event to inject: see [`super::event`].
    pub const EVENT: usize = 3;
    /// First of sixteen general registers.
    pub const GENERAL: usize = 4;
    /// Words without general registers.
    pub const WORDS_SHORT: u64 = 4;
    /// Words with the first four general registers: RAX, RCX, RDX, RBX.
    pub const WORDS_MEDIUM: u64 = 8;
    /// Words with all general registers.
    pub const WORDS_LONG: u64 = 20;

    /// Bits of the first word.
    pub mod flag {
        /// Write RIP.
        pub const RIP: u64 = 1 << 0;
        /// Write RFLAGS.
        pub const RFLAGS: u64 = 1 << 1;
        /// The event word counts (a zero event withdraws what is pending).
        pub const EVENT: u64 = 1 << 2;
        /// End the interrupt shadow (the monitor completed the instruction behind STI or MOV SS).
        pub const CLEAR_INTERRUPT_SHADOW: u64 = 1 << 3;
        /// Exit with [`super::super::reason::INTERRUPT_WINDOW`] as soon as the guest could take an interrupt.
        pub const REQUEST_INTERRUPT_WINDOW: u64 = 1 << 4;
        /// All of them; other bits are refused (InvalidArgument).
        pub const ALL: u64 = 0x1f;
    }
}

/// The event word: vector [7:0], kind [10:8], bit 11 error code valid, bit 31 valid, error code [63:32].
///
/// An external interrupt stays pending until the guest can take it; the exit message says so.
/// Exceptions and NMI are delivered at once.
pub mod event {
    /// The word holds an event.
    pub const VALID: u64 = 1 << 31;
    /// An error code is pushed.
    pub const ERROR_CODE_VALID: u64 = 1 << 11;
    /// Kind 0 at bit 8: external interrupt.
    pub const EXTERNAL_INTERRUPT: u64 = 0;
    /// Kind 2 at bit 8: non-maskable interrupt.
    pub const NMI: u64 = 2 << 8;
    /// Kind 3 at bit 8: exception.
    pub const EXCEPTION: u64 = 3 << 8;
    /// The bits of the kind.
    pub const KIND_MASK: u64 = 7 << 8;

    /// An external interrupt with this vector (16 to 255).
    #[must_use]
    pub const fn interrupt(vector: u8) -> u64 {
        VALID | EXTERNAL_INTERRUPT | vector as u64
    }
    /// An exception without error code.
    #[must_use]
    pub const fn exception(vector: u8) -> u64 {
        VALID | EXCEPTION | vector as u64
    }
    /// An exception with error code.
    #[must_use]
    pub const fn exception_with_code(vector: u8, code: u32) -> u64 {
        VALID | EXCEPTION | ERROR_CODE_VALID | ((code as u64) << 32) | vector as u64
    }
}

/// Words of the message in which VCpuRun returns. The reply's badge register holds the notification's word.
pub mod exit_message {
    /// Why the guest stopped: one of [`super::reason`].
    pub const REASON: usize = 0;
    /// First detail; its meaning stands at the reason.
    pub const DETAIL: usize = 1;
    /// Second detail.
    pub const DETAIL_2: usize = 2;
    /// Instruction pointer at the exit.
    pub const RIP: usize = 3;
    /// First of sixteen general registers.
    pub const GENERAL: usize = 4;
    /// Instruction pointer behind the instruction, 0 where the CPU does not say.
    pub const NEXT_RIP: usize = 20;
    /// RFLAGS.
    pub const RFLAGS: usize = 21;
    /// Bits of [`state`].
    pub const STATE: usize = 22;
    /// CR0.
    pub const CR0: usize = 23;
    /// CR3.
    pub const CR3: usize = 24;
    /// CR4.
    pub const CR4: usize = 25;
    /// EFER as the guest sees it.
    pub const EFER: usize = 26;
    /// Base of CS.
    pub const CS_BASE: usize = 27;
    /// CR8 (task priority).
    pub const CR8: usize = 28;
    /// Event whose delivery the exit interrupted (event word format), 0 if none; the monitor injects it again.
    pub const INTERRUPTED_EVENT: usize = 29;
    /// Instruction bytes that the CPU fetched: count in the top byte is not given; 0 where unknown.
    pub const INSTRUCTION_BYTES: usize = 30;
    /// Further instruction bytes: bits [55:0] bytes 8 to 14, bits [63:56] their total number.
    pub const INSTRUCTION_BYTES_2: usize = 31;
    /// Words of the message.
    pub const WORDS: u64 = 32;

    /// Bits of the state word.
    pub mod state {
        /// The next instruction is in an interrupt shadow.
        pub const INTERRUPT_SHADOW: u64 = 1 << 0;
        /// The interrupt injected last is not taken yet.
        pub const INTERRUPT_PENDING: u64 = 1 << 1;
        /// CS.L: 64-bit code.
        pub const CODE_64: u64 = 1 << 2;
        /// CS.D: 32-bit default operand size.
        pub const CODE_32: u64 = 1 << 3;
        /// Current privilege level at bits [5:4].
        pub const CPL_SHIFT: u32 = 4;
    }
}

/// Why a guest stopped.
pub mod reason {
    /// The bound notification was signalled; the badge register holds its word. No detail.
    pub const NOTIFICATION: u64 = 0;
    /// CPUID.
    pub const CPUID: u64 = 1;
    /// Port access: detail bits [15:0] port, 16 input, 17 string, 18 repeat, [21:19] bytes (1, 2, 4), [24:22] address bytes / 2 (1, 2, 4).
    pub const IO_PORT: u64 = 2;
    /// RDMSR: detail = MSR number.
    pub const MSR_READ: u64 = 3;
    /// WRMSR: detail = MSR number, detail 2 = value (EDX:EAX).
    pub const MSR_WRITE: u64 = 4;
    /// HLT.
    pub const HALT: u64 = 5;
    /// Nested page fault: detail bits 0 present, 1 write, 2 instruction fetch, 3 during a page walk of the guest; detail 2 = guest-physical address.
    pub const MEMORY: u64 = 6;
    /// Triple fault.
    pub const SHUTDOWN: u64 = 7;
    /// VMMCALL (or VMCALL).
    pub const HYPERCALL: u64 = 8;
    /// An intercepted exception: detail = vector, detail 2 = error code.
    pub const EXCEPTION: u64 = 9;
    /// The guest can take an interrupt now.
    pub const INTERRUPT_WINDOW: u64 = 10;
    /// The CPU refused the guest's state: detail = the CPU's code.
    pub const INVALID_STATE: u64 = 11;
    /// WBINVD, INVD or similar cache operation.
    pub const CACHE: u64 = 12;
    /// XSETBV (where the CPU intercepts it).
    pub const XSETBV: u64 = 13;
    /// Write of a debug register.
    pub const DEBUG_REGISTER: u64 = 14;
    /// MONITOR, MWAIT, RDPMC, virtualisation and other instructions that the guest is not offered: detail = the CPU's code. Inject #UD.
    pub const FORBIDDEN_INSTRUCTION: u64 = 15;
    /// Task switch.
    pub const TASK_SWITCH: u64 = 16;
    /// Anything else: detail = the CPU's code.
    pub const OTHER: u64 = 17;
}

/// Identifications of registers for VCpuReadRegisters and VCpuWriteRegisters.
///
/// The kernel checks each value: what would touch the host is refused (InvalidArgument).
/// Segment words: selector [15:0], attributes [31:16] in the format of bits 55:52 and 47:40 of a
/// descriptor pushed together (type 3:0, S 4, DPL 6:5, P 7, AVL 8, L 9, D 10, G 11), limit [63:32].
#[expect(missing_docs, reason = "the names are the architecture's registers")]
pub mod register {
    pub const RIP: u64 = 0;
    pub const RFLAGS: u64 = 1;
    /// First of sixteen general registers in encoding order: 2 to 17.
    pub const GENERAL: u64 = 2;
    pub const CR0: u64 = 18;
    pub const CR2: u64 = 19;
    pub const CR3: u64 = 20;
    pub const CR4: u64 = 21;
    pub const CR8: u64 = 22;
    pub const EFER: u64 = 23;
    pub const DR6: u64 = 24;
    pub const DR7: u64 = 25;
    /// First of four: DR0 to DR3.
    pub const DR0: u64 = 26;
    /// Segments: selector/attributes/limit word; then their bases.
    pub const ES: u64 = 30;
    pub const CS: u64 = 31;
    pub const SS: u64 = 32;
    pub const DS: u64 = 33;
    pub const FS: u64 = 34;
    pub const GS: u64 = 35;
    pub const LDTR: u64 = 36;
    pub const TR: u64 = 37;
    pub const ES_BASE: u64 = 38;
    pub const CS_BASE: u64 = 39;
    pub const SS_BASE: u64 = 40;
    pub const DS_BASE: u64 = 41;
    pub const FS_BASE: u64 = 42;
    pub const GS_BASE: u64 = 43;
    pub const LDTR_BASE: u64 = 44;
    pub const TR_BASE: u64 = 45;
    pub const GDTR_BASE: u64 = 46;
    pub const GDTR_LIMIT: u64 = 47;
    pub const IDTR_BASE: u64 = 48;
    pub const IDTR_LIMIT: u64 = 49;
    pub const KERNEL_GS_BASE: u64 = 50;
    pub const STAR: u64 = 51;
    pub const LSTAR: u64 = 52;
    pub const CSTAR: u64 = 53;
    pub const SFMASK: u64 = 54;
    pub const SYSENTER_CS: u64 = 55;
    pub const SYSENTER_ESP: u64 = 56;
    pub const SYSENTER_EIP: u64 = 57;
    pub const PAT: u64 = 58;
    pub const TSC_OFFSET: u64 = 59;
    pub const TSC_AUX: u64 = 60;
    pub const XCR0: u64 = 61;
    /// Number of registers.
    pub const COUNT: u64 = 62;
}
