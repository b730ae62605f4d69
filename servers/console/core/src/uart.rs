//! A 16550 serial port.
//!
//! Register names and bits: National Semiconductor PC16550D data sheet, section 8.

/// Access to the eight ports of the device.
pub trait Ports {
    /// What access can fail with.
    type Error;

    /// Reads the port at `offset` (0 to 7).
    ///
    /// # Errors
    ///
    /// The port is not ours.
    fn read(&mut self, offset: u16) -> Result<u8, Self::Error>;

    /// Writes the port at `offset` (0 to 7).
    ///
    /// # Errors
    ///
    /// The port is not ours.
    fn write(&mut self, offset: u16, value: u8) -> Result<(), Self::Error>;
}

/// Receiver buffer (read) and transmitter holding register (write); divisor low byte while DLAB is set.
const DATA: u16 = 0;
/// Interrupt enable: 0 received data, 1 transmitter empty. Divisor high byte while DLAB is set.
const INTERRUPT_ENABLE: u16 = 1;
const ENABLE_RECEIVED: u8 = 1;
const ENABLE_TRANSMITTER_EMPTY: u8 = 2;
/// FIFO control (write): 0 enable, 1 and 2 clear; trigger level one byte.
const FIFO_CONTROL: u16 = 2;
const FIFO_ENABLE_AND_CLEAR: u8 = 0x07;
/// Interrupt identification (read): bit 0 clear while an interrupt is pending.
const INTERRUPT_IDENTIFICATION: u16 = 2;
const NONE_PENDING: u8 = 1;
/// Line control: 7 divisor latch access (DLAB), 1:0 eight bits.
const LINE_CONTROL: u16 = 3;
const DIVISOR_ACCESS: u8 = 0x80;
const EIGHT_BITS: u8 = 0x03;
/// Modem control: 0 DTR, 1 RTS, 3 OUT2, which lets interrupts through on a PC.
const MODEM_CONTROL: u16 = 4;
const READY_WITH_INTERRUPTS: u8 = 0x0b;
/// Line status: 0 data ready, 5 transmitter holding register empty.
const LINE_STATUS: u16 = 5;
const DATA_READY: u8 = 0x01;
const TRANSMITTER_EMPTY: u8 = 0x20;

/// Bytes that the transmitter takes at once when it is empty.
const FIFO_SIZE: usize = 16;

/// Reads of the identification register until a device is taken for one that never calms down.
const CAUSES_MAX: usize = 64;

/// The serial port, set to 115200 baud, 8 bits, no parity, one stop bit.
#[derive(Debug)]
pub struct Uart<P> {
    ports: P,
    enabled: u8,
}

impl<P: Ports> Uart<P> {
    /// Sets the port up and lets it interrupt when bytes come in.
    ///
    /// # Errors
    ///
    /// The ports are not ours.
    pub fn new(mut ports: P) -> Result<Self, P::Error> {
        ports.write(INTERRUPT_ENABLE, 0)?;
        ports.write(LINE_CONTROL, DIVISOR_ACCESS)?;
        ports.write(DATA, 1)?;
        ports.write(INTERRUPT_ENABLE, 0)?;
        ports.write(LINE_CONTROL, EIGHT_BITS)?;
        ports.write(FIFO_CONTROL, FIFO_ENABLE_AND_CLEAR)?;
        ports.write(MODEM_CONTROL, READY_WITH_INTERRUPTS)?;
        ports.write(INTERRUPT_ENABLE, ENABLE_RECEIVED)?;
        Ok(Self {
            ports,
            enabled: ENABLE_RECEIVED,
        })
    }

    /// Sends bytes from `next` for as long as the port takes them, 16 at a time. If bytes are left
    /// (`more` says so), an interrupt will come when the port is empty.
    ///
    /// # Errors
    ///
    /// The ports are not ours.
    pub fn send<S>(
        &mut self,
        source: &mut S,
        mut next: impl FnMut(&mut S) -> Option<u8>,
        more: impl Fn(&S) -> bool,
    ) -> Result<(), P::Error> {
        while more(source) && self.ports.read(LINE_STATUS)? & TRANSMITTER_EMPTY != 0 {
            for _ in 0..FIFO_SIZE {
                match next(source) {
                    Some(byte) => self.ports.write(DATA, byte)?,
                    None => break,
                }
            }
        }
        let waits = if more(source) {
            ENABLE_TRANSMITTER_EMPTY
        } else {
            0
        };
        self.enable(ENABLE_RECEIVED | waits)
    }

    /// Answers an interrupt: hands every byte that came in to `on_byte`, and has the port say all its
    /// causes, so that its line is low afterwards and the next cause is an edge again.
    ///
    /// # Errors
    ///
    /// The ports are not ours.
    pub fn service(&mut self, mut on_byte: impl FnMut(u8)) -> Result<(), P::Error> {
        for _ in 0..CAUSES_MAX {
            if self.ports.read(INTERRUPT_IDENTIFICATION)? & NONE_PENDING != 0 {
                break;
            }
            while self.ports.read(LINE_STATUS)? & DATA_READY != 0 {
                on_byte(self.ports.read(DATA)?);
            }
        }
        Ok(())
    }

    fn enable(&mut self, interrupts: u8) -> Result<(), P::Error> {
        if core::mem::replace(&mut self.enabled, interrupts) != interrupts {
            self.ports.write(INTERRUPT_ENABLE, interrupts)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{collections::VecDeque, vec::Vec};

    /// As much of a 16550 as the driver can see: FIFO of 16, and causes of interrupt.
    #[derive(Default)]
    struct Device {
        registers: [u8; 8],
        received: VecDeque<u8>,
        fifo: Vec<u8>,
        sent: Vec<u8>,
        /// Whether the transmitter empties its FIFO at once.
        is_fast: bool,
        empty_cause: bool,
    }

    impl Device {
        fn drain(&mut self) {
            self.sent.append(&mut self.fifo);
            self.empty_cause = true;
        }

        fn interrupts(&self) -> bool {
            let enabled = self.registers[1];
            enabled & 1 != 0 && !self.received.is_empty() || enabled & 2 != 0 && self.empty_cause
        }
    }

    impl Ports for &mut Device {
        type Error = ();

        fn read(&mut self, offset: u16) -> Result<u8, ()> {
            Ok(match offset {
                DATA => self.received.pop_front().expect("read only when ready"),
                INTERRUPT_IDENTIFICATION => {
                    let pending = self.interrupts();
                    if self.received.is_empty() {
                        self.empty_cause = false;
                    }
                    u8::from(!pending)
                }
                LINE_STATUS => {
                    let ready = u8::from(!self.received.is_empty());
                    let empty = if self.fifo.is_empty() {
                        TRANSMITTER_EMPTY
                    } else {
                        0
                    };
                    ready | empty
                }
                _ => self.registers[usize::from(offset)],
            })
        }

        fn write(&mut self, offset: u16, value: u8) -> Result<(), ()> {
            let divisor = self.registers[3] & DIVISOR_ACCESS != 0;
            match offset {
                DATA if !divisor => {
                    assert!(self.fifo.len() < FIFO_SIZE, "the FIFO overflows");
                    self.fifo.push(value);
                    if self.is_fast {
                        self.drain();
                    }
                }
                _ => self.registers[usize::from(offset)] = value,
            }
            Ok(())
        }
    }

    fn send(uart: &mut Uart<&mut Device>, bytes: &mut VecDeque<u8>) {
        uart.send(bytes, VecDeque::pop_front, |bytes| !bytes.is_empty())
            .expect("the ports are ours");
    }

    #[test]
    fn bursts_fill_the_fifo_and_wait_for_it() {
        let mut device = Device::default();
        let text: VecDeque<u8> = (0..40).collect();
        let mut left = text.clone();
        let mut uart = Uart::new(&mut device).expect("the ports are ours");
        for expected in [24, 8, 0] {
            send(&mut uart, &mut left);
            assert_eq!(left.len(), expected);
            assert_eq!(uart.enabled & ENABLE_TRANSMITTER_EMPTY != 0, expected > 0);
            uart.ports.drain();
            assert_eq!(uart.ports.interrupts(), expected > 0);
        }
        assert_eq!(text, device.sent);
    }

    #[test]
    fn a_fast_port_needs_no_interrupt() {
        let mut device = Device {
            is_fast: true,
            ..Device::default()
        };
        let mut left: VecDeque<u8> = (0..100).collect();
        let mut uart = Uart::new(&mut device).expect("the ports are ours");
        send(&mut uart, &mut left);
        assert!(left.is_empty());
        assert!(!uart.ports.interrupts());
        assert_eq!(device.sent.len(), 100);
    }

    #[test]
    fn service_takes_everything_and_leaves_the_line_low() {
        let mut device = Device::default();
        let mut uart = Uart::new(&mut device).expect("the ports are ours");
        let mut left: VecDeque<u8> = (0..20).collect();
        send(&mut uart, &mut left);
        uart.ports.received.extend(b"ab");
        uart.ports.drain();
        assert!(uart.ports.interrupts());
        let mut came = Vec::new();
        uart.service(|byte| came.push(byte)).expect("ours");
        assert_eq!(came, b"ab");
        assert!(!uart.ports.interrupts());
        send(&mut uart, &mut left);
        assert_eq!((device.fifo.len(), device.sent.len()), (4, 16));
    }

    #[test]
    fn the_port_is_set_up() {
        let mut device = Device::default();
        let uart = Uart::new(&mut device);
        assert!(uart.is_ok());
        drop(uart);
        assert_eq!(device.registers[3], EIGHT_BITS);
        assert_eq!(device.registers[4], READY_WITH_INTERRUPTS);
        assert_eq!(device.registers[1], ENABLE_RECEIVED);
        assert_eq!(device.registers[0], 1);
    }
}
