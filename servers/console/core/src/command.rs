//! The console's own keys: those behind the attention key.

/// Control-T: no guest sees it, so what answers it is the console and nobody else.
pub(crate) const ATTENTION_KEY: u8 = 0x14;

/// What the human asks of the console.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// Pass one Control-T on.
    Literal,
    /// Show the screen and keyboard of the view with this number, from 0.
    View(usize),
    /// Show the next one that can be shown.
    Next,
    /// Answer the question that waits.
    Question,
    /// Say who has the screen.
    Status,
    /// Say which keys there are.
    Help,
}

impl Command {
    pub(crate) fn from_key(key: u8) -> Self {
        match key {
            ATTENTION_KEY => Self::Literal,
            b'1'..=b'9' => Self::View(usize::from(key - b'1')),
            b'n' => Self::Next,
            b'p' => Self::Question,
            b's' => Self::Status,
            _ => Self::Help,
        }
    }
}

/// The answer to [`Command::Help`].
pub(crate) const HELP: &str = "Ctrl-T, then: s who has the screen and how all are, n next, 1-9 that guest, \
                               p the question that waits, Ctrl-T itself, h this help";
