//! What a serial port remembers.

use super::registers::FIFO_BYTES;

/// Bytes that are collected before the console is told: most of a line.
const LINE_BYTES: usize = 128;

/// How long the transmitter waits for a console that takes nothing.
pub(super) const PATIENCE_SECONDS: u64 = 1;

/// A queue of at most `BYTES` bytes.
#[derive(Clone, Copy)]
pub(super) struct Fifo<const BYTES: usize> {
    bytes: [u8; BYTES],
    start: usize,
    length: usize,
}

impl<const BYTES: usize> Default for Fifo<BYTES> {
    fn default() -> Self {
        Self {
            bytes: [0; BYTES],
            start: 0,
            length: 0,
        }
    }
}

impl<const BYTES: usize> Fifo<BYTES> {
    pub(super) fn push(&mut self, byte: u8) -> bool {
        if self.length == BYTES {
            return false;
        }
        if let Some(place) = self.bytes.get_mut((self.start + self.length) % BYTES) {
            *place = byte;
        }
        self.length += 1;
        true
    }

    pub(super) fn pop(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.start).filter(|_| self.length > 0)?;
        self.start = (self.start + 1) % BYTES;
        self.length -= 1;
        Some(byte)
    }

    /// The bytes from the front that lie in one piece.
    pub(super) fn front(&self) -> &[u8] {
        let end = (self.start + self.length).min(BYTES);
        self.bytes.get(self.start..end).unwrap_or(&[])
    }

    pub(super) fn drop_front(&mut self, count: usize) {
        let count = count.min(self.length);
        self.start = (self.start + count) % BYTES;
        self.length -= count;
    }

    pub(super) fn free(&self) -> usize {
        BYTES - self.length
    }

    pub(super) fn is_empty(&self) -> bool {
        self.length == 0
    }

    pub(super) fn clear(&mut self) {
        self.length = 0;
    }
}

/// The serial port.
#[derive(Default)]
pub(crate) struct Serial {
    pub(super) receiver: Fifo<FIFO_BYTES>,
    pub(super) transmitter: Fifo<LINE_BYTES>,
    pub(super) interrupt_enable: u8,
    pub(super) fifos_on: bool,
    pub(super) line_control: u8,
    pub(super) modem_control: u8,
    pub(super) scratch: u8,
    pub(super) divisor: u16,
    pub(super) overrun: bool,
    /// A line end was transmitted since the console was told last.
    pub(super) line_complete: bool,
    /// The transmitter became empty and the guest was not told yet.
    pub(super) empty_pending: bool,
    /// TSC since which the console has taken nothing.
    pub(super) stalled_since: Option<u64>,
    pub(super) dropped: u64,
}

impl Serial {
    /// A port as after a reset.
    pub(crate) fn new() -> Self {
        Self {
            divisor: 1,
            ..Self::default()
        }
    }
}
