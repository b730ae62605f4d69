//! A network device: registers, queues, a wire with two ends.

use std::cell::RefCell;
use std::rc::Rc;

use net_core::driver::{BUFFERS_SIZE, RINGS_SIZE};
use shared_memory::RegionWriter;
use virtio::{QueueAddresses, Transport, status};

pub(crate) const MAC: [u8; 6] = [0x52, 0x54, 0, 0x12, 0x34, 0x56];
const RINGS: u64 = 0x10_0000;
const BUFFERS: u64 = 0x20_0000;
/// The header before each frame.
const HEADER: usize = 12;

pub(crate) const RECEIVE: usize = 0;
pub(crate) const TRANSMIT: usize = 1;

/// Features (virtio 1.2, section 5.1.3).
pub(crate) const CHECKSUM: u64 = 1 << 0;
pub(crate) const GUEST_CHECKSUM: u64 = 1 << 1;
pub(crate) const MTU: u64 = 1 << 3;
pub(crate) const MAC_FEATURE: u64 = 1 << 5;
pub(crate) const STATUS: u64 = 1 << 16;
pub(crate) const VERSION_1: u64 = 1 << 32;

pub(crate) struct Inside {
    pub(crate) status: u8,
    pub(crate) resets: usize,
    pub(crate) features: u64,
    pub(crate) accepted: u64,
    pub(crate) size_limit: u16,
    pub(crate) link: u16,
    pub(crate) mtu: u16,
    pub(crate) refuses_interrupt: bool,
    /// Whether it sends as soon as it is told.
    pub(crate) sends_at_once: bool,
    /// Flags of the header of what comes in.
    pub(crate) flags: u8,
    pub(crate) queues: [Option<(u16, QueueAddresses)>; 2],
    pub(crate) next_available: [u16; 2],
    pub(crate) next_used: [u16; 2],
    pub(crate) notified: [usize; 2],
    memory: Vec<(u64, RegionWriter)>,
    pub(crate) sent: Vec<Vec<u8>>,
}

#[derive(Clone)]
pub(crate) struct Device(pub(crate) Rc<RefCell<Inside>>);

impl Device {
    /// With memory of its own.
    pub(crate) fn new() -> Self {
        let rings = RegionWriter::simulated(RINGS_SIZE, Some(RINGS));
        let buffers = RegionWriter::simulated(BUFFERS_SIZE, Some(BUFFERS));
        Self::over(rings, buffers)
    }

    /// With memory that is there already; the regions' addresses are those of [`Device::new`].
    pub(crate) fn over(rings: RegionWriter, buffers: RegionWriter) -> Self {
        Self(Rc::new(RefCell::new(Inside {
            status: 0,
            resets: 0,
            features: VERSION_1 | MAC_FEATURE | STATUS,
            accepted: 0,
            size_limit: 256,
            link: 1,
            mtu: 1500,
            refuses_interrupt: false,
            sends_at_once: false,
            flags: 0,
            queues: [None; 2],
            next_available: [0; 2],
            next_used: [0; 2],
            notified: [0; 2],
            memory: vec![(RINGS, rings), (BUFFERS, buffers)],
            sent: Vec::new(),
        })))
    }

    pub(crate) fn add_memory(&self, at: u64, memory: RegionWriter) {
        self.0.borrow_mut().memory.push((at, memory));
    }

    /// Memory for queues, and for frames that come in.
    pub(crate) fn memory(&self) -> (RegionWriter, RegionWriter) {
        let inside = self.0.borrow();
        (inside.memory[0].1, inside.memory[1].1)
    }

    /// Sends everything that is available. Says whether there was anything.
    pub(crate) fn send(&self) -> bool {
        self.send_some(usize::MAX) > 0
    }

    /// Sends some of what is available. Says how many frames.
    pub(crate) fn send_some(&self, most: usize) -> usize {
        let mut inside = self.0.borrow_mut();
        let mut count = 0;
        while count < most
            && let Some(head) = inside.next_head(TRANSMIT)
        {
            let mut bytes = Vec::new();
            for (address, length, is_for_device) in inside.chain(TRANSMIT, head) {
                assert!(!is_for_device, "the device only reads what is sent");
                let (memory, place) = inside.find(address, length);
                let at = bytes.len();
                bytes.resize(at + length, 0);
                memory.read_at(place, &mut bytes[at..]).expect("found");
            }
            let frame = inside.finish(&bytes);
            inside.sent.push(frame);
            inside.report(TRANSMIT, head.into(), 0);
            count += 1;
        }
        count
    }

    pub(crate) fn take_sent(&self) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.0.borrow_mut().sent)
    }

    /// A frame comes in. Says whether there was a buffer for it.
    pub(crate) fn inject(&self, frame: &[u8]) -> bool {
        let mut inside = self.0.borrow_mut();
        let Some(head) = inside.next_head(RECEIVE) else {
            return false;
        };
        let chain = inside.chain(RECEIVE, head);
        let [(address, length, true)] = chain[..] else {
            panic!("one buffer, to be written");
        };
        let mut bytes = vec![0; HEADER];
        bytes[0] = inside.flags;
        bytes.extend(frame);
        bytes.truncate(length);
        let (memory, place) = inside.find(address, bytes.len());
        memory.write_at(place, &bytes).expect("found");
        let written = u32::try_from(bytes.len()).expect("short");
        inside.report(RECEIVE, head.into(), written);
        true
    }
}

impl Inside {
    /// Where memory lies that the driver told of; a driver that tells of other memory fails the test.
    fn find(&self, address: u64, length: usize) -> (RegionWriter, usize) {
        let found = self.memory.iter().find_map(|(at, memory)| {
            let place = usize::try_from(address.checked_sub(*at)?).ok()?;
            (place + length <= memory.len()).then_some((*memory, place))
        });
        found.unwrap_or_else(|| panic!("{length} bytes at {address:#x} are nobody's"))
    }

    fn word(&self, address: u64) -> u16 {
        let (memory, place) = self.find(address, 2);
        memory.read_u16_at(place).expect("found")
    }

    fn next_head(&mut self, queue: usize) -> Option<u16> {
        let (size, at) = self.queues[queue]?;
        let next = self.next_available[queue];
        if self.status & status::DRIVER_OK == 0 || self.word(at.available + 2) == next {
            return None;
        }
        self.next_available[queue] = next.wrapping_add(1);
        Some(self.word(at.available + 4 + 2 * u64::from(next % size)))
    }

    fn chain(&self, queue: usize, head: u16) -> Vec<(u64, usize, bool)> {
        let (size, at) = self.queues[queue].expect("the queue is enabled");
        let mut chain = Vec::new();
        let mut next = Some(head);
        while let Some(index) = next {
            assert!(index < size && chain.len() < 3);
            let (memory, place) = self.find(at.descriptors + 16 * u64::from(index), 16);
            let address = memory.read_u64_at(place).expect("found");
            let length = memory.read_u32_at(place + 8).expect("found");
            let flags = memory.read_u16_at(place + 12).expect("found");
            next = (flags & 1 != 0).then(|| memory.read_u16_at(place + 14).expect("found"));
            chain.push((
                address,
                usize::try_from(length).expect("short"),
                flags & 2 != 0,
            ));
        }
        chain
    }

    /// Whether the driver wants to be interrupted when something is done.
    pub(crate) fn would_interrupt(&self, queue: usize) -> bool {
        let (_, at) = self.queues[queue].expect("the queue is enabled");
        self.word(at.available) & 1 == 0
    }

    /// Says that a chain is done with.
    pub(crate) fn report(&mut self, queue: usize, id: u32, written: u32) {
        let (size, at) = self.queues[queue].expect("the queue is enabled");
        let element = at.used + 4 + 8 * u64::from(self.next_used[queue] % size);
        let (memory, place) = self.find(element, 8);
        memory.write_u32_at(place, id).expect("found");
        memory.write_u32_at(place + 4, written).expect("found");
        self.next_used[queue] = self.next_used[queue].wrapping_add(1);
        self.set_used_index(queue, self.next_used[queue]);
    }

    pub(crate) fn set_used_index(&self, queue: usize, index: u16) {
        let (_, at) = self.queues[queue].expect("the queue is enabled");
        let (memory, place) = self.find(at.used + 2, 2);
        memory.write_u16_at(place, index).expect("found");
    }

    /// The frame behind the header, its checksum filled in if the header asks for it.
    fn finish(&self, bytes: &[u8]) -> Vec<u8> {
        let (header, frame) = bytes.split_at(HEADER);
        let mut frame = frame.to_vec();
        assert_eq!(header[1], 0, "no segmentation");
        if header[0] & 1 != 0 {
            assert_ne!(self.accepted & CHECKSUM, 0);
            let field = |at: usize| usize::from(u16::from_le_bytes([header[at], header[at + 1]]));
            let (start, offset) = (field(6), field(8));
            let words = frame[start..].chunks(2);
            let word =
                |pair: &[u8]| u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0));
            let mut sum: u32 = words.map(word).sum();
            while sum > 0xffff {
                sum = (sum & 0xffff) + (sum >> 16);
            }
            let checksum = u16::try_from(!sum & 0xffff).expect("folded");
            frame[start + offset..start + offset + 2].copy_from_slice(&checksum.to_be_bytes());
        }
        frame
    }
}

impl Transport for Device {
    fn status(&self) -> u8 {
        self.0.borrow().status
    }

    fn set_status(&mut self, new: u8) {
        let mut inside = self.0.borrow_mut();
        if new == 0 {
            inside.resets += 1;
            inside.queues = [None; 2];
            inside.next_available = [0; 2];
            inside.next_used = [0; 2];
        }
        inside.status = new;
    }

    fn offered_features(&mut self) -> u64 {
        self.0.borrow().features
    }

    fn accept_features(&mut self, features: u64) {
        self.0.borrow_mut().accepted = features;
    }

    fn set_configuration_interrupt(&mut self, entry: Option<u16>) -> bool {
        assert_eq!(entry, Some(1));
        true
    }

    fn queue_size_limit(&mut self, _: u16) -> u16 {
        self.0.borrow().size_limit
    }

    fn enable_queue(
        &mut self,
        queue: u16,
        size: u16,
        addresses: &QueueAddresses,
        entry: u16,
    ) -> bool {
        assert_eq!(entry, 0);
        let mut inside = self.0.borrow_mut();
        inside.queues[usize::from(queue)] = Some((size, *addresses));
        !inside.refuses_interrupt
    }

    fn notify(&self, queue: u16) {
        self.0.borrow_mut().notified[usize::from(queue)] += 1;
        if self.0.borrow().sends_at_once {
            self.send();
        }
    }

    fn configuration_u8(&self, offset: usize) -> u8 {
        MAC[offset]
    }

    fn configuration_u16(&self, offset: usize) -> u16 {
        let inside = self.0.borrow();
        match offset {
            6 => inside.link,
            10 => inside.mtu,
            _ => panic!("no such field"),
        }
    }

    fn configuration_u32(&self, _: usize) -> u32 {
        panic!("there are none")
    }

    fn configuration_generation(&self) -> u8 {
        0
    }
}
