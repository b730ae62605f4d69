//! A question to the human at the console.

use shared_memory::{ByteReader, Channel, ChannelError, Memory, OpenError};

use crate::{Line, LineEnd, attention};

/// The right to ask. A component has one, over its channel `console`.
#[derive(Debug)]
pub struct Prompt {
    channel: Channel,
    keys: ByteReader,
}

impl Prompt {
    /// Opens the keystrokes of channel `console`.
    ///
    /// # Errors
    ///
    /// The manifest grants no such channel.
    pub fn open(memory: &Memory) -> Result<Self, OpenError> {
        Self::new(Channel::open(memory, "console")?)
    }

    /// The keystrokes of `channel`.
    ///
    /// # Errors
    ///
    /// The channel cannot carry any.
    pub fn new(channel: Channel) -> Result<Self, OpenError> {
        let keys = channel.byte_reader()?;
        Ok(Self { channel, keys })
    }

    /// The bits that the console's signal sets in this component's notification word.
    #[must_use]
    pub const fn badge(&self) -> u64 {
        self.channel.badge()
    }

    /// Takes keystrokes into `line` until it ends; `wait` returns when this component was signalled.
    ///
    /// The question is printed before, as a line without an end; the console ends it when the answer is
    /// there. Nothing that is typed appears on the
    /// screen. If the manifest does not allow this component to ask, no keystroke ever comes.
    ///
    /// # Errors
    ///
    /// The console misbehaved.
    pub fn ask(
        &mut self,
        line: &mut Line,
        mut wait: impl FnMut(),
    ) -> Result<LineEnd, ChannelError> {
        line.clear();
        self.begin()?;
        let end = loop {
            match self.take_keys(line) {
                Ok(None) => wait(),
                Ok(Some(end)) => break Ok(end),
                Err(error) => break Err(error),
            }
        };
        self.set_attention(attention::NONE);
        end
    }

    /// What was typed before the question is no answer to it.
    fn begin(&mut self) -> Result<(), ChannelError> {
        let mut stale = [0; 64];
        while self.keys.read(&mut stale)? > 0 {}
        self.set_attention(attention::ASKS);
        Ok(())
    }

    fn take_keys(&mut self, line: &mut Line) -> Result<Option<LineEnd>, ChannelError> {
        let mut key = [0];
        while self.keys.read(&mut key)? > 0 {
            let end = line.take(key[0]);
            key = [0];
            if end.is_some() {
                return Ok(end);
            }
        }
        Ok(None)
    }

    fn set_attention(&self, word: u64) {
        self.channel.set_attention(word);
        self.channel.signal();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_what_is_typed_while_asking() {
        let (ours, theirs) = Channel::simulated_pair(4096, None);
        let mut console = theirs.byte_writer().expect("large enough");
        let mut prompt = Prompt::new(ours).expect("large enough");
        console
            .write(b"typed too early\r")
            .expect("the peer behaves");
        let mut line = Line::new();
        let mut pieces = [&b"sec"[..], b"", b"ret\rmore"].into_iter();
        let end = prompt.ask(&mut line, || {
            assert_eq!(theirs.attention(), attention::ASKS);
            let piece = pieces.next().expect("the line ends before");
            console.write(piece).expect("the peer behaves");
        });
        assert_eq!(end, Ok(LineEnd::Entered));
        assert_eq!(line.as_bytes(), b"secret");
        assert_eq!(theirs.attention(), attention::NONE);
    }
}
