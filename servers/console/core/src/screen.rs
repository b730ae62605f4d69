//! What stands on the screen's current line, so that it can be interrupted and put back.

use alloc::{collections::VecDeque, vec::Vec};

/// Longer lines are not put back when they are interrupted.
const REMEMBERED_MAX: usize = 512;

/// Makes a terminal forget how a guest left it: the end of a string that the guest may have begun (ST,
/// ECMA-48 section 8.3.143), then a soft reset (DECSTR), which makes text visible, unscrolled and Latin again.
pub const TERMINAL_RESET: &[u8] = b"\x1b\\\x1b[!p";

/// Bytes on their way to the serial line, and the line that the cursor is in.
#[derive(Debug, Default)]
pub(crate) struct Screen {
    output: VecDeque<u8>,
    line: CurrentLine,
}

/// The bytes since the last end of line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct CurrentLine {
    bytes: Vec<u8>,
    overlong: bool,
}

impl CurrentLine {
    fn is_empty(&self) -> bool {
        self.bytes.is_empty() && !self.overlong
    }

    fn push(&mut self, byte: u8) {
        if byte == b'\n' {
            *self = Self::default();
            return;
        }
        // A carriage return that no line feed follows: the line is written anew.
        if self.bytes.last() == Some(&b'\r') && byte != b'\r' {
            *self = Self::default();
        }
        if self.bytes.len() < REMEMBERED_MAX {
            self.bytes.push(byte);
        } else {
            self.overlong = true;
        }
    }
}

impl Screen {
    /// Whether the cursor is at the start of an empty line.
    pub(crate) fn is_at_line_start(&self) -> bool {
        self.line.is_empty()
    }

    /// Puts bytes on the screen.
    pub(crate) fn put(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.output.push_back(byte);
            self.line.push(byte);
        }
    }

    /// Undoes what a guest did to the terminal. The cursor stays where it is.
    pub(crate) fn reset_terminal(&mut self) {
        self.output.extend(TERMINAL_RESET);
    }

    /// Puts a whole line on the screen.
    pub(crate) fn put_line(&mut self, line: &str) {
        self.put(line.as_bytes());
        self.put(b"\r\n");
    }

    /// Ends the current line if there is something in it, and answers what it was.
    pub(crate) fn interrupt(&mut self) -> CurrentLine {
        let line = core::mem::take(&mut self.line);
        if !line.is_empty() {
            self.output.extend(b"\r\n");
        }
        line
    }

    /// Puts an interrupted line back.
    pub(crate) fn resume(&mut self, line: &CurrentLine) {
        if !line.overlong {
            self.put(&line.bytes);
        }
    }

    /// Bytes on their way.
    pub(crate) fn waiting(&self) -> usize {
        self.output.len()
    }

    /// The next byte for the serial line.
    pub(crate) fn next(&mut self) -> Option<u8> {
        self.output.pop_front()
    }
}
