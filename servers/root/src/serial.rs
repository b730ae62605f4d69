//! The serial line, as far as the root server needs it: to say what it builds, and why it does not.

use core::fmt;

use kernel_calls::{
    Ipc,
    invoke::{SlotPath, io_port_control_issue, io_port_in8, io_port_out8},
};
use root_core::WorkingSlot;
use sel4_sys::{Error, slot};

/// The first port of COM1.
pub(crate) const FIRST_PORT: u16 = 0x3f8;
/// Its last port.
pub(crate) const LAST_PORT: u16 = 0x3ff;

// Registers of the 16550 (National Semiconductor PC16550D, 8.0), from the first port on.
const INTERRUPT_ENABLE: u16 = 1;
const FIFO_CONTROL: u16 = 2;
const LINE_CONTROL: u16 = 3;
const MODEM_CONTROL: u16 = 4;
const LINE_STATUS: u16 = 5;

const DIVISOR_LATCH: u8 = 1 << 7;
const EIGHT_BITS: u8 = 3;
const ENABLE_AND_CLEAR_FIFOS: u8 = 7;
const READY_SIGNALS: u8 = 3;
const TRANSMITTER_EMPTY: u8 = 1 << 5;

/// How often the line is asked whether it is ready before a byte is given up.
const PATIENCE: usize = 100_000;

/// The line; bytes are lost where there is none.
pub(crate) struct Serial {
    ipc: Ipc,
    slot: WorkingSlot,
}

impl Serial {
    /// Issues the ports into `slot` and sets 115200 bits per second, eight bits, no parity.
    pub(crate) fn open(ipc: Ipc, slot: WorkingSlot) -> Self {
        let to = SlotPath {
            root: slot::CNODE,
            index: slot.0,
            depth: 64,
        };
        let serial = Self { ipc, slot };
        // If the ports cannot be issued, neither can anybody be told.
        let _ = io_port_control_issue(&ipc, slot::IO_PORT_CONTROL, FIRST_PORT, LAST_PORT, to)
            .and_then(|()| serial.initialise());
        serial
    }

    /// Where the capability to the ports lies.
    pub(crate) fn slot(&self) -> WorkingSlot {
        self.slot
    }

    fn initialise(&self) -> Result<(), Error> {
        for (register, value) in [
            (INTERRUPT_ENABLE, 0),
            (LINE_CONTROL, DIVISOR_LATCH),
            (0, 1),
            (1, 0),
            (LINE_CONTROL, EIGHT_BITS),
            (FIFO_CONTROL, ENABLE_AND_CLEAR_FIFOS),
            (MODEM_CONTROL, READY_SIGNALS),
        ] {
            self.write_register(register, value)?;
        }
        Ok(())
    }

    fn write_register(&self, register: u16, value: u8) -> Result<(), Error> {
        io_port_out8(&self.ipc, self.slot.0, FIRST_PORT + register, value)
    }

    fn put(&self, byte: u8) -> Result<(), Error> {
        for _ in 0..PATIENCE {
            let status = io_port_in8(&self.ipc, self.slot.0, FIRST_PORT + LINE_STATUS)?;
            if status & TRANSMITTER_EMPTY != 0 {
                return self.write_register(0, byte);
            }
        }
        Ok(())
    }
}

impl fmt::Write for Serial {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            if byte == b'\n' {
                self.put(b'\r').map_err(|_| fmt::Error)?;
            }
            self.put(byte).map_err(|_| fmt::Error)?;
        }
        Ok(())
    }
}
