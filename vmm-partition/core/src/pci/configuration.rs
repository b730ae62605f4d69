//! One function's configuration space: 256 bytes and which bits of them software may write.

/// Offsets and bits (PCI Local Bus Specification 3.0, chapter 6).
pub(crate) mod offset {
    /// Command.
    pub(crate) const COMMAND: u8 = 0x04;
    /// Status.
    pub(crate) const STATUS: u8 = 0x06;
    /// First base address.
    pub(crate) const BAR_0: u8 = 0x10;
    /// Start of the list of capabilities.
    pub(crate) const CAPABILITIES: u8 = 0x34;
    /// Interrupt line.
    pub(crate) const INTERRUPT_LINE: u8 = 0x3c;
    /// Interrupt pin.
    pub(crate) const INTERRUPT_PIN: u8 = 0x3d;
}

/// Command: memory accesses are answered.
pub(crate) const COMMAND_MEMORY: u16 = 1 << 1;
/// Command: the function may write to memory, interrupts included.
pub(crate) const COMMAND_BUS_MASTER: u16 = 1 << 2;
/// Command: the INTx line is off.
pub(crate) const COMMAND_INTX_OFF: u16 = 1 << 10;
/// Status: the INTx line is asserted inside.
const STATUS_INTERRUPT: u8 = 1 << 3;
/// Status: there is a list of capabilities.
const STATUS_CAPABILITIES: u8 = 1 << 4;

/// Who makes a function and what it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Identity {
    pub(crate) vendor: u16,
    pub(crate) device: u16,
    pub(crate) revision: u8,
    /// Class, subclass, programming interface as one number.
    pub(crate) class: u32,
    pub(crate) subsystem_vendor: u16,
    pub(crate) subsystem: u16,
}

/// Configuration space of one function.
pub(crate) struct Configuration {
    bytes: [u8; 256],
    writable: [u8; 256],
    /// Where the next capability goes.
    next_capability: u8,
    /// Where the link to it goes.
    link: u8,
}

impl Configuration {
    /// A function without BARs, capabilities and interrupt.
    pub(crate) fn new(identity: Identity) -> Self {
        let mut this = Self {
            bytes: [0; 256],
            writable: [0; 256],
            next_capability: 0x40,
            link: offset::CAPABILITIES,
        };
        this.set(0x00, &identity.vendor.to_le_bytes());
        this.set(0x02, &identity.device.to_le_bytes());
        this.set(
            0x08,
            &((identity.class << 8) | u32::from(identity.revision)).to_le_bytes(),
        );
        this.set(0x2c, &identity.subsystem_vendor.to_le_bytes());
        this.set(0x2e, &identity.subsystem.to_le_bytes());
        let command = COMMAND_MEMORY | COMMAND_BUS_MASTER | COMMAND_INTX_OFF;
        this.allow(offset::COMMAND, &command.to_le_bytes());
        this.allow(offset::INTERRUPT_LINE, &[0xff]);
        this
    }

    /// Gives the function a 32-bit memory BAR of `size` bytes (a power of two) at `address`.
    pub(crate) fn add_memory_bar(&mut self, index: u8, size: u32, address: u32) {
        let at = offset::BAR_0 + index * 4;
        self.set(at, &address.to_le_bytes());
        self.allow(at, &(!(size - 1)).to_le_bytes());
    }

    /// Gives the function interrupt pin A on `line`.
    pub(crate) fn set_interrupt(&mut self, line: u8) {
        self.set(offset::INTERRUPT_PIN, &[1]);
        self.set(offset::INTERRUPT_LINE, &[line]);
    }

    /// Appends a capability; `body` starts behind its identification and link. Answers its offset.
    pub(crate) fn add_capability(&mut self, identification: u8, body: &[u8]) -> u8 {
        let at = self.next_capability;
        self.set(
            offset::STATUS,
            &[self.byte(offset::STATUS) | STATUS_CAPABILITIES],
        );
        self.set(self.link, &[at]);
        self.set(at, &[identification, 0]);
        self.set(at + 2, body);
        self.link = at + 1;
        let length = u8::try_from(body.len() + 2).unwrap_or(0);
        self.next_capability = at + length.div_ceil(4) * 4;
        at
    }

    /// Makes bits writable.
    pub(crate) fn allow(&mut self, at: u8, mask: &[u8]) {
        for (place, bits) in self.writable.iter_mut().skip(usize::from(at)).zip(mask) {
            *place = *bits;
        }
    }

    /// Sets bytes, whether software may write them or not.
    pub(crate) fn set(&mut self, at: u8, bytes: &[u8]) {
        for (place, byte) in self.bytes.iter_mut().skip(usize::from(at)).zip(bytes) {
            *place = *byte;
        }
    }

    /// One byte.
    pub(crate) fn byte(&self, at: u8) -> u8 {
        self.bytes[usize::from(at)]
    }

    /// Four bytes; bytes behind the end read as ones.
    pub(crate) fn word(&self, at: u8) -> u32 {
        let mut bytes = [0xff; 4];
        for (byte, place) in bytes
            .iter_mut()
            .zip(self.bytes.iter().skip(usize::from(at)))
        {
            *byte = *place;
        }
        u32::from_le_bytes(bytes)
    }

    /// Software's write of one byte.
    pub(crate) fn write_byte(&mut self, at: u8, value: u8) {
        let index = usize::from(at);
        let writable = self.writable[index];
        self.bytes[index] = (self.bytes[index] & !writable) | (value & writable);
    }

    /// The command register.
    pub(crate) fn command(&self) -> u16 {
        u16::from_le_bytes([self.byte(offset::COMMAND), self.byte(offset::COMMAND + 1)])
    }

    /// Address of a memory BAR, without its type bits.
    pub(crate) fn bar(&self, index: u8) -> u64 {
        u64::from(self.word(offset::BAR_0 + index * 4) & !0xf)
    }

    /// Shows in the status register whether the INTx line is asserted.
    pub(crate) fn show_interrupt(&mut self, asserted: bool) {
        let status = self.byte(offset::STATUS) & !STATUS_INTERRUPT;
        let bit = if asserted { STATUS_INTERRUPT } else { 0 };
        self.set(offset::STATUS, &[status | bit]);
    }
}
