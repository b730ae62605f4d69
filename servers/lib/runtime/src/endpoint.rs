//! Typed messages over endpoints: a request and a reply, coded by postcard into the message words.
//!
//! Word 0 holds the number of bytes, the bytes follow. A message of the component's own kind has
//! the label [`LABEL`]; the kernel's fault messages have labels from 1 to 6.

use kernel_calls::{Ipc, Received};
use sel4_sys::{
    MessageInfo,
    message::{MESSAGE_REGISTERS, MESSAGE_WORDS_MAX},
};
use serde::{Serialize, de::DeserializeOwned};

use crate::notification::SIGNAL_MARK;

/// Label of typed messages.
const LABEL: u64 = 0x5e15;
/// Label of the empty answer that the supervisor gives for a server that died with a call unanswered.
pub const PEER_RESET: u64 = 0x5e16;
/// Words of the largest message.
#[expect(clippy::cast_possible_truncation, reason = "the constant is 120")]
const WORDS: usize = MESSAGE_WORDS_MAX as usize;
/// Bytes of the largest request or reply.
const BYTES: usize = (WORDS - 1) * 8;

/// Why a call has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallError {
    /// The request does not fit into a message.
    TooLong,
    /// The answer is none that this program knows; for instance that of a server that cannot read the request.
    Unintelligible,
    /// The server was started afresh before it answered; it may or may not have done what it was asked for.
    PeerReset,
}

/// The right to call a server.
#[derive(Clone, Copy)]
pub struct Endpoint {
    ipc: Ipc,
    slot: u64,
}

impl Endpoint {
    /// The capability in `slot`.
    #[must_use]
    pub const fn new(ipc: Ipc, slot: u64) -> Self {
        Self { ipc, slot }
    }

    /// Sends `request` and waits for the reply, for as long as the server takes: call only servers
    /// that you trust to answer.
    ///
    /// # Errors
    ///
    /// The request is too long, the reply is not one, or the server was started afresh.
    pub fn call<Q: Serialize, R: DeserializeOwned>(&self, request: &Q) -> Result<R, CallError> {
        let message = Message::encode(request).ok_or(CallError::TooLong)?;
        message.fill_buffer(&self.ipc);
        let reply = self.ipc.call(self.slot, message.info(), message.head());
        if reply.info.label() == PEER_RESET {
            return Err(CallError::PeerReset);
        }
        Message::received(&self.ipc, &reply)
            .and_then(|reply| reply.decode())
            .ok_or(CallError::Unintelligible)
    }
}

/// This component's own endpoint, and the reply object with which it answers one caller at a time.
#[derive(Clone, Copy)]
pub struct Server {
    ipc: Ipc,
    endpoint: u64,
    reply: u64,
}

/// What a server was woken by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Signals to the bound notification: the joined badges.
    Signals(u64),
    /// A message; also a fault of a thread that this server looks after.
    Message(Request),
}

/// A message that came in on the endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// Badge of the caller's capability: who it is.
    pub badge: u64,
    /// What the kernel delivered.
    pub received: Received,
}

impl Server {
    /// The endpoint and the reply object in these slots.
    #[must_use]
    pub const fn new(ipc: Ipc, endpoint: u64, reply: u64) -> Self {
        Self {
            ipc,
            endpoint,
            reply,
        }
    }

    /// Waits for the next message or signal.
    #[must_use]
    pub fn receive(&self) -> Event {
        Event::new(self.ipc.recv(self.endpoint, self.reply))
    }

    /// Answers the caller whose message came last, then waits for the next message or signal.
    ///
    /// An answer that does not fit goes out empty; the caller takes it for [`CallError::Unintelligible`].
    #[must_use]
    pub fn reply_and_receive<R: Serialize>(&self, reply: &R) -> Event {
        match Message::encode(reply) {
            Some(message) => {
                message.fill_buffer(&self.ipc);
                self.send_reply(message.info(), message.head())
            }
            None => self.refuse_and_receive(),
        }
    }

    /// Answers with an empty message (to what is no request), then waits for the next message or signal.
    #[must_use]
    pub fn refuse_and_receive(&self) -> Event {
        self.send_reply(MessageInfo::new(0, 0, 0), [0; MESSAGE_REGISTERS])
    }

    /// The request in the message that came last; `None` if it is none that this server knows.
    #[must_use]
    pub fn decode<Q: DeserializeOwned>(&self, request: &Request) -> Option<Q> {
        Message::received(&self.ipc, &request.received)?.decode()
    }

    fn send_reply(&self, info: MessageInfo, head: [u64; MESSAGE_REGISTERS]) -> Event {
        Event::new(self.ipc.reply_recv(self.endpoint, info, head, self.reply))
    }
}

impl Event {
    fn new(received: Received) -> Self {
        if received.badge & SIGNAL_MARK == 0 {
            let badge = received.badge;
            Self::Message(Request { badge, received })
        } else {
            Self::Signals(received.badge & !SIGNAL_MARK)
        }
    }
}

/// The words of a typed message.
struct Message {
    words: [u64; WORDS],
    used: usize,
}

impl Message {
    fn encode<M: Serialize>(content: &M) -> Option<Self> {
        let mut bytes = [0; BYTES];
        let length = postcard::to_slice(content, &mut bytes).ok()?.len();
        let mut words = [0; WORDS];
        words[0] = length as u64;
        for (word, bytes) in words[1..].iter_mut().zip(bytes.as_chunks().0) {
            *word = u64::from_le_bytes(*bytes);
        }
        let used = 1 + length.div_ceil(8);
        Some(Self { words, used })
    }

    fn decode<M: DeserializeOwned>(&self) -> Option<M> {
        let mut bytes = [0; BYTES];
        for (bytes, word) in bytes.as_chunks_mut().0.iter_mut().zip(&self.words[1..]) {
            *bytes = word.to_le_bytes();
        }
        let length = usize::try_from(self.words[0]).ok()?;
        if length > (self.used - 1) * 8 {
            return None;
        }
        postcard::from_bytes(bytes.get(..length)?).ok()
    }

    /// Copies a message that came in out of the buffer.
    fn received(ipc: &Ipc, received: &Received) -> Option<Self> {
        let used = usize::try_from(received.info.length()).ok()?.min(WORDS);
        if received.info.label() != LABEL || used == 0 {
            return None;
        }
        let mut words = [0; WORDS];
        for (index, word) in words[..used].iter_mut().enumerate() {
            *word = ipc.word(index);
        }
        Some(Self { words, used })
    }

    fn fill_buffer(&self, ipc: &Ipc) {
        let behind = (MESSAGE_REGISTERS..self.used).map(|index| (index, self.words[index]));
        behind.for_each(|(index, word)| ipc.set_word(index, word));
    }

    fn info(&self) -> MessageInfo {
        MessageInfo::new(LABEL, 0, self.used as u64)
    }

    fn head(&self) -> [u64; MESSAGE_REGISTERS] {
        let [a, b, c, d, ..] = self.words;
        [a, b, c, d]
    }
}

impl core::fmt::Display for CallError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::TooLong => "the request does not fit into a message",
            Self::Unintelligible => "the server's answer makes no sense",
            Self::PeerReset => "the server was started afresh",
        })
    }
}

impl core::error::Error for CallError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_carry_their_content() {
        let content = (7u32, Some([1u8, 2, 3]), u64::MAX);
        let message = Message::encode(&content).expect("short");
        assert_eq!(message.used, 1 + (1 + 1 + 3 + 10usize).div_ceil(8));
        assert_eq!(message.decode(), Some(content));
    }

    #[test]
    fn lengths_that_lie_are_refused() {
        let mut message = Message::encode(&[5u8; 20]).expect("short");
        for length in [25, 8 * WORDS as u64, u64::MAX] {
            message.words[0] = length;
            assert_eq!(message.decode::<[u8; 20]>(), None);
        }
        message.words[0] = 19;
        assert_eq!(message.decode::<[u8; 20]>(), None);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert!(Message::encode(&[[0u8; 32]; 30]).is_none());
        assert!(Message::encode(&[[0u8; 28]; 30]).is_some());
    }
}
