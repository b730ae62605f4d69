//! What the attacker does: everything that the interface of virtual CPUs offers, at random.

use kernel_calls::{Ipc, invoke, set_tls_base};
use sel4_sys::extension::{exit_message, label, reason, register, run_request};
use sel4_sys::{CapRights, Error, MessageInfo, syscall};
use test_support::cpu;
use test_support::floating_point::{VectorPattern, keep_sse};
use test_support::guest::{WINDOW, long_mode};
use test_support::memory;
use test_support::random::Random;
use test_support::threads::set_note;

use crate::values;
use crate::world::{self, FRAMES, Kind, ROOTS, TABLES, VCPUS, count, held};

/// Notes: calls, runs that came back, and what was wrong first.
pub(crate) const CALLS: usize = 0;
pub(crate) const RUNS: usize = 1;
pub(crate) const WRONG: usize = 2;

/// What can be wrong.
pub(crate) mod wrong {
    pub(crate) const TAKEN: u64 = 1;
    pub(crate) const REASON: u64 = 2;
    pub(crate) const SECRET: u64 = 3;
    pub(crate) const HOST: u64 = 4;
    pub(crate) const EVENT: u64 = 5;
}

/// The upper bits of the words of the canary's frame, which no guest may ever see.
const SECRET: u64 = 0xca9a_2135_0f00_d000;

/// Attacks until it is stopped.
pub(crate) fn attack(ipc: Ipc, seed: u64) {
    let mut attacker = Attacker {
        ipc,
        random: Random::new(seed),
        last: cpu::ticks(),
        has_avx: cpu::has_avx(),
        pattern: VectorPattern::new(seed),
    };
    set_tls_base(world::READ_ONLY);
    loop {
        attacker.step();
        count(CALLS);
    }
}

struct Attacker {
    ipc: Ipc,
    random: Random,
    /// The time stamp counter at the last look.
    last: u64,
    has_avx: bool,
    pattern: VectorPattern,
}

impl Attacker {
    fn one(&mut self, kind: Kind, number: u64) -> u64 {
        held(kind, self.random.below(number))
    }

    fn step(&mut self) {
        match self.random.below(64) {
            0..16 => self.write(),
            16..20 => self.read(),
            20..32 => self.map(),
            32..36 => {
                let frame = self.one(Kind::Frame, FRAMES);
                let _ = invoke::page_unmap(&self.ipc, frame);
            }
            36 => {
                let (vcpu, root) = (self.one(Kind::VCpu, VCPUS), self.one(Kind::Root, ROOTS));
                let _ = invoke::vcpu_set_space(&self.ipc, vcpu, root);
            }
            37 => world::make_again(self.ipc, self.random.below(2 + TABLES)),
            38..41 => self.put_code(),
            41..44 => self.refresh(),
            44..48 => self.go_on(),
            _ => self.run(),
        }
    }

    fn is_wrong(&self, what: u64) {
        set_note(WRONG, what);
    }

    fn write(&mut self) {
        let vcpu = self.one(Kind::VCpu, VCPUS);
        let mut pairs = [0; 6];
        let mut is_refused = false;
        for pair in pairs.chunks_exact_mut(2) {
            let id = values::register(&mut self.random);
            let value = values::value(&mut self.random, id);
            is_refused |= values::is_refused(id, value);
            pair.copy_from_slice(&[id, value]);
        }
        let taken = invoke::vcpu_write_registers(&self.ipc, vcpu, &pairs);
        if is_refused && taken != Err(Error::InvalidArgument) || !is_refused && taken.is_err() {
            self.is_wrong(wrong::TAKEN);
        }
    }

    fn read(&mut self) {
        let vcpu = self.one(Kind::VCpu, VCPUS);
        let id = self.random.below(register::COUNT + 4);
        if invoke::vcpu_read_register(&self.ipc, vcpu, id).is_ok() != (id < register::COUNT) {
            self.is_wrong(wrong::TAKEN);
        }
    }

    fn map(&mut self) {
        let random = &mut self.random;
        let large = [
            0,
            1 << 21,
            1 << 30,
            1 << 39,
            1 << 46,
            1 << 47,
            u64::MAX << 12,
        ];
        let address = random.one_of(&large) + (random.below(8) << 12) + random.below(64) / 63;
        let rights = CapRights(random.below(16));
        let root = held(Kind::Root, random.below(ROOTS));
        match random.below(4) {
            0 => {
                let table = held(Kind::Table, random.below(TABLES));
                let _ = invoke::nested_table_map(&self.ipc, table, root, address);
            }
            1 if random.below(4) == 0 => {
                let table = held(Kind::Table, random.below(TABLES));
                let info = MessageInfo::new(label::NESTED_TABLE_UNMAP, 0, 0);
                let _ = self.ipc.call(table, info, [0; 4]);
            }
            _ => {
                let frame = held(Kind::Frame, random.below(FRAMES));
                let attributes = random.below(3);
                let _ =
                    invoke::nested_page_map(&self.ipc, frame, root, address, rights, attributes);
            }
        }
    }

    /// Noise, half of it out of instructions that reach for something.
    fn put_code(&mut self) {
        for word in 0..8 {
            let reaching = [
                // vmmcall; out dx, al; cpuid. wrmsr; rdmsr; hlt; nop; nop. mov [rdi], rax; mov rax, [rsi].
                0xf4a2_0fee_d901_0f90,
                0x9090_f432_0f30_0f90,
                0x9006_8b48_9007_8948,
                // mov cr0, rax; mov cr3, rax. mov cr4, rax; lgdt [rdi]. xsetbv; invlpg [rsi]. sti; int 0x40; cli; iretq.
                0x9090_d822_0fc0_220f,
                0x9017_010f_e022_0f90,
                0x903e_010f_d101_0f90,
                0x90cf_48fa_40cd_fb90,
            ];
            let value = match self.random.below(2) {
                0 => self.random.any(),
                _ => self.random.one_of(&reaching),
            };
            memory::store(WINDOW + long_mode::CODE + 8 * word, value);
        }
    }

    /// The guest can run again.
    fn refresh(&mut self) {
        let mut pairs = [0; 2 * long_mode::REGISTERS.len()];
        for (pair, (id, value)) in pairs.chunks_exact_mut(2).zip(long_mode::REGISTERS) {
            pair.copy_from_slice(&[id, value]);
        }
        let vcpu = self.one(Kind::VCpu, VCPUS);
        if invoke::vcpu_write_registers(&self.ipc, vcpu, &pairs).is_err() {
            self.is_wrong(wrong::TAKEN);
        }
        let _ = invoke::vcpu_set_space(&self.ipc, vcpu, held(Kind::Root, 0));
    }

    fn run(&mut self) {
        use run_request::{GENERAL, WORDS_LONG, WORDS_MEDIUM, WORDS_SHORT, flag};
        let random = &mut self.random;
        let vcpu = held(Kind::VCpu, random.below(VCPUS));
        let length = match random.below(16) {
            0 => random.below(24),
            _ => random.one_of(&[0, WORDS_SHORT, WORDS_MEDIUM, WORDS_LONG]),
        };
        let flags = match random.below(16) {
            0 => random.nasty(),
            _ => random.below(flag::ALL + 1),
        };
        let rip = match random.below(4) {
            0 => random.nasty(),
            _ => long_mode::CODE + random.below(64),
        };
        let event = values::event(random);
        for index in GENERAL..GENERAL + 16 {
            let value = random.nasty();
            self.ipc.set_word(index, value);
        }
        let words = [flags, rip, self.random.any(), event];
        let info = MessageInfo::new(label::VCPU_RUN, 0, length);
        let got = self.ipc.call(vcpu, info, words);
        let is_event_given = length >= WORDS_SHORT && flags & flag::EVENT != 0;
        if got.info.label() == 0 {
            count(RUNS);
            if is_event_given && values::is_no_event(event) {
                self.is_wrong(wrong::EVENT);
            }
            self.look_at_exit(got.message);
        }
        self.look_at_host();
    }

    /// Runs without a word, and with a pattern in the vector registers.
    fn go_on(&mut self) {
        let target = (
            self.one(Kind::VCpu, VCPUS),
            MessageInfo::new(label::VCPU_RUN, 0, 0).0,
        );
        if keep_sse(&self.pattern, syscall::CALL, target) != 0 {
            self.is_wrong(wrong::HOST);
        }
        self.look_at_host();
    }

    fn look_at_exit(&self, [why, detail, detail_2, rip]: [u64; 4]) {
        if why > reason::OTHER {
            self.is_wrong(wrong::REASON);
        }
        let words = exit_message::GENERAL..usize::try_from(exit_message::WORDS).unwrap_or(0);
        let said = words.map(|index| self.ipc.word(index));
        let is_secret = |word: u64| word & !0xfff == SECRET & !0xfff;
        if said.chain([detail, detail_2, rip]).any(is_secret) {
            self.is_wrong(wrong::SECRET);
        }
    }

    /// What of the processor this thread can see is its own.
    fn look_at_host(&mut self) {
        let now = cpu::ticks();
        // A guest's offset would show: the thread runs for some seconds.
        let is_time = now >= self.last && now - self.last < 1 << 40;
        self.last = now;
        let is_own = cpu::fs_word() == world::READ_ONLY_PATTERN && cpu::has_avx() == self.has_avx;
        if !is_time || !is_own {
            self.is_wrong(wrong::HOST);
        }
    }
}
