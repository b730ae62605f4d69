//! Whole exits against a CPU that plays a script.

use alloc::{collections::VecDeque, vec, vec::Vec};

use proptest::prelude::*;
use sel4_sys::extension::{event, exit_message::state, reason, register, run_request::flag};

use crate::{
    ending::{Ending, ResetBy},
    guest_memory::{GuestAddress, GuestMemory},
    host::Host,
    machine::{
        Machine, MachineParameters,
        test_host::{TestHost, TestMemory},
    },
    vcpu::{
        Exit, GeneralRegisters, Refused, Request, VirtualCpu,
        general::{RAX, RBX, RCX, RDX},
    },
};

/// A CPU that leaves the guest for the reasons of a script, and then by a triple fault.
#[derive(Default)]
pub(crate) struct ScriptedCpu {
    script: VecDeque<Exit>,
    requests: Vec<(Request, u64, [u64; 16])>,
    /// General registers as the guest left them.
    left: [u64; 16],
    written: Vec<u64>,
}

impl ScriptedCpu {
    fn new(script: impl IntoIterator<Item = Exit>) -> Self {
        Self {
            script: script.into_iter().collect(),
            ..Self::default()
        }
    }
}

impl VirtualCpu for ScriptedCpu {
    fn run(&mut self, request: &Request, exit: &mut Exit) -> Result<(), Refused> {
        let written = match request.general_changed {
            GeneralRegisters::Unchanged => 0,
            GeneralRegisters::FirstChanged => 4,
            GeneralRegisters::Changed => 16,
        };
        let kept = exit.general.iter().zip(&self.left).skip(written);
        assert!(
            kept.into_iter().all(|(now, left)| now == left),
            "a register was changed and is not written"
        );
        self.requests.push((*request, exit.rip, exit.general));
        *exit = self.script.pop_front().unwrap_or(Exit {
            reason: reason::SHUTDOWN,
            ..Exit::default()
        });
        self.left = exit.general;
        Ok(())
    }

    fn read_register(&mut self, register: u64) -> Result<u64, Refused> {
        if register < register::COUNT {
            Ok(0)
        } else {
            Err(Refused(4))
        }
    }

    fn write_registers(&mut self, pairs: &[u64]) -> Result<(), Refused> {
        self.written.extend(pairs);
        Ok(())
    }
}

fn machine() -> Machine<TestHost> {
    Machine::new(
        TestHost::new(),
        &MachineParameters {
            tsc_khz: 1_000_000,
            unix_ns: 1_795_310_000_000_000_000,
            entropy_seed: [1; 32],
        },
    )
}

fn exit(reason: u64, detail: u64) -> Exit {
    Exit {
        reason,
        detail,
        rip: 0x1000,
        state: state::CODE_64,
        rflags: 1 << 9,
        ..Exit::default()
    }
}

fn port(port: u64, size: u64, value: u64) -> Exit {
    let mut exit = exit(reason::IO_PORT, port | (size << 19) | (4 << 22));
    exit.general[RAX] = value;
    exit.next_rip = 0x1001;
    exit
}

fn msr_write(msr: u64, value: u64) -> Exit {
    Exit {
        detail_2: value,
        ..exit(reason::MSR_WRITE, msr)
    }
}

/// Runs a script; answers the end and what the monitor asked before the exit that follows it.
fn play(script: &[Exit]) -> (Ending, Vec<(Request, u64, [u64; 16])>) {
    let mut cpu = ScriptedCpu::new(script.iter().copied());
    let ending = machine().run(&mut cpu);
    (ending, cpu.requests)
}

#[test]
fn cpuid_answers_from_the_table_and_moves_on() {
    let mut cpuid = exit(reason::CPUID, 0);
    cpuid.general[RAX] = 0x4000_0000;
    let (_, requests) = play(&[cpuid]);
    let (request, rip, general) = requests[1];
    assert_eq!(request.length(), 8);
    assert_eq!(rip, 0x1002);
    assert_eq!(general[RBX], 0x4b4d_564b);
    assert_eq!(general[RCX], 0x564b_4d56);
    assert_eq!(general[RDX], 0x4d);
}

#[test]
fn unknown_registers_raise_a_general_protection_fault_where_they_stand() {
    for script in [exit(reason::MSR_READ, 0x1234), msr_write(0x1234, 1)] {
        let (_, requests) = play(&[script]);
        let (request, rip, _) = requests[1];
        assert_eq!(request.flags, flag::EVENT);
        assert_eq!(request.event, event::exception_with_code(13, 0));
        assert_eq!(rip, 0x1000);
    }
}

#[test]
fn reports_of_unknown_registers_end() {
    let script: Vec<_> = (0..100).map(|_| exit(reason::MSR_READ, 0x1234)).collect();
    let mut machine = machine();
    let _ = machine.run(&mut ScriptedCpu::new(script));
    assert_eq!(machine.host().log.len(), 33);
}

#[test]
fn a_deadline_wakes_a_halted_guest_with_its_vector() {
    let script = [
        msr_write(0x80f, 0x1ff),
        msr_write(0x832, 0x400ec),
        msr_write(0x6e0, 5_000_000),
        exit(reason::HALT, 0),
    ];
    let (_, requests) = play(&script);
    let (request, rip, _) = requests[4];
    assert_eq!(request.event, event::interrupt(0xec));
    assert_eq!(request.flags & flag::EVENT, flag::EVENT);
    assert_eq!(rip, 0x1001);
}

#[test]
fn an_interrupt_is_offered_once_until_it_is_taken() {
    let pending = |reason| Exit {
        state: state::CODE_64 | state::INTERRUPT_PENDING,
        ..exit(reason, 0)
    };
    let script = [
        msr_write(0x80f, 0x1ff),
        msr_write(0x83f, 0x51),
        pending(reason::CPUID),
        exit(reason::CPUID, 0),
        msr_write(0x83f, 0x41),
        msr_write(0x80b, 0),
    ];
    let (_, requests) = play(&script);
    assert_eq!(requests[2].0.event, event::interrupt(0x51));
    assert_eq!(requests[3].0.flags & flag::EVENT, 0, "it waits already");
    assert_eq!(requests[4].0.flags & flag::EVENT, 0, "it is in service");
    assert_eq!(requests[5].0.flags & flag::EVENT, 0, "0x41 is below it");
    assert_eq!(requests[6].0.event, event::interrupt(0x41), "after its end");
}

/// Where [`SilentCpu`] has its word.
const SILENT_WORD: u64 = 0x2000;

/// What the guest of a [`SilentCpu`] does with its word.
#[derive(PartialEq, Eq)]
enum Word {
    Cleared,
    Kept,
}

/// A CPU whose guest may end interrupts by clearing a word.
struct SilentCpu {
    word: Word,
    scripted: ScriptedCpu,
    memory: alloc::rc::Rc<TestMemory>,
    /// What the word held at each entry.
    words: Vec<u64>,
}

impl VirtualCpu for SilentCpu {
    fn run(&mut self, request: &Request, exit: &mut Exit) -> Result<(), Refused> {
        let place = GuestAddress(SILENT_WORD);
        self.words.push(self.memory.read_u64(place).expect("RAM"));
        if self.word == Word::Cleared {
            self.memory.write(place, &[0]).expect("RAM");
        }
        self.scripted.run(request, exit)
    }

    fn read_register(&mut self, register: u64) -> Result<u64, Refused> {
        self.scripted.read_register(register)
    }

    fn write_registers(&mut self, pairs: &[u64]) -> Result<(), Refused> {
        self.scripted.write_registers(pairs)
    }
}

fn play_silently(word: Word, script: &[Exit]) -> (Vec<u64>, Vec<u64>) {
    let mut machine = machine();
    let mut cpu = SilentCpu {
        word,
        scripted: ScriptedCpu::new(script.iter().copied()),
        memory: machine.host().shared_memory(),
        words: Vec::new(),
    };
    let _ = machine.run(&mut cpu);
    let requests = cpu.scripted.requests.iter();
    (cpu.words, requests.map(|request| request.0.event).collect())
}

#[test]
fn a_lone_interrupt_ends_without_an_exit() {
    let script = [
        msr_write(0x80f, 0x1ff),
        msr_write(0x4b56_4d04, SILENT_WORD | 1),
        msr_write(0x83f, 0x51),
        exit(reason::CPUID, 0),
        msr_write(0x83f, 0x41),
        exit(reason::CPUID, 0),
    ];
    let (words, events) = play_silently(Word::Cleared, &script);
    assert_eq!(events[3], event::interrupt(0x51));
    assert_eq!(events[5], event::interrupt(0x41), "the first has ended");
    assert_eq!(words, [0, 0, 0, 1, 0, 1, 0]);
}

#[test]
fn an_interrupt_that_another_waits_for_ends_with_an_exit() {
    let waits = Exit {
        state: state::CODE_64 | state::INTERRUPT_PENDING,
        ..msr_write(0x83f, 0x41)
    };
    let script = [
        msr_write(0x80f, 0x1ff),
        msr_write(0x4b56_4d04, SILENT_WORD | 1),
        msr_write(0x83f, 0x51),
        waits,
        exit(reason::CPUID, 0),
        msr_write(0x80b, 0),
    ];
    let (words, events) = play_silently(Word::Kept, &script);
    assert_eq!(events[6], event::interrupt(0x41));
    // Offered for the first, withdrawn for the second, offered again now that it is alone.
    assert_eq!(words, [0, 0, 0, 1, 0, 0, 1]);
}

#[test]
fn a_wild_place_for_silent_ends_is_refused() {
    for wild in [3, u64::MAX, 0x7fff_ffff_ffff_f001] {
        let (_, requests) = play(&[msr_write(0x4b56_4d04, wild)]);
        assert_eq!(
            requests[1].0.event,
            event::exception_with_code(13, 0),
            "{wild:#x}"
        );
    }
}

#[test]
fn an_interrupted_delivery_is_repeated() {
    let taken = Exit {
        interrupted_event: event::interrupt(0x51),
        ..exit(reason::CPUID, 0)
    };
    let script = [msr_write(0x80f, 0x1ff), msr_write(0x83f, 0x51), taken];
    let (_, requests) = play(&script);
    assert_eq!(requests[3].0.event, event::interrupt(0x51));
}

#[test]
fn halting_with_interrupts_off_is_the_end() {
    let halt = Exit {
        rflags: 0,
        ..exit(reason::HALT, 0)
    };
    assert_eq!(play(&[halt]).0, Ending::Halted);
}

#[test]
fn each_way_to_end_is_told_apart() {
    for (script, expected) in [
        (port(0x604, 2, (5 << 10) | (1 << 13)), Ending::PowerOff),
        (port(0xcf9, 1, 6), Ending::Reset(ResetBy::ResetRegister)),
        (
            port(0x64, 1, 0xfe),
            Ending::Reset(ResetBy::KeyboardController),
        ),
        (port(0x92, 1, 1), Ending::Reset(ResetBy::SystemControlPort)),
        (
            exit(reason::SHUTDOWN, 0),
            Ending::TripleFault { rip: 0x1000 },
        ),
    ] {
        assert_eq!(play(&[script]).0, expected);
    }
    assert!(matches!(play(&[exit(99, 0)]).0, Ending::Stopped(_)));
}

#[test]
fn a_line_reaches_the_console_as_one_piece() {
    let script: Vec<_> = b"hi\n"
        .iter()
        .map(|byte| port(0x3f8, 1, u64::from(*byte)))
        .collect();
    let mut machine = machine();
    let _ = machine.run(&mut ScriptedCpu::new(script));
    assert_eq!(machine.host().console_output(), b"hi\n");
}

#[test]
fn nobody_answers_with_ones_and_narrow_reads_keep_the_rest() {
    let input = Exit {
        detail: 0x60 | (1 << 16) | (1 << 19) | (4 << 22),
        ..port(0x60, 1, 0x1234_5600)
    };
    let (_, requests) = play(&[input]);
    assert_eq!(requests[1].2[RAX], 0x1234_56ff);
}

#[test]
fn pci_enumeration_finds_the_bridge_and_every_device() {
    let mut machine = machine();
    let mut found = Vec::new();
    for device in 0..32u64 {
        let select = port(0xcf8, 4, 0x8000_0000 | (device << 11));
        let read = Exit {
            detail: 0xcfc | (1 << 16) | (4 << 19) | (4 << 22),
            ..port(0xcfc, 4, 0)
        };
        let mut cpu = ScriptedCpu::new([select, read]);
        let _ = machine.run(&mut cpu);
        match cpu.requests[2].2[RAX] {
            0xffff_ffff => {}
            identity => found.push((device, identity)),
        }
    }
    assert_eq!(
        found,
        vec![
            (0, 0x0008_1b36),
            (1, 0x1044_1af4),
            (2, 0x1042_1af4),
            (3, 0x1041_1af4)
        ]
    );
}

#[test]
fn a_debug_register_takes_the_register_that_the_instruction_names() {
    let mut machine = machine();
    let code = [0x0f, 0x23, 0xc6];
    let memory = machine.host().memory();
    let written = crate::GuestMemory::write(memory, crate::GuestAddress(0x1000), &code);
    assert_eq!(written, Ok(()));
    let mut write = exit(reason::DEBUG_REGISTER, 16);
    write.general[6] = 0xdead;
    let mut cpu = ScriptedCpu::new([write]);
    let _ = machine.run(&mut cpu);
    assert_eq!(cpu.written, vec![register::DR0, 0xdead]);
    assert_eq!(cpu.requests[1].1, 0x1003);
}

/// Any exit but HLT, which waits for as long as nothing happens.
fn any_exit() -> impl Strategy<Value = Exit> {
    let numbers = prop_oneof![
        any::<u64>(),
        0u64..0x1_0000,
        Just(0xcf8),
        0xc001_0000u64..0xc001_8000,
        0x800u64..0x900,
    ];
    let addresses = prop_oneof![
        any::<u64>(),
        0xc000_0000u64..0xc003_0000,
        0xfec0_0000u64..0xfec0_1000
    ];
    (
        (0u64..20).prop_filter("HLT", |reason| *reason != reason::HALT),
        numbers,
        addresses,
        any::<[u64; 16]>(),
        any::<[u64; 8]>(),
    )
        .prop_map(|(reason, detail, detail_2, general, words)| Exit {
            reason,
            detail,
            detail_2,
            general,
            rip: words[0] & 0x3f_ffff,
            next_rip: words[1] & 0x3f_ffff,
            rflags: words[2] | (1 << 9),
            state: words[3] & 0x3f,
            cr0: words[4],
            cr3: words[5] & 0x3f_f000,
            interrupted_event: words[6],
            cr8: words[7] & 0xf,
            efer: words[7],
            ..Exit::default()
        })
}

proptest! {
    #[test]
    fn no_sequence_of_exits_makes_the_monitor_panic(
        script in proptest::collection::vec(any_exit(), 1..60),
        memory in proptest::collection::vec(any::<u8>(), 0x2000),
    ) {
        let mut machine = machine();
        let ram = machine.host().memory();
        let written = crate::GuestMemory::write(ram, crate::GuestAddress(0), &memory);
        prop_assert_eq!(written, Ok(()));
        let _ = machine.run(&mut ScriptedCpu::new(script));
    }
}
