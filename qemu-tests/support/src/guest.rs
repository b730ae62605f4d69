//! Guests for tests: a virtual CPU, nested tables, a piece of memory that the monitor sees too.

use kernel_calls::{Ipc, Received, invoke};
use sel4_sys::extension::run_request::{WORDS_LONG, WORDS_SHORT};
use sel4_sys::extension::{GENERAL_REGISTERS, exit_message, label, register, run_request};
use sel4_sys::object::ObjectType::{self, LargePage, NestedRoot, NestedTable, Page, VCpu};
use sel4_sys::{CapRights, Error, MessageInfo, slot};

use crate::memory::{self, fresh_address};
use crate::outcome::Failure;
use crate::resources::Tester;

/// Where a guest's memory is mapped for the monitor.
pub const WINDOW: u64 = fresh_address(3);

const RW: CapRights = CapRights::READ_WRITE;

/// A guest with memory from guest-physical address 0 on.
#[derive(Clone, Copy, Debug)]
pub struct Guest {
    /// Its virtual CPU.
    pub vcpu: u64,
    /// Its nested space.
    pub root: u64,
    /// The frame that is its memory.
    pub frame: u64,
    /// Where the monitor sees the memory.
    pub window: u64,
}

/// What a run ended with.
#[derive(Clone, Copy)]
pub struct Exit {
    /// Why: one of `extension::reason`.
    pub reason: u64,
    /// First detail.
    pub detail: u64,
    /// Second detail.
    pub detail_2: u64,
    /// Instruction pointer.
    pub rip: u64,
    /// The notification's word, if that was the reason.
    pub badge: u64,
    ipc: Ipc,
}

impl Exit {
    /// A general register, by its number in instructions.
    #[must_use]
    pub fn general(&self, number: usize) -> u64 {
        self.word(exit_message::GENERAL + number)
    }

    /// A word of the exit message, until the next message comes.
    #[must_use]
    pub fn word(&self, index: usize) -> u64 {
        self.ipc.word(index)
    }

    /// The state word.
    #[must_use]
    pub fn state(&self) -> u64 {
        self.word(exit_message::STATE)
    }

    fn of(ipc: &Ipc, received: Received) -> Result<Self, Error> {
        if let Some(error) = received.error() {
            return Err(error);
        }
        let [reason, detail, detail_2, rip] = received.message;
        Ok(Self {
            reason,
            detail,
            detail_2,
            rip,
            badge: received.badge,
            ipc: *ipc,
        })
    }
}

impl Tester {
    /// Maps a frame into a nested space and makes the tables that are missing.
    ///
    /// # Errors
    ///
    /// What the kernel says.
    pub fn map_nested(
        &mut self,
        frame: u64,
        root: u64,
        address: u64,
        rights: CapRights,
    ) -> Result<(), Error> {
        for _ in 0..3 {
            match invoke::nested_page_map(&self.ipc, frame, root, address, rights, 0) {
                Err(Error::FailedLookup) => {
                    let table = self.make(NestedTable, 0)?;
                    invoke::nested_table_map(&self.ipc, table, root, address)?;
                }
                other => return other,
            }
        }
        invoke::nested_page_map(&self.ipc, frame, root, address, rights, 0)
    }
}

impl Guest {
    /// A guest in real mode with one page of memory and `code` at address 0.
    ///
    /// # Errors
    ///
    /// What the kernel says, or that it knows no guests.
    pub fn real_mode(t: &mut Tester, code: &[u8]) -> Result<Self, Failure> {
        Self::real_mode_at(t, code, WINDOW)
    }

    /// The same with another window.
    ///
    /// # Errors
    ///
    /// What the kernel says, or that it knows no guests.
    pub fn real_mode_at(t: &mut Tester, code: &[u8], window: u64) -> Result<Self, Failure> {
        let guest = Self::with_memory(t, Page, window)?;
        guest.put(0, code);
        // Flat code from address 0 on.
        let code_segment = 0x9b << 16 | 0xffff << 32;
        guest.set(
            t,
            &[
                (register::CS, code_segment),
                (register::CS_BASE, 0),
                (register::RIP, 0),
            ],
        )?;
        Ok(guest)
    }

    /// A guest in 64-bit mode with 2 MiB of memory and `code` at [`long_mode::CODE`]; see there.
    ///
    /// # Errors
    ///
    /// What the kernel says, or that it knows no guests.
    pub fn long_mode(t: &mut Tester, code: &[u8]) -> Result<Self, Failure> {
        Self::long_mode_at(t, code, WINDOW)
    }

    /// The same with another window.
    ///
    /// # Errors
    ///
    /// What the kernel says, or that it knows no guests.
    pub fn long_mode_at(t: &mut Tester, code: &[u8], window: u64) -> Result<Self, Failure> {
        let guest = Self::with_memory(t, LargePage, window)?;
        long_mode::prepare(&guest);
        guest.put(long_mode::CODE, code);
        guest.set(t, &long_mode::REGISTERS)?;
        Ok(guest)
    }

    fn with_memory(t: &mut Tester, frame: ObjectType, window: u64) -> Result<Self, Failure> {
        t.only_on_sekisho()?;
        let (vcpu, root, frame) = (t.make(VCpu, 0)?, t.make(NestedRoot, 0)?, t.make(frame, 0)?);
        invoke::asid_pool_assign(&t.ipc, slot::ASID_POOL, root)?;
        invoke::vcpu_set_space(&t.ipc, vcpu, root)?;
        t.map(frame, window, RW)?;
        let for_guest = t.copy(frame, CapRights::ALL)?;
        t.map_nested(for_guest, root, 0, RW)?;
        Ok(Self {
            vcpu,
            root,
            frame,
            window,
        })
    }

    /// Puts bytes into the guest's memory.
    pub fn put(&self, at: u64, bytes: &[u8]) {
        for (index, &byte) in (at..).zip(bytes) {
            let (word, shift) = (self.window + (index & !7), index % 8 * 8);
            let others = memory::load(word) & !(0xff << shift);
            memory::store(word, others | u64::from(byte) << shift);
        }
    }

    /// A word of the guest's memory.
    #[must_use]
    pub fn word(&self, at: u64) -> u64 {
        memory::load(self.window + at)
    }

    /// Sets a word of the guest's memory.
    pub fn set_word(&self, at: u64, value: u64) {
        memory::store(self.window + at, value);
    }

    /// A real-mode vector: the handler's address in segment 0.
    pub fn set_vector(&self, vector: u64, handler: u16) {
        let [low, high] = handler.to_le_bytes();
        self.put(vector * 4, &[low, high, 0, 0]);
    }

    /// Sets registers by their numbers.
    ///
    /// # Errors
    ///
    /// What the kernel says.
    pub fn set(&self, t: &Tester, registers: &[(u64, u64)]) -> Result<(), Error> {
        let mut pairs = [0; 100];
        let flat = registers.iter().flat_map(|(id, value)| [*id, *value]);
        for (place, word) in pairs.iter_mut().zip(flat) {
            *place = word;
        }
        invoke::vcpu_write_registers(&t.ipc, self.vcpu, &pairs[..2 * registers.len()])
    }

    /// A register by its number.
    ///
    /// # Errors
    ///
    /// What the kernel says.
    pub fn get(&self, t: &Tester, register: u64) -> Result<u64, Error> {
        invoke::vcpu_read_register(&t.ipc, self.vcpu, register)
    }

    /// Lets the guest go on.
    ///
    /// # Errors
    ///
    /// What the kernel says.
    pub fn run(&self, t: &Tester) -> Result<Exit, Error> {
        self.request(&t.ipc, 0, [0; 4])
    }

    /// Goes on behind the instruction of `bytes` bytes at which the guest exited.
    ///
    /// # Errors
    ///
    /// What the kernel says.
    pub fn skip(&self, t: &Tester, exit: &Exit, bytes: u64) -> Result<Exit, Error> {
        let flags = run_request::flag::RIP;
        self.request(&t.ipc, WORDS_SHORT, [flags, exit.rip + bytes, 0, 0])
    }

    /// Injects an event and goes on.
    ///
    /// # Errors
    ///
    /// What the kernel says.
    pub fn inject(&self, t: &Tester, event: u64) -> Result<Exit, Error> {
        let flags = run_request::flag::EVENT;
        self.request(&t.ipc, WORDS_SHORT, [flags, 0, 0, event])
    }

    /// Goes on behind the instruction of `bytes` bytes with these general registers.
    ///
    /// # Errors
    ///
    /// What the kernel says.
    pub fn answer(
        &self,
        t: &Tester,
        exit: &Exit,
        bytes: u64,
        general: &[u64; GENERAL_REGISTERS],
    ) -> Result<Exit, Error> {
        for (index, value) in (run_request::GENERAL..).zip(general) {
            t.ipc.set_word(index, *value);
        }
        let flags = run_request::flag::RIP;
        self.request(&t.ipc, WORDS_LONG, [flags, exit.rip + bytes, 0, 0])
    }

    /// A request of `length` words, of which the first four are `words`.
    ///
    /// # Errors
    ///
    /// What the kernel says.
    pub fn request(&self, ipc: &Ipc, length: u64, words: [u64; 4]) -> Result<Exit, Error> {
        let info = MessageInfo::new(label::VCPU_RUN, 0, length);
        Exit::of(ipc, ipc.call(self.vcpu, info, words))
    }
}

/// A guest in 64-bit mode as it comes out of a boot loader: flat segments, an identity mapping of
/// the first gibibyte in pages of 2 MiB (of which only the first is memory), an interrupt table
/// whose handlers tell the monitor by VMMCALL and then return.
pub mod long_mode {
    use super::{Guest, register};

    const PML4: u64 = 0x1000;
    const PDPT: u64 = 0x2000;
    const DIRECTORY: u64 = 0x3000;
    const GDT: u64 = 0x4000;
    const IDT: u64 = 0x5000;
    const HANDLERS: u64 = 0x7000;
    /// The stack grows down from here.
    pub const STACK: u64 = 0x1_0000;
    /// The program.
    pub const CODE: u64 = 0x1_0000;
    /// Free for tests: up to 2 MiB.
    pub const DATA: u64 = 0x2_0000;
    /// Mapped in the guest's own tables, but no memory.
    pub const NO_MEMORY: u64 = 0x20_0000;

    const CODE_SELECTOR: u64 = 8;
    /// Present, code, execute and read, accessed, 64-bit.
    const CODE_SEGMENT: u64 = CODE_SELECTOR | 0xa9b << 16 | 0xffff_ffff << 32;
    /// Present, data, writable, accessed, 32-bit, 4 KiB units.
    const DATA_SEGMENT: u64 = 16 | 0xc93 << 16 | 0xffff_ffff << 32;
    /// Present, busy 64-bit task state.
    const TASK_SEGMENT: u64 = 24 | 0x08b << 16 | 0x67 << 32;

    /// The registers at the start.
    pub const REGISTERS: [(u64, u64); 19] = [
        (register::CR0, 0x8000_0033),
        (register::CR3, PML4),
        (register::CR4, 0x0000_0620),
        (register::EFER, 0x0000_0d01),
        (register::CS, CODE_SEGMENT),
        (register::CS_BASE, 0),
        (register::SS, DATA_SEGMENT),
        (register::DS, DATA_SEGMENT),
        (register::ES, DATA_SEGMENT),
        (register::FS, DATA_SEGMENT),
        (register::GS, DATA_SEGMENT),
        (register::TR, TASK_SEGMENT),
        (register::GDTR_BASE, GDT),
        (register::GDTR_LIMIT, 31),
        (register::IDTR_BASE, IDT),
        (register::IDTR_LIMIT, 0xfff),
        (register::RFLAGS, 2),
        (register::RIP, CODE),
        (register::GENERAL + 4, STACK),
    ];

    /// Whether an exception pushes an error code.
    const fn has_error_code(vector: u64) -> bool {
        matches!(vector, 8 | 10..=14 | 17 | 21 | 29 | 30)
    }

    /// Where the handler of a vector says VMMCALL.
    #[must_use]
    pub const fn handler(vector: u64) -> u64 {
        HANDLERS + 16 * vector
    }

    /// Tables and handlers.
    pub(super) fn prepare(guest: &Guest) {
        const PRESENT_WRITABLE: u64 = 3;
        const LARGE: u64 = 0x80;
        guest.set_word(PML4, PDPT | PRESENT_WRITABLE);
        guest.set_word(PDPT, DIRECTORY | PRESENT_WRITABLE);
        for index in 0..512 {
            let entry = index << 21 | LARGE | PRESENT_WRITABLE;
            guest.set_word(DIRECTORY + 8 * index, entry);
        }
        guest.set_word(GDT + 8, 0x00af_9b00_0000_ffff);
        guest.set_word(GDT + 16, 0x00cf_9300_0000_ffff);
        for vector in 0..256 {
            let handler = handler(vector);
            // vmmcall; [add rsp, 8;] iretq
            guest.put(handler, &[0x0f, 0x01, 0xd9]);
            if has_error_code(vector) {
                guest.put(handler + 3, &[0x48, 0x83, 0xc4, 0x08, 0x48, 0xcf]);
            } else {
                guest.put(handler + 3, &[0x48, 0xcf]);
            }
            // An interrupt gate: offset, selector, present.
            let gate = handler & 0xffff | CODE_SELECTOR << 16 | 0x8e00 << 32;
            guest.set_word(IDT + 16 * vector, gate);
        }
    }
}
