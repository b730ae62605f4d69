//! Registers of a user thread in the order of TCB_ReadRegisters and TCB_WriteRegisters.

/// The twenty words of a thread's registers (`seL4_UserContext` of x86_64).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
#[expect(
    missing_docs,
    reason = "the fields are the registers that they are named after"
)]
pub struct UserContext {
    pub rip: u64,
    pub rsp: u64,
    pub rflags: u64,
    pub rax: u64,
    pub rbx: u64,
    pub rcx: u64,
    pub rdx: u64,
    pub rsi: u64,
    pub rdi: u64,
    pub rbp: u64,
    pub r8: u64,
    pub r9: u64,
    pub r10: u64,
    pub r11: u64,
    pub r12: u64,
    pub r13: u64,
    pub r14: u64,
    pub r15: u64,
    pub fs_base: u64,
    pub gs_base: u64,
}

/// Words of a user context.
pub const USER_CONTEXT_WORDS: usize = 20;
const _: () = assert!(size_of::<UserContext>() == USER_CONTEXT_WORDS * 8);

impl UserContext {
    /// The registers as words in message order.
    #[must_use]
    pub const fn to_words(&self) -> [u64; USER_CONTEXT_WORDS] {
        [
            self.rip,
            self.rsp,
            self.rflags,
            self.rax,
            self.rbx,
            self.rcx,
            self.rdx,
            self.rsi,
            self.rdi,
            self.rbp,
            self.r8,
            self.r9,
            self.r10,
            self.r11,
            self.r12,
            self.r13,
            self.r14,
            self.r15,
            self.fs_base,
            self.gs_base,
        ]
    }

    /// The registers from words in message order.
    #[must_use]
    pub const fn from_words(w: &[u64; USER_CONTEXT_WORDS]) -> Self {
        Self {
            rip: w[0],
            rsp: w[1],
            rflags: w[2],
            rax: w[3],
            rbx: w[4],
            rcx: w[5],
            rdx: w[6],
            rsi: w[7],
            rdi: w[8],
            rbp: w[9],
            r8: w[10],
            r9: w[11],
            r10: w[12],
            r11: w[13],
            r12: w[14],
            r13: w[15],
            r14: w[16],
            r15: w[17],
            fs_base: w[18],
            gs_base: w[19],
        }
    }
}
