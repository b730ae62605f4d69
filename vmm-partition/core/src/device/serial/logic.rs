//! Register accesses, interrupts, and the two directions of the line.

use super::{
    registers::{
        DATA, DATA_READY, DIVISOR_LATCH, ENABLE_EMPTY, ENABLE_LINE_STATUS, ENABLE_RECEIVED,
        FIFO_BYTES, FIFO_CLEAR_RECEIVER, FIFO_CLEAR_TRANSMITTER, FIFO_ENABLE, FIFOS_ON,
        HOLDING_EMPTY, INTERRUPT_ENABLE, INTERRUPT_IDENTIFICATION, LINE_CONTROL, LINE_STATUS,
        LOOP_BACK, MODEM_CONTROL, MODEM_READY, MODEM_STATUS, OUTPUT_2, OVERRUN, PENDING_EMPTY,
        PENDING_LINE_STATUS, PENDING_NONE, PENDING_RECEIVED, SCRATCH, TRANSMITTER_EMPTY,
    },
    state::{PATIENCE_SECONDS, Serial},
};
use crate::{clock::Clock, host::Host, number::low_u8};

impl Serial {
    /// Reads register `offset` (0 to 7).
    pub(crate) fn read(&mut self, offset: u16) -> u8 {
        let latch = self.line_control & DIVISOR_LATCH != 0;
        match offset {
            DATA if latch => low_u8(u64::from(self.divisor)),
            DATA => self.receiver.pop().unwrap_or(0),
            INTERRUPT_ENABLE if latch => low_u8(u64::from(self.divisor >> 8)),
            INTERRUPT_ENABLE => self.interrupt_enable,
            INTERRUPT_IDENTIFICATION => self.identify(),
            LINE_CONTROL => self.line_control,
            MODEM_CONTROL => self.modem_control,
            LINE_STATUS => self.line_status(),
            MODEM_STATUS => self.modem_status(),
            SCRATCH => self.scratch,
            _ => 0xff,
        }
    }

    /// Writes register `offset`.
    pub(crate) fn write(&mut self, offset: u16, value: u8) {
        let latch = self.line_control & DIVISOR_LATCH != 0;
        match offset {
            DATA if latch => self.divisor = (self.divisor & 0xff00) | u16::from(value),
            DATA => self.transmit(value),
            INTERRUPT_ENABLE if latch => {
                self.divisor = (self.divisor & 0xff) | (u16::from(value) << 8);
            }
            INTERRUPT_ENABLE => self.enable_interrupts(value),
            INTERRUPT_IDENTIFICATION => self.control_fifos(value),
            LINE_CONTROL => self.line_control = value,
            MODEM_CONTROL => self.modem_control = value & 0x1f,
            SCRATCH => self.scratch = value,
            _ => {}
        }
    }

    /// Whether the interrupt line is asserted; on a PC the second output gates it.
    pub(crate) fn interrupt(&self) -> bool {
        self.modem_control & (OUTPUT_2 | LOOP_BACK) == OUTPUT_2 && self.pending() != PENDING_NONE
    }

    /// Whether the console should be told now: a line is complete, or little room is left.
    pub(crate) fn wants_flush(&self) -> bool {
        self.line_complete || !self.accepts()
    }

    /// Whether bytes wait for the console.
    pub(crate) fn has_output(&self) -> bool {
        !self.transmitter.is_empty()
    }

    /// Moves bytes between the FIFOs and the console; answers how many were dropped once the console takes
    /// bytes again.
    pub(crate) fn exchange(&mut self, host: &mut impl Host, clock: &Clock) -> Option<u64> {
        self.receive(host);
        self.line_complete = false;
        if self.transmitter.is_empty() {
            return None;
        }
        let accepted = self.accepts();
        let taken = self.flush(host);
        if taken > 0 {
            self.stalled_since = None;
        } else {
            self.wait_for_console(host.now(), clock);
        }
        self.empty_pending |= !accepted && self.accepts();
        if taken > 0 { self.recovered() } else { None }
    }

    fn receive(&mut self, host: &mut impl Host) {
        let capacity = if self.fifos_on { FIFO_BYTES } else { 1 };
        let room = self
            .receiver
            .free()
            .saturating_sub(FIFO_BYTES - capacity)
            .min(FIFO_BYTES);
        if room == 0 || self.modem_control & LOOP_BACK != 0 {
            return;
        }
        let mut bytes = [0; FIFO_BYTES];
        let count = host.console_read(bytes.get_mut(..room).unwrap_or(&mut []));
        for &byte in bytes.iter().take(count.min(room)) {
            self.receiver.push(byte);
        }
    }

    /// Hands the transmitter's bytes to the console; in two parts where its buffer wraps round.
    fn flush(&mut self, host: &mut impl Host) -> usize {
        let mut total = 0;
        for _ in 0..2 {
            let front = self.transmitter.front();
            if front.is_empty() {
                break;
            }
            let taken = host.console_write(front).min(front.len());
            self.transmitter.drop_front(taken);
            total += taken;
        }
        total
    }

    /// After a time without any progress, what waits is dropped, so that a guest that polls goes on.
    fn wait_for_console(&mut self, now: u64, clock: &Clock) {
        let since = *self.stalled_since.get_or_insert(now);
        if now.saturating_sub(since) > clock.ticks_of(PATIENCE_SECONDS, 1) {
            while self.transmitter.pop().is_some() {
                self.dropped += 1;
            }
        }
    }

    /// Whether the transmitter's FIFO can be filled once more.
    fn accepts(&self) -> bool {
        self.transmitter.free() >= FIFO_BYTES
    }

    /// The console takes bytes again: how many were dropped meanwhile.
    fn recovered(&mut self) -> Option<u64> {
        let dropped = core::mem::take(&mut self.dropped);
        (dropped > 0).then_some(dropped)
    }

    fn transmit(&mut self, value: u8) {
        if self.modem_control & LOOP_BACK != 0 {
            self.overrun |= !self.receiver.push(value);
            self.empty_pending = true;
            return;
        }
        if !self.transmitter.push(value) {
            self.dropped += 1;
        }
        self.line_complete |= value == b'\n';
        self.empty_pending = self.accepts();
    }

    /// Enabling the interrupt of an empty transmitter raises it at once.
    fn enable_interrupts(&mut self, value: u8) {
        let newly = value & !self.interrupt_enable;
        self.interrupt_enable = value & 0x0f;
        if newly & ENABLE_EMPTY != 0 && self.accepts() {
            self.empty_pending = true;
        }
    }

    fn control_fifos(&mut self, value: u8) {
        let on = value & FIFO_ENABLE != 0;
        if on != self.fifos_on || value & FIFO_CLEAR_RECEIVER != 0 {
            self.receiver.clear();
        }
        if value & FIFO_CLEAR_TRANSMITTER != 0 {
            self.transmitter.clear();
            self.stalled_since = None;
        }
        self.fifos_on = on;
    }

    fn pending(&self) -> u8 {
        if self.overrun && self.interrupt_enable & ENABLE_LINE_STATUS != 0 {
            PENDING_LINE_STATUS
        } else if !self.receiver.is_empty() && self.interrupt_enable & ENABLE_RECEIVED != 0 {
            PENDING_RECEIVED
        } else if self.empty_pending && self.interrupt_enable & ENABLE_EMPTY != 0 {
            PENDING_EMPTY
        } else {
            PENDING_NONE
        }
    }

    /// Reading the identification ends the interrupt of an empty transmitter.
    fn identify(&mut self) -> u8 {
        let pending = self.pending();
        if pending == PENDING_EMPTY {
            self.empty_pending = false;
        }
        pending | if self.fifos_on { FIFOS_ON } else { 0 }
    }

    fn line_status(&mut self) -> u8 {
        let mut status = 0;
        if !self.receiver.is_empty() {
            status |= DATA_READY;
        }
        if core::mem::take(&mut self.overrun) {
            status |= OVERRUN;
        }
        if self.accepts() {
            status |= HOLDING_EMPTY | TRANSMITTER_EMPTY;
        }
        status
    }

    /// In loop-back the modem's inputs are its outputs: DTR, RTS, OUT1, OUT2 appear as DSR, CTS, RI, DCD.
    fn modem_status(&self) -> u8 {
        if self.modem_control & LOOP_BACK == 0 {
            return MODEM_READY;
        }
        let outputs = self.modem_control;
        ((outputs & 1) << 5) | ((outputs & 2) << 3) | ((outputs & 0xc) << 4)
    }
}
