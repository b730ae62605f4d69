//! What the virtual PC needs from the system around it.

use core::fmt;

use frame_api::{CheckedFrame, Checksum, IllegalFrame, Link};

use crate::guest_memory::{GuestAddress, GuestMemory, OutsideMemory};

/// Bytes of a block of the volume.
pub const BLOCK_BYTES: u32 = 4096;
/// Blocks that one request of the block channel moves at most.
pub const BLOCKS_PER_REQUEST: u32 = 16;

/// The system around the guest.
pub trait Host {
    /// The guest's RAM.
    type Memory: GuestMemory;

    /// The guest's RAM.
    fn memory(&self) -> &Self::Memory;

    /// The time stamp counter.
    fn now(&mut self) -> u64;

    /// Asks for a notification at or after `deadline` (time stamp counter), or for none.
    fn wake_at(&mut self, deadline: Option<u64>);

    /// Waits until something is to be looked at: a deadline, keystrokes, completions.
    fn wait(&mut self);

    /// Hands bytes to the console and says how many it took.
    fn console_write(&mut self, bytes: &[u8]) -> usize;

    /// Takes keystrokes from the console and says how many there were.
    fn console_read(&mut self, buffer: &mut [u8]) -> usize;

    /// Tells the operator something; one line without its end.
    fn log(&mut self, line: fmt::Arguments<'_>);

    /// The volume's channel, if the guest has a volume.
    fn block(&mut self) -> Option<&mut dyn BlockChannel>;

    /// The gateway's channel, if the guest has a network.
    fn network(&mut self) -> Option<&mut dyn NetworkChannel>;
}

/// Where a piece of data lies in the channel's data area.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotRange {
    /// Slot: one request's place of [`BLOCKS_PER_REQUEST`] blocks.
    pub slot: usize,
    /// Bytes from the slot's start.
    pub offset: u32,
    /// Bytes.
    pub length: u32,
}

/// What is asked of the volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockOperation {
    /// Fill the slot from the volume.
    Read,
    /// Write the slot to the volume.
    Write,
    /// Make everything that was completed before durable.
    Flush,
}

/// One request to the volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockRequest {
    /// Slot of its data; also its identification.
    pub slot: usize,
    /// What to do.
    pub operation: BlockOperation,
    /// First block.
    pub block: u64,
    /// Number of blocks, at most [`BLOCKS_PER_REQUEST`].
    pub count: u32,
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockCompletion {
    /// Slot of the request.
    pub slot: usize,
    /// What became of it.
    pub result: Result<(), BlockError>,
}

/// Why a request failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockError {
    /// The device failed.
    Device,
    /// Behind the end of the volume.
    OutOfRange,
    /// The block is not what was written.
    Integrity,
}

/// What a [`BlockChannel::kick`] means for who kicked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kicked {
    /// Nothing had been submitted.
    NotNeeded,
    /// The peer knows; look once more for what it has answered.
    LookAgain,
}

/// The channel to the guest's volume.
pub trait BlockChannel {
    /// Blocks of the volume.
    fn block_count(&self) -> u64;

    /// Slots of the data area: requests that can be in flight.
    fn slots(&self) -> usize;

    /// Copies guest memory into a slot.
    ///
    /// # Errors
    ///
    /// [`OutsideMemory`] if either end lies outside.
    fn fill(&mut self, to: SlotRange, from: GuestAddress) -> Result<(), OutsideMemory>;

    /// Copies a slot into guest memory.
    ///
    /// # Errors
    ///
    /// [`OutsideMemory`] if either end lies outside.
    fn drain(&mut self, from: SlotRange, to: GuestAddress) -> Result<(), OutsideMemory>;

    /// Puts a request into the channel; [`BlockChannel::kick`] makes the peer look.
    ///
    /// # Errors
    ///
    /// [`BlockError::Device`] if the channel is full or its peer misbehaves.
    fn submit(&mut self, request: BlockRequest) -> Result<(), BlockError>;

    /// Signals the peer if requests were submitted since the last time. Completions that come before this
    /// returns may not be announced in any other way.
    fn kick(&mut self) -> Kicked;

    /// The next completion, if one is there.
    fn complete(&mut self) -> Option<BlockCompletion>;
}

/// The channel to the guest's gateway: one frame at a time each way, copied straight between the guest's memory
/// and the channel.
pub trait NetworkChannel {
    /// What the gateway says of the link.
    fn link(&mut self) -> Link;

    /// Whether a frame can be sent. If not, the gateway signals when one can.
    fn has_room(&mut self) -> bool;

    /// Copies `length` bytes of guest memory to `offset` in the frame that is sent next.
    ///
    /// # Errors
    ///
    /// [`OutsideMemory`] if either end lies outside.
    fn fill(&mut self, offset: u32, from: GuestAddress, length: u32) -> Result<(), OutsideMemory>;

    /// Writes `bytes` to `offset` in the frame that is sent next.
    ///
    /// # Errors
    ///
    /// [`OutsideMemory`] if they do not fit there.
    fn put(&mut self, offset: u32, bytes: &[u8]) -> Result<(), OutsideMemory>;

    /// Sends the frame of `length` bytes that was filled; [`NetworkChannel::kick`] makes the gateway look.
    ///
    /// # Errors
    ///
    /// [`IllegalFrame`] if no frame has that length, or its checksum would lie outside of it.
    fn send(&mut self, length: usize, checksum: Checksum) -> Result<(), IllegalFrame>;

    /// Signals the gateway if frames were sent since the last time.
    fn kick(&mut self);

    /// The oldest frame for the guest that was not released.
    fn arrived(&mut self) -> Option<CheckedFrame>;

    /// Copies `length` bytes from `offset` in that frame into guest memory.
    ///
    /// # Errors
    ///
    /// [`OutsideMemory`] if either end lies outside.
    fn drain(&mut self, offset: u32, to: GuestAddress, length: u32) -> Result<(), OutsideMemory>;

    /// Gives that frame's place back.
    fn release(&mut self);
}
