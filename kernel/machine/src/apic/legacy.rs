//! The two 8259 PICs: moved away from the exceptions' vectors, and masked for good.

use x86::io::outb;

const COMMAND: [u16; 2] = [0x20, 0xa0];
const DATA: [u16; 2] = [0x21, 0xa1];

/// Silences the PICs.
pub(crate) fn disable() {
    for (index, first_vector) in [(0, 0x20), (1, 0x28)] {
        // Initialise with four words: vectors, cascade on line 2, 8086 mode; then mask every line.
        let cascade = [4, 2][index];
        // SAFETY: the PICs belong to the kernel.
        unsafe {
            outb(COMMAND[index], 0x11);
            outb(DATA[index], first_vector);
            outb(DATA[index], cascade);
            outb(DATA[index], 1);
            outb(DATA[index], 0xff);
        }
    }
}
