//! The virtual CPU as the monitor sees it: entered by one call, left by one exit.
//!
//! Numbers are the kernel's own (`sel4_sys::extension`); this module names the words.

use sel4_sys::extension::{GENERAL_REGISTERS, exit_message, run_request};

/// The kernel refused an operation on the virtual CPU: a defect of the monitor, or a guest state
/// that no CPU could be in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused(pub u64);

/// Position of a register in instruction encoding.
pub mod general {
    /// RAX.
    pub const RAX: usize = 0;
    /// RCX.
    pub const RCX: usize = 1;
    /// RDX.
    pub const RDX: usize = 2;
    /// RBX.
    pub const RBX: usize = 3;
    /// RSP.
    pub const RSP: usize = 4;
    /// RSI.
    pub const RSI: usize = 6;
    /// RDI.
    pub const RDI: usize = 7;
}

/// RFLAGS.IF.
pub(crate) const RFLAGS_INTERRUPT: u64 = 1 << 9;

/// What the guest did last and how its CPU stands; the monitor changes registers here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exit {
    /// One of `sel4_sys::extension::reason`.
    pub reason: u64,
    /// First detail.
    pub detail: u64,
    /// Second detail.
    pub detail_2: u64,
    /// Instruction pointer.
    pub rip: u64,
    /// General registers in encoding order.
    pub general: [u64; GENERAL_REGISTERS],
    /// Instruction pointer behind the instruction, 0 if unknown.
    pub next_rip: u64,
    /// RFLAGS.
    pub rflags: u64,
    /// Bits of `exit_message::state`.
    pub state: u64,
    /// CR0.
    pub cr0: u64,
    /// CR3.
    pub cr3: u64,
    /// CR4.
    pub cr4: u64,
    /// EFER.
    pub efer: u64,
    /// Base of CS.
    pub cs_base: u64,
    /// CR8.
    pub cr8: u64,
    /// Event whose delivery was interrupted.
    pub interrupted_event: u64,
    /// Instruction bytes as the CPU gave them.
    pub instruction_bytes: [u64; 2],
    /// Notification word, if the reason is a notification.
    pub badge: u64,
}

impl Exit {
    /// Takes the exit message apart; `word` gives its words by index.
    pub fn read(&mut self, word: impl Fn(usize) -> u64, badge: u64) {
        self.reason = word(exit_message::REASON);
        self.detail = word(exit_message::DETAIL);
        self.detail_2 = word(exit_message::DETAIL_2);
        self.rip = word(exit_message::RIP);
        for (index, register) in self.general.iter_mut().enumerate() {
            *register = word(exit_message::GENERAL + index);
        }
        self.next_rip = word(exit_message::NEXT_RIP);
        self.rflags = word(exit_message::RFLAGS);
        self.state = word(exit_message::STATE);
        self.cr0 = word(exit_message::CR0);
        self.cr3 = word(exit_message::CR3);
        self.cr4 = word(exit_message::CR4);
        self.efer = word(exit_message::EFER);
        self.cs_base = word(exit_message::CS_BASE);
        self.cr8 = word(exit_message::CR8);
        self.interrupted_event = word(exit_message::INTERRUPTED_EVENT);
        self.instruction_bytes = [
            word(exit_message::INSTRUCTION_BYTES),
            word(exit_message::INSTRUCTION_BYTES_2),
        ];
        self.badge = badge;
    }

    /// Linear address of the next instruction; 64-bit code has no base.
    #[must_use]
    pub const fn linear_rip(&self) -> u64 {
        if self.state & exit_message::state::CODE_64 != 0 {
            self.rip
        } else {
            self.cs_base.wrapping_add(self.rip) & 0xffff_ffff
        }
    }

    /// Current privilege level of the guest.
    #[must_use]
    pub const fn privilege_level(&self) -> u64 {
        (self.state >> exit_message::state::CPL_SHIFT) & 3
    }
}

/// What to write before the guest goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// Bits of `run_request::flag`.
    pub flags: u64,
    /// Event word, counts with its flag.
    pub event: u64,
    /// Whether general registers were changed.
    pub general_changed: GeneralRegisters,
}

/// Whether the general registers go back with the request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GeneralRegisters {
    /// They are as the guest left them.
    #[default]
    Unchanged,
    /// RAX, RCX, RDX and RBX are to be written.
    FirstChanged,
    /// All are to be written.
    Changed,
}

impl Request {
    /// Words of the message: 0, 4, 8 or 20.
    #[must_use]
    pub const fn length(&self) -> u64 {
        match (self.general_changed, self.flags) {
            (GeneralRegisters::Changed, _) => run_request::WORDS_LONG,
            (GeneralRegisters::FirstChanged, _) => run_request::WORDS_MEDIUM,
            (GeneralRegisters::Unchanged, 0) => 0,
            (GeneralRegisters::Unchanged, _) => run_request::WORDS_SHORT,
        }
    }
}

/// A virtual CPU.
pub trait VirtualCpu {
    /// Enters the guest with the registers of `exit` that `request` names, and fills `exit` anew.
    ///
    /// # Errors
    ///
    /// [`Refused`] if the kernel does not accept the request.
    fn run(&mut self, request: &Request, exit: &mut Exit) -> Result<(), Refused>;

    /// Reads one register (`sel4_sys::extension::register`).
    ///
    /// # Errors
    ///
    /// [`Refused`] for an unknown register.
    fn read_register(&mut self, register: u64) -> Result<u64, Refused>;

    /// Writes registers, all or none; `pairs` alternates identification and value, at most 50 pairs.
    ///
    /// # Errors
    ///
    /// [`Refused`] if any value is one that the kernel does not allow.
    fn write_registers(&mut self, pairs: &[u64]) -> Result<(), Refused>;
}
