//! Who prints: components in lines, guests raw.

use alloc::{string::String, vec::Vec};

use crate::{backlog::Backlog, screen::CurrentLine};

/// Longer lines are cut in pieces.
pub(crate) const LINE_MAX: usize = 400;

/// A component: its lines appear with its name in front.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) name: String,
    /// The manifest lets it ask questions.
    pub(crate) may_ask: bool,
    pub(crate) asks: bool,
    /// What it printed since its last end of line.
    pub(crate) line: Vec<u8>,
}

/// A guest's terminal.
#[derive(Debug)]
pub(crate) struct View {
    pub(crate) name: String,
    /// What it printed while it did not have the screen.
    pub(crate) backlog: Backlog,
    /// The line that it was in when it lost the screen.
    pub(crate) line: CurrentLine,
}

impl Client {
    pub(crate) fn new(name: &str, may_ask: bool) -> Self {
        Self {
            name: name.into(),
            may_ask,
            asks: false,
            line: Vec::new(),
        }
    }

    /// Takes one printed byte; answers the line when it is complete.
    pub(crate) fn push(&mut self, byte: u8) -> Option<Vec<u8>> {
        match byte {
            b'\n' => return Some(core::mem::take(&mut self.line)),
            b'\r' => {}
            _ => self.line.push(byte),
        }
        (self.line.len() >= LINE_MAX).then(|| core::mem::take(&mut self.line))
    }
}

impl View {
    pub(crate) fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            backlog: Backlog::default(),
            line: CurrentLine::default(),
        }
    }
}
