//! A channel to a component, or to a guest's terminal.

use runtime::shared_memory::{ByteReader, ByteWriter, Channel, ChannelError, Memory, OpenError};

/// Bytes that are taken from one before it is another's turn.
const TURN: usize = 256;

pub(crate) struct Source {
    pub(crate) name: &'static str,
    channel: Channel,
    text: ByteReader,
    keys: ByteWriter,
    broken: Broken,
    asked: bool,
    in_line: bool,
    /// How often it was asked how it is.
    status_asked: u64,
}

/// Whether the other side broke the channel's rules; it is not listened to any more then.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Broken {
    No,
    Yes,
}

/// What came from a source in its turn.
pub(crate) enum Turn<'a> {
    Text(&'a [u8]),
    Nothing,
    /// It broke the rules just now.
    Misbehaved,
}

impl Source {
    pub(crate) fn open(memory: &Memory, role: &str, name: &'static str) -> Result<Self, OpenError> {
        let channel = Channel::open_of(memory, role, name)?;
        Ok(Self {
            name,
            channel,
            text: channel.byte_reader()?,
            keys: channel.byte_writer()?,
            broken: Broken::No,
            asked: false,
            in_line: false,
            status_asked: 0,
        })
    }

    /// Takes some of what was printed. A sender whose stream was rather full is told that there is room.
    pub(crate) fn take<'a>(&mut self, buffer: &'a mut [u8; TURN]) -> Turn<'a> {
        if self.broken == Broken::Yes {
            return Turn::Nothing;
        }
        match self.read(buffer) {
            Ok(0) => Turn::Nothing,
            Ok(count) => {
                let text = &buffer[..count];
                self.in_line = text.last() != Some(&b'\n');
                Turn::Text(text)
            }
            // It was started afresh: a line that it died in ends here.
            Err(ChannelError::PeerReset) if core::mem::take(&mut self.in_line) => Turn::Text(b"\n"),
            Err(ChannelError::PeerReset) => Turn::Nothing,
            Err(ChannelError::PeerMisbehaved) => {
                self.broken = Broken::Yes;
                Turn::Misbehaved
            }
        }
    }

    /// Whether it asks for the screen and the keystrokes. When it has its answer, the keystrokes that
    /// it took are erased.
    pub(crate) fn asks(&mut self) -> bool {
        let asks =
            self.broken == Broken::No && self.channel.attention() == console_api::attention::ASKS;
        if core::mem::replace(&mut self.asked, asks) && !asks && self.wipe_keys().is_err() {
            self.broken = Broken::Yes;
        }
        asks
    }

    /// Those of a client that was started afresh too, once that is noticed.
    fn wipe_keys(&mut self) -> Result<(), ChannelError> {
        match self.keys.wipe_consumed() {
            Err(ChannelError::PeerReset) => self.keys.wipe_consumed(),
            wiped => wiped,
        }
    }

    /// Hands over a keystroke; one that does not fit is lost.
    pub(crate) fn press(&mut self, key: u8) {
        if self.broken == Broken::Yes {
            return;
        }
        let written = match self.keys.write(&[key]) {
            // It was started afresh; this key is for its new life.
            Err(ChannelError::PeerReset) => self.keys.write(&[key]),
            written => written,
        };
        if written == Ok(1) {
            self.channel.signal();
        }
    }

    /// Asks it to print how it is. Who has nothing to say about itself does not look.
    pub(crate) fn ask_for_status(&mut self) {
        self.status_asked += 1;
        self.channel.set_attention(self.status_asked);
        self.channel.signal();
    }

    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, ChannelError> {
        let was_rather_full = self.text.available()? > self.text.capacity() / 2;
        let count = self.text.read(buffer)?;
        if was_rather_full {
            self.channel.signal();
        }
        Ok(count)
    }
}

/// Room for one turn.
pub(crate) const fn turn_buffer() -> [u8; TURN] {
    [0; TURN]
}
