//! A device whose registers and rings say anything: every request ends once, and one that is in flight keeps its place.
#![no_main]

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeSet, VecDeque},
    rc::Rc,
};

use disk_core::{
    Driver, Token, Transfer,
    slots::{MEMORY_SIZE, SLOTS},
};
use dma::DmaRegion;
use libfuzzer_sys::fuzz_target;
use shared_memory::RegionWriter;
use virtio::{QueueAddresses, Transport, status};

const RINGS: u64 = 0x10_0000;

/// What the registers answer: from the input at first, then what an honest device says.
#[derive(Clone)]
struct Registers {
    answers: Rc<RefCell<VecDeque<u64>>>,
    status: Rc<Cell<u8>>,
    used: Rc<Cell<u64>>,
}

impl Registers {
    fn answer(&self, honest: u64) -> u64 {
        match self.answers.borrow_mut().pop_front() {
            None | Some(0) => honest,
            Some(answer) => answer,
        }
    }
}

impl Transport for Registers {
    fn status(&self) -> u8 {
        self.status.get()
    }

    fn set_status(&mut self, new: u8) {
        self.status.set(new);
    }

    fn offered_features(&mut self) -> u64 {
        self.answer(1 << 32 | 1 << 9)
    }

    fn accept_features(&mut self, _: u64) {}

    fn set_configuration_interrupt(&mut self, _: Option<u16>) -> bool {
        self.answer(1) & 1 != 0
    }

    fn queue_size_limit(&mut self, _: u16) -> u16 {
        self.answer(128) as u16
    }

    fn enable_queue(&mut self, _: u16, _: u16, addresses: &QueueAddresses, _: u16) -> bool {
        self.used.set(addresses.used - RINGS);
        self.answer(1) & 1 != 0
    }

    fn notify(&self, _: u16) {}

    fn configuration_u8(&self, _: usize) -> u8 {
        self.answer(0) as u8
    }

    fn configuration_u16(&self, _: usize) -> u16 {
        self.answer(0) as u16
    }

    fn configuration_u32(&self, offset: usize) -> u32 {
        self.answer(if offset == 0 { 1 << 20 } else { 0 }) as u32
    }

    fn configuration_generation(&self) -> u8 {
        self.answer(0) as u8
    }
}

/// What happens, where, and with which number.
type Step = (u8, u16, u64);

fuzz_target!(|input: (Vec<u64>, Vec<Step>)| {
    let (answers, steps) = input;
    let registers = Registers {
        answers: Rc::new(RefCell::new(answers.into())),
        status: Rc::default(),
        used: Rc::default(),
    };
    let memory = rings();
    let region = DmaRegion::new(memory).expect("it has an address");
    let Ok(mut driver) = Driver::start(registers.clone(), region) else {
        assert!(registers.status.get() & status::FAILED != 0);
        return;
    };
    let used = usize::try_from(registers.used.get()).expect("small");
    let mut in_flight = BTreeSet::new();
    let mut next = 0;
    for (kind, place, number) in steps {
        let offset = usize::from(place) % MEMORY_SIZE;
        match kind % 6 {
            0 | 1 => {
                let transfer = match number % 3 {
                    0 => Transfer::Flush,
                    1 => Transfer::Read {
                        first: number >> 8,
                        blocks: u32::from(place),
                        address: number,
                    },
                    _ => Transfer::Write {
                        first: number >> 8 & 0xff,
                        blocks: 1,
                        address: number,
                    },
                };
                if driver.submit(transfer, Token(next)).is_ok() {
                    in_flight.insert(next);
                    next += 1;
                }
                assert!(in_flight.len() <= SLOTS);
            }
            2 => drop(memory.write_u64_at(offset, number)),
            // The index of what was used, and its elements.
            3 => drop(memory.write_u16_at(used + 2, (number % 64) as u16)),
            4 => drop(memory.write_u64_at(used + 4 + offset % 128 * 8, number)),
            _ => {
                while let Some((Token(token), _)) = driver.take_finished() {
                    assert!(in_flight.remove(&token), "a request ends once");
                }
            }
        }
    }
    if driver.is_broken() {
        while let Some((Token(token), _)) = driver.take_finished() {
            assert!(in_flight.remove(&token), "a request ends once");
        }
        assert!(in_flight.is_empty(), "a broken device ends all requests");
    }
});

/// Memory for the rings, zeroed; memory that simulations leak is used again.
fn rings() -> RegionWriter {
    thread_local!(static MEMORY: RegionWriter = RegionWriter::simulated(MEMORY_SIZE, Some(RINGS)));
    let memory = MEMORY.with(|memory| *memory);
    memory.fill_at(0, MEMORY_SIZE, 0).expect("all of it");
    memory
}
