//! Reads and writes.

use super::{
    registers::{
        FOUR_WORDS, INITIALIZE, MASTER_COMMAND, MASTER_DATA, SINGLE, SLAVE_COMMAND, SLAVE_DATA,
    },
    state::{Chip, Pic},
};

impl Pic {
    /// Reads a port: the mask, or status without any request.
    pub(crate) fn read(&self, port: u16) -> u8 {
        match port {
            MASTER_DATA => self.chips[0].mask,
            SLAVE_DATA => self.chips[1].mask,
            _ => 0,
        }
    }

    /// Writes a port.
    pub(crate) fn write(&mut self, port: u16, value: u8) {
        match port {
            MASTER_COMMAND => self.chips[0].command(value),
            MASTER_DATA => self.chips[0].data(value),
            SLAVE_COMMAND => self.chips[1].command(value),
            SLAVE_DATA => self.chips[1].data(value),
            _ => {}
        }
    }
}

impl Chip {
    fn command(&mut self, value: u8) {
        if value & INITIALIZE != 0 {
            self.mask = 0;
            self.words_to_come =
                1 + u8::from(value & SINGLE == 0) + u8::from(value & FOUR_WORDS != 0);
        }
    }

    fn data(&mut self, value: u8) {
        if self.words_to_come > 0 {
            self.words_to_come -= 1;
        } else {
            self.mask = value;
        }
    }
}
