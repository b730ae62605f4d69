//! A question to the human at the console.

use shared_memory::{ByteReader, Channel, ChannelError, Memory, OpenError};

use crate::{Line, LineEnd, attention};

/// The right to ask. A component has one, over its channel `console`.
///
/// From the first question until this value is dropped the component has the screen and every keystroke:
/// what is typed between two tries reaches nobody else.
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

    /// Takes the screen and throws away what was typed before. To be called before the question is printed, as
    /// a line without an end.
    ///
    /// # Errors
    ///
    /// The console misbehaved.
    pub fn begin(&mut self) -> Result<(), ChannelError> {
        let mut stale = [0; 64];
        while self.keys.read(&mut stale)? > 0 {}
        self.set_attention(attention::ASKS);
        Ok(())
    }

    /// Takes keystrokes into `line` until it ends; `wait` returns when this component was signalled.
    ///
    /// Nothing that is typed appears on the screen. If the manifest does not allow this component to ask, no
    /// keystroke ever comes.
    ///
    /// # Errors
    ///
    /// The console misbehaved.
    pub fn answer(
        &mut self,
        line: &mut Line,
        mut wait: impl FnMut(),
    ) -> Result<LineEnd, ChannelError> {
        line.clear();
        loop {
            match self.take_keys(line)? {
                None => wait(),
                Some(end) => return Ok(end),
            }
        }
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

impl Drop for Prompt {
    fn drop(&mut self) {
        self.set_attention(attention::NONE);
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
        prompt.begin().expect("the peer behaves");
        let mut line = Line::new();
        let mut pieces = [&b"sec"[..], b"", b"ret\rmore"].into_iter();
        let end = prompt.answer(&mut line, || {
            assert_eq!(theirs.attention(), attention::ASKS);
            let piece = pieces.next().expect("the line ends before");
            console.write(piece).expect("the peer behaves");
        });
        assert_eq!(end, Ok(LineEnd::Entered));
        assert_eq!(line.as_bytes(), b"secret");
    }

    #[test]
    fn keystrokes_between_two_tries_reach_nobody() {
        let (ours, theirs) = Channel::simulated_pair(4096, None);
        let mut console = theirs.byte_writer().expect("large enough");
        let mut prompt = Prompt::new(ours).expect("large enough");
        let mut line = Line::new();
        prompt.begin().expect("the peer behaves");
        console.write(b"wrong\rsecret\r").expect("the peer behaves");
        let end = prompt.answer(&mut line, || unreachable!("all is there"));
        assert_eq!(end, Ok(LineEnd::Entered));
        // The delay before the next try: the console must not hand keystrokes to the guest again.
        assert_eq!(theirs.attention(), attention::ASKS);
        prompt.begin().expect("the peer behaves");
        console.write(b"right\r").expect("the peer behaves");
        let end = prompt.answer(&mut line, || unreachable!("all is there"));
        assert_eq!(end, Ok(LineEnd::Entered));
        assert_eq!(line.as_bytes(), b"right");
        drop(prompt);
        assert_eq!(theirs.attention(), attention::NONE);
    }
}
