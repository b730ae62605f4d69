//! The configuration space of the disk that the manifest names, with whatever is strange in it.

/// Where an honest disk has its MSI-X capability.
const CAPABILITY: u32 = 0x40;

/// Configuration space behind ports 0xcf8 and 0xcfc; every other place is empty.
pub(crate) struct Pci {
    selected: u32,
    registers: [u32; 64],
}

impl Pci {
    /// The disk, with some registers changed.
    pub(crate) fn new(changes: &[(u8, u32)]) -> Self {
        let mut registers = [0; 64];
        let mut put = |at: u32, value| registers[at as usize / 4] = value;
        put(0x00, 0x1042_1af4);
        // There are capabilities.
        put(0x04, 1 << 20);
        put(0x34, CAPABILITY);
        // MSI-X with four entries, its table in register 1 at offset 0.
        put(CAPABILITY, 0x11 | 3 << 16);
        put(CAPABILITY + 4, 1);
        for &(register, change) in changes {
            registers[usize::from(register) % 64] ^= change;
        }
        Self {
            selected: 0,
            registers,
        }
    }

    pub(crate) fn read(&self) -> u32 {
        self.here().map_or(u32::MAX, |index| self.registers[index])
    }

    pub(crate) fn out(&mut self, port: u16, value: u32) {
        if port == 0xcf8 {
            self.selected = value;
        } else if let Some(index) = self.here() {
            // Base address registers claim 16 KiB in register 4 (64 bits), 4 KiB in register 1.
            self.registers[index] = match index {
                5 => value & 0xffff_f000,
                8 => value & 0xffff_c000 | 4,
                1 => value & 0xffff | self.registers[1] & 0xffff_0000,
                _ => value,
            };
        }
    }

    /// The selected register, if it is one of 00:04.0.
    fn here(&self) -> Option<usize> {
        let function = self.selected >> 8 & 0xffff;
        (function == 4 << 3).then_some(self.selected as usize / 4 % 64)
    }
}
