//! Register offsets and bits of the PC16550D data sheet.

/// Receiver buffer, transmitter holding; divisor low with the latch bit.
pub(super) const DATA: u16 = 0;
/// Interrupt enable; divisor high with the latch bit.
pub(super) const INTERRUPT_ENABLE: u16 = 1;
/// Interrupt identification (read), FIFO control (write).
pub(super) const INTERRUPT_IDENTIFICATION: u16 = 2;
/// Line control.
pub(super) const LINE_CONTROL: u16 = 3;
/// Modem control.
pub(super) const MODEM_CONTROL: u16 = 4;
/// Line status.
pub(super) const LINE_STATUS: u16 = 5;
/// Modem status.
pub(super) const MODEM_STATUS: u16 = 6;
/// Scratch.
pub(super) const SCRATCH: u16 = 7;

/// Interrupt enable: received data.
pub(super) const ENABLE_RECEIVED: u8 = 1 << 0;
/// Interrupt enable: transmitter empty.
pub(super) const ENABLE_EMPTY: u8 = 1 << 1;
/// Interrupt enable: line status.
pub(super) const ENABLE_LINE_STATUS: u8 = 1 << 2;

/// Identification: nothing pending.
pub(super) const PENDING_NONE: u8 = 0x01;
/// Identification: transmitter empty.
pub(super) const PENDING_EMPTY: u8 = 0x02;
/// Identification: received data.
pub(super) const PENDING_RECEIVED: u8 = 0x04;
/// Identification: line status.
pub(super) const PENDING_LINE_STATUS: u8 = 0x06;
/// Identification: FIFOs are on.
pub(super) const FIFOS_ON: u8 = 0xc0;

/// FIFO control: on.
pub(super) const FIFO_ENABLE: u8 = 1 << 0;
/// FIFO control: empty the receiver.
pub(super) const FIFO_CLEAR_RECEIVER: u8 = 1 << 1;
/// FIFO control: empty the transmitter.
pub(super) const FIFO_CLEAR_TRANSMITTER: u8 = 1 << 2;

/// Line control: divisor latch.
pub(super) const DIVISOR_LATCH: u8 = 1 << 7;

/// Modem control: second output, which gates the interrupt on a PC.
pub(super) const OUTPUT_2: u8 = 1 << 3;
/// Modem control: loop-back.
pub(super) const LOOP_BACK: u8 = 1 << 4;

/// Line status: data ready.
pub(super) const DATA_READY: u8 = 1 << 0;
/// Line status: overrun.
pub(super) const OVERRUN: u8 = 1 << 1;
/// Line status: transmitter holding register empty.
pub(super) const HOLDING_EMPTY: u8 = 1 << 5;
/// Line status: transmitter empty.
pub(super) const TRANSMITTER_EMPTY: u8 = 1 << 6;

/// Modem status without loop-back: carrier, data set ready, clear to send.
pub(super) const MODEM_READY: u8 = 0xb0;

/// Bytes of each FIFO.
pub(super) const FIFO_BYTES: usize = 16;
