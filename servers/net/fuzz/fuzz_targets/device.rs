//! A device whose registers and rings say anything: frames that are taken in lie in its buffers, and what is out
//! comes back once.
#![no_main]

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeSet, VecDeque},
    rc::Rc,
};

use dma::DmaRegion;
use libfuzzer_sys::fuzz_target;
use net_core::Driver;
use net_core::driver::{BUFFERS_SIZE, RINGS_SIZE};
use net_core::transmitter::{Piece, SLOTS, Token};
use shared_memory::RegionWriter;
use virtio::{QueueAddresses, Transport, status};

const RINGS: u64 = 0x10_0000;
const BUFFERS: u64 = 0x20_0000;

/// What the registers answer: from the input at first, then what an honest device says.
#[derive(Clone)]
struct Registers {
    answers: Rc<RefCell<VecDeque<u64>>>,
    status: Rc<Cell<u8>>,
    used: Rc<Cell<[u64; 2]>>,
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
        self.answer(1 << 32 | 1 << 16 | 1 << 5)
    }

    fn accept_features(&mut self, _: u64) {}

    fn set_configuration_interrupt(&mut self, _: Option<u16>) -> bool {
        self.answer(1) & 1 != 0
    }

    fn queue_size_limit(&mut self, _: u16) -> u16 {
        self.answer(256) as u16
    }

    fn enable_queue(&mut self, queue: u16, _: u16, addresses: &QueueAddresses, _: u16) -> bool {
        let mut used = self.used.get();
        used[usize::from(queue)] = addresses.used - RINGS;
        self.used.set(used);
        self.answer(1) & 1 != 0
    }

    fn notify(&self, _: u16) {}

    fn configuration_u8(&self, offset: usize) -> u8 {
        self.answer(offset as u64) as u8
    }

    fn configuration_u16(&self, _: usize) -> u16 {
        self.answer(1) as u16
    }

    fn configuration_u32(&self, _: usize) -> u32 {
        self.answer(0) as u32
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
    let (rings, buffers) = memory();
    let region = |memory| DmaRegion::new(memory).expect("it has an address");
    let Ok(mut driver) = Driver::start(registers.clone(), region(rings), region(buffers)) else {
        assert!(registers.status.get() & status::FAILED != 0);
        return;
    };
    assert!((1280..=1500).contains(&driver.mtu()));
    let used = registers.used.get().map(|place| usize::try_from(place).expect("small"));
    let mut out = BTreeSet::new();
    let mut next = 0;
    for (kind, place, number) in steps {
        let offset = usize::from(place) % RINGS_SIZE;
        let queue = usize::from(kind / 8 % 2);
        match kind % 8 {
            0 => {
                let piece = Piece {
                    address: number,
                    length: u32::from(place),
                };
                let head = &[7; 200][..usize::from(place % 200)];
                if driver.send(head, None, piece, Token(next)).is_ok() {
                    out.insert(next);
                    next += 1;
                }
                assert!(out.len() <= SLOTS);
            }
            1 => drop(driver.send_copy(&[&[1; 2000][..usize::from(place % 2000)]])),
            2 => drop(rings.write_u64_at(offset, number)),
            3 => drop(rings.write_u16_at(used[queue] + 2, (number % 300) as u16)),
            4 => drop(rings.write_u64_at(used[queue] + 4 + offset % 256 * 8, number)),
            5 => {
                while let Ok(Some(Token(token))) = driver.take_sent() {
                    assert!(out.remove(&token), "what is out comes back once");
                }
            }
            6 => {
                // As many as there are buffers, lest a device that reports without end be heard without end.
                for _ in 0..256 {
                    let Ok(Some(received)) = driver.receive() else {
                        break;
                    };
                    let frame = driver.frame(&received);
                    assert_eq!(frame.len(), received.length);
                    assert!(frame.is_empty() || frame.read_u8_at(frame.len() - 1).is_ok());
                    driver.recycle(received);
                }
            }
            _ => driver.notify(),
        }
    }
});

/// Memory for the rings, zeroed, and for frames; memory that simulations leak is used again.
fn memory() -> (RegionWriter, RegionWriter) {
    thread_local!(static MEMORY: (RegionWriter, RegionWriter) = (
        RegionWriter::simulated(RINGS_SIZE, Some(RINGS)),
        RegionWriter::simulated(BUFFERS_SIZE, Some(BUFFERS)),
    ));
    let (rings, buffers) = MEMORY.with(|memory| *memory);
    rings.fill_at(0, RINGS_SIZE, 0).expect("all of it");
    (rings, buffers)
}
