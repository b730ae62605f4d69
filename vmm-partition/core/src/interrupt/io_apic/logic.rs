//! Reads, writes and lines.

use super::{
    registers::{
        ARBITRATION, END_OF_INTERRUPT, ENTRIES, ID, INPUTS, SELECT, VERSION, VERSION_VALUE, WINDOW,
        entry,
    },
    state::IoApic,
};
use crate::{
    interrupt::{Message, message::reaches_cpu},
    number::{high_u32, low_u8, low_u32},
};

impl IoApic {
    /// Reads the register at `offset` of the page.
    pub(crate) fn read(&self, offset: u64) -> u32 {
        match offset {
            SELECT => self.select,
            WINDOW => self.read_indexed(),
            _ => 0,
        }
    }

    /// Writes the register at `offset`; an unmasked pending line may answer with a message.
    pub(crate) fn write(&mut self, offset: u64, value: u32) -> Option<Message> {
        match offset {
            SELECT => self.select = value & 0xff,
            WINDOW => return self.write_indexed(value),
            END_OF_INTERRUPT => {
                let vector = low_u8(u64::from(value));
                return self.end_of_interrupt(vector, 0).map(|(_, message)| message);
            }
            _ => {}
        }
        None
    }

    /// Sets the level of an input; answers what is to be delivered.
    pub(crate) fn set_line(&mut self, input: u8, asserted: bool) -> Option<Message> {
        let bit = 1u32.checked_shl(u32::from(input))?;
        let was = self.lines & bit != 0;
        if asserted {
            self.lines |= bit;
        } else {
            self.lines &= !bit;
        }
        if asserted && !was {
            self.fire(usize::from(input), false)
        } else {
            None
        }
    }

    /// The service of `vector` ended: from input `first` on, finds a line that must be delivered again.
    pub(crate) fn end_of_interrupt(&mut self, vector: u8, first: u8) -> Option<(u8, Message)> {
        for input in first..u8::try_from(INPUTS).unwrap_or(0) {
            let index = usize::from(input);
            let Some(value) = self.entries.get_mut(index) else {
                break;
            };
            if *value & entry::REMOTE_IRR != 0 && low_u8(*value) == vector {
                *value &= !entry::REMOTE_IRR;
                if let Some(message) = self.fire_if_level(index) {
                    return Some((input, message));
                }
            }
        }
        None
    }

    fn read_indexed(&self) -> u32 {
        match self.select {
            ID | ARBITRATION => self.id,
            VERSION => VERSION_VALUE,
            index => match self.entry_of(index) {
                Some((value, false)) => low_u32(value),
                Some((value, true)) => high_u32(value),
                None => 0,
            },
        }
    }

    /// Entry that a register index names, and whether it is the upper half.
    fn entry_of(&self, index: u32) -> Option<(u64, bool)> {
        let half = index.checked_sub(ENTRIES)?;
        let value = self.entries.get(usize::try_from(half / 2).ok()?)?;
        Some((*value, half % 2 == 1))
    }

    fn write_indexed(&mut self, value: u32) -> Option<Message> {
        if self.select == ID {
            self.id = value & 0x0f00_0000;
            return None;
        }
        let half = self.select.checked_sub(ENTRIES)?;
        let index = usize::try_from(half / 2).ok()?;
        let old = *self.entries.get(index)?;
        let new = if half % 2 == 1 {
            (old & 0xffff_ffff) | (u64::from(value) << 32)
        } else {
            (old & !0xffff_ffff) | u64::from(value)
        };
        let mut merged = (new & entry::WRITABLE) | (old & !entry::WRITABLE);
        if merged & entry::LEVEL == 0 {
            merged &= !entry::REMOTE_IRR;
        }
        *self.entries.get_mut(index)? = merged;
        self.fire_if_level(index)
    }

    /// Sends the message of a level-triggered input whose line is asserted.
    fn fire_if_level(&mut self, index: usize) -> Option<Message> {
        let asserted = self.lines & (1 << index) != 0;
        if asserted {
            self.fire(index, true)
        } else {
            None
        }
    }

    /// Sends the message of an input, unless it is masked, addressed elsewhere or in service;
    /// edge-triggered inputs fire only when their line rises.
    fn fire(&mut self, index: usize, level_only: bool) -> Option<Message> {
        let value = self.entries.get_mut(index)?;
        let level = *value & entry::LEVEL != 0;
        let blocked = *value & entry::MASKED != 0 || *value & entry::REMOTE_IRR != 0;
        let destination = low_u8(*value >> entry::DESTINATION_SHIFT);
        if blocked
            || (level_only && !level)
            || !reaches_cpu(destination, *value & entry::LOGICAL != 0)
        {
            return None;
        }
        if level {
            *value |= entry::REMOTE_IRR;
        }
        Some(Message::from_fields(*value, level))
    }
}
