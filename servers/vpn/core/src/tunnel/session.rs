//! A session: two keys, one for each direction, for three minutes at most.

use core::time::Duration;

use zerocopy::IntoBytes;

use super::{
    aead,
    datagram::Datagram,
    drops::DropReason,
    message::{DataHeader, OVERHEAD, kind},
    noise::{TAG_SIZE, TransportKeys},
    preshared::KeySource,
    replay::{self, ReplayWindow},
};

/// An initiator makes a new session when it sends and this one is so old (whitepaper, section 6.1).
pub(super) const REKEY_AFTER_TIME: Duration = Duration::from_secs(120);
/// A session so old is not used any more.
pub(super) const REJECT_AFTER_TIME: Duration = Duration::from_secs(180);
/// A new session is made after so many messages.
const REKEY_AFTER_MESSAGES: u64 = 1 << 60;
/// After so many messages a session is not used any more: the replay window must not reach the end of the counter.
const REJECT_AFTER_MESSAGES: u64 = u64::MAX - replay::WIDTH;

/// Who made a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Initiator,
    Responder,
}

/// What is known of a session when it begins.
#[derive(Clone, Copy)]
pub(super) struct Beginning {
    pub(super) role: Role,
    pub(super) local_index: u32,
    pub(super) remote_index: u32,
    pub(super) time: Duration,
    /// Where its preshared key came from.
    pub(super) source: KeySource,
}

/// A session. Its keys erase themselves.
pub(super) struct Session {
    pub(super) beginning: Beginning,
    sending: aead::Key,
    receiving: aead::Key,
    sent: u64,
    received: ReplayWindow,
}

impl Session {
    pub(super) fn new(beginning: Beginning, keys: &TransportKeys) -> Self {
        Self {
            beginning,
            sending: aead::Key::new(&keys.sending.0),
            receiving: aead::Key::new(&keys.receiving.0),
            sent: 0,
            received: ReplayWindow::new(),
        }
    }

    pub(super) fn age(&self, now: Duration) -> Duration {
        now.saturating_sub(self.beginning.time)
    }

    /// When it must not be used any more.
    pub(super) fn end(&self) -> Duration {
        self.beginning.time + REJECT_AFTER_TIME
    }

    pub(super) fn is_usable(&self, now: Duration) -> bool {
        now < self.end() && self.sent < REJECT_AFTER_MESSAGES
    }

    /// Whether its sender should make the next one.
    pub(super) fn wants_successor(&self, now: Duration) -> bool {
        let is_old = self.beginning.role == Role::Initiator && self.age(now) >= REKEY_AFTER_TIME;
        is_old || self.sent >= REKEY_AFTER_MESSAGES
    }

    /// Seals `packet`, padding included, as a data message at the beginning of `message`, and says how long that is.
    ///
    /// Nothing but the sealed packet is ever written to `message`: it may lie in memory that others read.
    pub(super) fn seal(&mut self, packet: &[u8], message: &mut [u8]) -> Result<usize, DropReason> {
        let length = packet.len() + OVERHEAD;
        let message = message.get_mut(..length).ok_or(DropReason::TooLarge)?;
        if self.sent >= REJECT_AFTER_MESSAGES {
            return Err(DropReason::NoSession);
        }
        let counter = self.sent;
        self.sent += 1;
        let header = DataHeader {
            kind: kind::DATA.into(),
            receiver: self.beginning.remote_index.into(),
            counter: counter.into(),
        };
        header
            .write_to_prefix(message)
            .map_err(|_| DropReason::TooLarge)?;
        let sealed = &mut message[size_of::<DataHeader>()..];
        let (text, tag) = sealed.split_at_mut(packet.len());
        tag.copy_from_slice(&self.sending.seal(counter, packet, text));
        Ok(length)
    }

    /// Opens the data message of that number into `packet`, which is as long as what was sealed. Each byte of the
    /// message is read once. Of one that was forged, nothing stays.
    pub(super) fn open(
        &mut self,
        counter: u64,
        message: &dyn Datagram,
        packet: &mut [u8],
    ) -> Result<(), DropReason> {
        if counter >= REJECT_AFTER_MESSAGES {
            return Err(DropReason::NoSession);
        }
        // Before the cipher, so that a flood of old messages costs little.
        let replayed = |_| DropReason::Replayed;
        self.received.check(counter).map_err(replayed)?;
        let begin = size_of::<DataHeader>();
        let mut tag = [0; TAG_SIZE];
        message.read(begin + packet.len(), &mut tag);
        let read = |at, part: &mut [u8]| message.read(begin + at, part);
        let opened = self.receiving.open(counter, read, &tag, packet);
        opened.map_err(|_| DropReason::Forged)?;
        self.received.accept(counter).map_err(replayed)
    }
}

#[cfg(test)]
mod tests {
    use alloc::{vec, vec::Vec};

    use super::*;
    use crate::tunnel::keys::SymmetricKey;

    const TEXT: [u8; 32] = [5; 32];

    /// One side of a session, which it did not begin.
    fn session(sending: u8, receiving: u8) -> Session {
        let beginning = Beginning {
            role: Role::Responder,
            local_index: 1,
            remote_index: 2,
            time: Duration::ZERO,
            source: KeySource::Configured,
        };
        let keys = TransportKeys {
            sending: SymmetricKey([sending; 32]),
            receiving: SymmetricKey([receiving; 32]),
        };
        Session::new(beginning, &keys)
    }

    fn sealed(session: &mut Session) -> Result<Vec<u8>, DropReason> {
        let mut message = vec![0; TEXT.len() + OVERHEAD];
        session.seal(&TEXT, &mut message).map(|_| message)
    }

    /// No number is used twice, and none beyond what the replay window can tell apart (whitepaper, section 6.1).
    #[test]
    fn messages_are_numbered_to_an_end() {
        let (mut one, mut other) = (session(1, 2), session(2, 1));
        one.sent = REKEY_AFTER_MESSAGES - 1;
        assert!(!one.wants_successor(Duration::ZERO));
        assert!(sealed(&mut one).is_ok());
        assert!(one.wants_successor(Duration::ZERO));

        let last = REJECT_AFTER_MESSAGES - 1;
        one.sent = last;
        assert!(one.is_usable(Duration::ZERO));
        let message = sealed(&mut one).expect("it is the last");
        assert!(!one.is_usable(Duration::ZERO));
        assert_eq!(sealed(&mut one), Err(DropReason::NoSession));

        let mut text = TEXT;
        let mut opened = |number| other.open(number, &&message[..], &mut text);
        assert_eq!(opened(REJECT_AFTER_MESSAGES), Err(DropReason::NoSession));
        assert_eq!(opened(u64::MAX), Err(DropReason::NoSession));
        assert_eq!(opened(last), Ok(()));
        assert_eq!(opened(last), Err(DropReason::Replayed));
    }

    #[test]
    fn sessions_end_by_their_time() {
        let mut one = session(1, 2);
        assert!(one.is_usable(REJECT_AFTER_TIME - Duration::from_nanos(1)));
        assert!(!one.is_usable(REJECT_AFTER_TIME));
        assert!(!one.wants_successor(REKEY_AFTER_TIME), "who began does it");
        one.beginning.role = Role::Initiator;
        assert!(one.wants_successor(REKEY_AFTER_TIME));
    }
}
