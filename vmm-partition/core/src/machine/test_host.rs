//! A host for tests: memory in a vector, a clock that is set by hand, a console in two buffers,
//! a volume whose requests complete when asked, a gateway that keeps what it gets.

use alloc::{collections::VecDeque, vec, vec::Vec};
use core::{cell::RefCell, fmt};

use frame_api::{CheckedFrame, Checksum, Frame, IllegalFrame, Link, MAX_FRAME};

use crate::{
    guest_memory::{GuestAddress, GuestMemory, OutsideMemory},
    host::{
        BLOCK_BYTES, BLOCKS_PER_REQUEST, BlockChannel, BlockCompletion, BlockError, BlockOperation,
        BlockRequest, Host, Kicked, NetworkChannel, SlotRange,
    },
};

/// RAM of a test.
#[derive(Debug)]
pub(crate) struct TestMemory(RefCell<Vec<u8>>);

impl TestMemory {
    pub(crate) fn new(bytes: usize) -> Self {
        Self(RefCell::new(vec![0; bytes]))
    }

    fn range(&self, address: GuestAddress, length: usize) -> Result<(usize, usize), OutsideMemory> {
        let start = usize::try_from(address.0).map_err(|_| OutsideMemory)?;
        let end = start.checked_add(length).ok_or(OutsideMemory)?;
        if end > self.0.borrow().len() {
            return Err(OutsideMemory);
        }
        Ok((start, end))
    }
}

impl GuestMemory for TestMemory {
    fn size(&self) -> u64 {
        self.0.borrow().len() as u64
    }

    fn read(&self, address: GuestAddress, buffer: &mut [u8]) -> Result<(), OutsideMemory> {
        let (start, end) = self.range(address, buffer.len())?;
        buffer.copy_from_slice(&self.0.borrow()[start..end]);
        Ok(())
    }

    fn write(&self, address: GuestAddress, bytes: &[u8]) -> Result<(), OutsideMemory> {
        let (start, end) = self.range(address, bytes.len())?;
        self.0.borrow_mut()[start..end].copy_from_slice(bytes);
        Ok(())
    }
}

/// Slots of the test volume.
const SLOTS: usize = 4;

/// A volume in memory.
pub(crate) struct TestVolume {
    memory: alloc::rc::Rc<TestMemory>,
    pub(crate) content: Vec<u8>,
    slots: Vec<Vec<u8>>,
    waiting: VecDeque<BlockRequest>,
    pub(crate) fails_with: Option<BlockError>,
    pub(crate) flushes: usize,
    /// It answers what it is kicked for at once, the next time.
    pub(crate) is_quick: bool,
}

impl BlockChannel for TestVolume {
    fn block_count(&self) -> u64 {
        (self.content.len() / BLOCK_BYTES as usize) as u64
    }

    fn slots(&self) -> usize {
        SLOTS
    }

    fn fill(&mut self, to: SlotRange, from: GuestAddress) -> Result<(), OutsideMemory> {
        let range = to.offset as usize..(to.offset + to.length) as usize;
        let place = self.slots[to.slot].get_mut(range).ok_or(OutsideMemory)?;
        self.memory.read(from, place)
    }

    fn drain(&mut self, from: SlotRange, to: GuestAddress) -> Result<(), OutsideMemory> {
        let range = from.offset as usize..(from.offset + from.length) as usize;
        let place = self.slots[from.slot].get(range).ok_or(OutsideMemory)?;
        self.memory.write(to, place)
    }

    fn submit(&mut self, request: BlockRequest) -> Result<(), BlockError> {
        assert!(request.count <= BLOCKS_PER_REQUEST);
        assert!(request.block + u64::from(request.count) <= self.block_count());
        self.waiting.push_back(request);
        Ok(())
    }

    fn kick(&mut self) -> Kicked {
        match core::mem::take(&mut self.is_quick) {
            true => Kicked::LookAgain,
            false => Kicked::NotNeeded,
        }
    }

    fn complete(&mut self) -> Option<BlockCompletion> {
        let request = self.waiting.pop_front()?;
        let start = usize::try_from(request.block).ok()? * BLOCK_BYTES as usize;
        let length = (request.count * BLOCK_BYTES) as usize;
        let place = &mut self.content[start..start + length];
        let slot = &mut self.slots[request.slot][..length];
        match request.operation {
            BlockOperation::Read => slot.copy_from_slice(place),
            BlockOperation::Write => place.copy_from_slice(slot),
            BlockOperation::Flush => self.flushes += 1,
        }
        Some(BlockCompletion {
            slot: request.slot,
            result: self.fails_with.map_or(Ok(()), Err),
        })
    }
}

/// A frame's bytes, and what is said of its checksum.
pub(crate) type TestFrame = (Vec<u8>, Checksum);

/// A gateway in memory.
pub(crate) struct TestGateway {
    memory: alloc::rc::Rc<TestMemory>,
    slot: [u8; MAX_FRAME],
    pub(crate) link: Link,
    /// Frames that it still takes.
    pub(crate) room: usize,
    pub(crate) from_guest: Vec<TestFrame>,
    pub(crate) to_guest: VecDeque<TestFrame>,
    /// Frames that it was woken for.
    pub(crate) announced: usize,
}

fn part(bytes: &mut [u8], offset: u32, length: u32) -> Result<&mut [u8], OutsideMemory> {
    bytes
        .get_mut(offset as usize..(offset + length) as usize)
        .ok_or(OutsideMemory)
}

impl NetworkChannel for TestGateway {
    fn link(&mut self) -> Link {
        self.link
    }

    fn has_room(&mut self) -> bool {
        self.room > 0
    }

    fn fill(&mut self, offset: u32, from: GuestAddress, length: u32) -> Result<(), OutsideMemory> {
        self.memory
            .read(from, part(&mut self.slot, offset, length)?)
    }

    fn put(&mut self, offset: u32, bytes: &[u8]) -> Result<(), OutsideMemory> {
        let length = u32::try_from(bytes.len()).map_err(|_| OutsideMemory)?;
        part(&mut self.slot, offset, length)?.copy_from_slice(bytes);
        Ok(())
    }

    fn send(&mut self, length: usize, checksum: Checksum) -> Result<(), IllegalFrame> {
        Frame::new(0, length, checksum)?;
        self.room = self.room.checked_sub(1).expect("the device asked for room");
        self.from_guest
            .push((self.slot[..length].to_vec(), checksum));
        Ok(())
    }

    fn kick(&mut self) {
        self.announced = self.from_guest.len();
    }

    fn arrived(&mut self) -> Option<CheckedFrame> {
        let (frame, checksum) = self.to_guest.front()?;
        Frame::new(0, frame.len(), *checksum).ok()?.check().ok()
    }

    fn drain(&mut self, offset: u32, to: GuestAddress, length: u32) -> Result<(), OutsideMemory> {
        let (frame, _) = self.to_guest.front_mut().ok_or(OutsideMemory)?;
        self.memory.write(to, part(frame, offset, length)?)
    }

    fn release(&mut self) {
        assert!(self.to_guest.pop_front().is_some(), "a frame is there");
    }
}

/// A host for tests.
pub(crate) struct TestHost {
    memory: alloc::rc::Rc<TestMemory>,
    now: u64,
    pub(crate) wake: Option<u64>,
    output: Vec<u8>,
    keys: VecDeque<u8>,
    stalled: bool,
    pub(crate) log: Vec<alloc::string::String>,
    pub(crate) volume: TestVolume,
    pub(crate) gateway: TestGateway,
}

impl TestHost {
    /// 4 MiB of RAM and a volume of 64 blocks.
    pub(crate) fn new() -> Self {
        let memory = alloc::rc::Rc::new(TestMemory::new(4 << 20));
        let slot = || vec![0; (BLOCKS_PER_REQUEST * BLOCK_BYTES) as usize];
        Self {
            memory: memory.clone(),
            now: 0,
            wake: None,
            output: Vec::new(),
            keys: VecDeque::new(),
            stalled: false,
            log: Vec::new(),
            gateway: TestGateway {
                memory: memory.clone(),
                slot: [0; MAX_FRAME],
                link: Link::from_word(0),
                room: 256,
                from_guest: Vec::new(),
                to_guest: VecDeque::new(),
                announced: 0,
            },
            volume: TestVolume {
                memory,
                content: vec![0; 64 * BLOCK_BYTES as usize],
                slots: (0..SLOTS).map(|_| slot()).collect(),
                waiting: VecDeque::new(),
                fails_with: None,
                flushes: 0,
                is_quick: false,
            },
        }
    }

    /// The memory, for a guest that uses it between two exits.
    pub(crate) fn shared_memory(&self) -> alloc::rc::Rc<TestMemory> {
        self.memory.clone()
    }

    pub(crate) fn console_output(&self) -> &[u8] {
        &self.output
    }

    pub(crate) fn type_keys(&mut self, keys: &[u8]) {
        self.keys.extend(keys);
    }

    pub(crate) fn stall_console(&mut self) {
        self.stalled = true;
    }

    pub(crate) fn resume_console(&mut self) {
        self.stalled = false;
    }

    pub(crate) fn advance(&mut self, ticks: u64) {
        self.now += ticks;
    }
}

impl Host for TestHost {
    type Memory = TestMemory;

    fn memory(&self) -> &TestMemory {
        &self.memory
    }

    fn now(&mut self) -> u64 {
        self.now
    }

    fn wake_at(&mut self, deadline: Option<u64>) {
        self.wake = deadline;
    }

    /// Time passes to the next deadline, or a second if there is none.
    fn wait(&mut self) {
        self.now = self
            .wake
            .take()
            .unwrap_or(self.now + 1_000_000_000)
            .max(self.now + 1);
    }

    fn console_write(&mut self, bytes: &[u8]) -> usize {
        if self.stalled {
            return 0;
        }
        self.output.extend(bytes);
        bytes.len()
    }

    fn console_read(&mut self, buffer: &mut [u8]) -> usize {
        let count = buffer.len().min(self.keys.len());
        for (place, key) in buffer.iter_mut().zip(self.keys.drain(..count)) {
            *place = key;
        }
        count
    }

    fn log(&mut self, line: fmt::Arguments<'_>) {
        self.log.push(alloc::format!("{line}"));
    }

    fn block(&mut self) -> Option<&mut dyn BlockChannel> {
        Some(&mut self.volume)
    }

    fn network(&mut self) -> Option<&mut dyn NetworkChannel> {
        Some(&mut self.gateway)
    }
}
