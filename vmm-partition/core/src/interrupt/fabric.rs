//! The interrupt controllers wired together.

use super::{Delivery, Message, io_apic::IoApic, local_apic::LocalApic, pic::Pic};

/// The interrupt controllers of the machine.
pub(crate) struct Fabric {
    /// The CPU's own controller.
    pub(crate) local_apic: LocalApic,
    io_apic: IoApic,
    pic: Pic,
    nmi_pending: bool,
}

impl Fabric {
    /// Controllers as after a reset.
    pub(crate) fn new() -> Self {
        Self {
            local_apic: LocalApic::new(),
            io_apic: IoApic::new(),
            pic: Pic::new(),
            nmi_pending: false,
        }
    }

    /// Sets the level of an I/O APIC input.
    pub(crate) fn set_line(&mut self, input: u8, asserted: bool) {
        if let Some(message) = self.io_apic.set_line(input, asserted) {
            self.deliver(message);
        }
    }

    /// A low-high-low pulse on an I/O APIC input.
    pub(crate) fn pulse(&mut self, input: u8) {
        self.set_line(input, true);
        self.set_line(input, false);
    }

    /// Delivers what a device wrote as a message-signalled interrupt.
    pub(crate) fn message_signalled(&mut self, address: u64, data: u32) {
        if let Some(message) = Message::from_msi(address, data) {
            self.deliver(message);
        }
    }

    /// Hands a message to the local APIC.
    pub(crate) fn deliver(&mut self, message: Message) {
        match message.delivery {
            Delivery::Vector(vector) => self.local_apic.request(vector, message.level),
            Delivery::Nmi => self.nmi_pending = true,
            Delivery::Ignored => {}
        }
    }

    /// The guest ended the service of its current interrupt.
    pub(crate) fn end_of_interrupt(&mut self) {
        if let Some(vector) = self.local_apic.end_of_interrupt() {
            self.io_apic_end(vector);
        }
    }

    /// Keeps a non-maskable interrupt for the next entry.
    pub(crate) fn hold_nmi(&mut self) {
        self.nmi_pending = true;
    }

    /// Takes a pending non-maskable interrupt.
    pub(crate) fn take_nmi(&mut self) -> bool {
        core::mem::take(&mut self.nmi_pending)
    }

    /// Whether the CPU has something to take at task priority `cr8`.
    pub(crate) fn has_work(&self, cr8: u64) -> bool {
        self.nmi_pending || self.local_apic.deliverable(cr8).is_some()
    }

    /// Reads an I/O APIC register.
    pub(crate) fn io_apic_read(&self, offset: u64) -> u32 {
        self.io_apic.read(offset)
    }

    /// Writes an I/O APIC register.
    pub(crate) fn io_apic_write(&mut self, offset: u64, value: u32) {
        if let Some(message) = self.io_apic.write(offset, value) {
            self.deliver(message);
        }
    }

    /// Reads an 8259 port.
    pub(crate) fn pic_read(&self, port: u16) -> u8 {
        self.pic.read(port)
    }

    /// Writes an 8259 port.
    pub(crate) fn pic_write(&mut self, port: u16, value: u8) {
        self.pic.write(port, value);
    }

    /// A line that is still asserted when its service ends is delivered again.
    fn io_apic_end(&mut self, vector: u8) {
        let mut first_input = 0;
        while let Some((input, message)) = self.io_apic.end_of_interrupt(vector, first_input) {
            self.deliver(message);
            first_input = input + 1;
        }
    }
}
