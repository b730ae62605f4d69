//! A bus with one function: a disk with a 64-bit register, a page for its MSI-X table, and the capability that says so.

/// Offset of the MSI-X capability.
const CAPABILITY: u8 = 0x40;

/// Configuration space behind ports 0xcf8 and 0xcfc.
pub(super) struct FakePci {
    selected: u32,
    registers: [u32; 64],
}

impl FakePci {
    pub(super) fn new() -> Self {
        let mut registers = [0; 64];
        registers[0] = 0x1042_1af4;
        // The status register says that there are capabilities; the firmware made it a bus master.
        registers[1] = 1 << 20 | 0b100;
        registers[2] = 0x0100_0000;
        registers[8] = 0x4;
        registers[0x34 / 4] = u32::from(CAPABILITY);
        // MSI-X, no further capability, four entries.
        registers[usize::from(CAPABILITY) / 4] = 0x11 | 3 << 16;
        // Table in BAR 1 at offset 0.
        registers[usize::from(CAPABILITY) / 4 + 1] = 1;
        Self {
            selected: 0,
            registers,
        }
    }

    /// Puts the MSI-X capability into the last register, where only a part of it has room.
    pub(super) fn cut_capability_off(&mut self) {
        self.registers[0x34 / 4] = 0xfc;
        self.registers[0xfc / 4] = 0x11 | 3 << 16;
    }

    pub(super) fn select(&mut self, address: u32) {
        self.selected = address;
    }

    pub(super) fn read(&self) -> u32 {
        self.here().map_or(u32::MAX, |index| self.registers[index])
    }

    pub(super) fn write(&mut self, value: u32) {
        let Some(index) = self.here() else { return };
        // Base addresses claim 16 KiB in registers 4 and 5 (64 bits), 4 KiB in register 1.
        let (kept, fixed) = match index {
            5 => (0xffff_f000, 0),
            8 => (0xffff_c000, 4),
            // Zeros do not change the status register, the command's upper half.
            1 => (0xffff, self.registers[1] & 0xffff_0000),
            _ => (u32::MAX, 0),
        };
        self.registers[index] = (value & kept) | fixed;
    }

    pub(super) fn register(&self, offset: usize) -> u32 {
        self.registers[offset / 4]
    }

    pub(super) fn message_control(&self) -> u32 {
        self.register(usize::from(CAPABILITY))
    }

    /// The selected register, if it is one of 00:04.0.
    fn here(&self) -> Option<usize> {
        let function = self.selected >> 8 & 0xffff;
        let offset = usize::try_from(self.selected & 0xfc).ok()?;
        (function == 4 << 3).then_some(offset / 4)
    }
}
