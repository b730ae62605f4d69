//! Packets of one peer: sealed, opened, and kept while there is no session.

use alloc::vec;
use core::{net::SocketAddr, time::Duration};

use super::{
    datagram::Datagram,
    drops::DropReason,
    message::{DataHeader, OVERHEAD},
    peer::Peer,
    preshared::KeySource,
    session::{REJECT_AFTER_TIME, Role, Session},
    shared::{Moment, Shared},
    timers::{KEEPALIVE_TIMEOUT, REKEY_TIMEOUT, take_due},
};

/// Packets are padded to a multiple of this, to tell less about their lengths (whitepaper, section 5.4.6).
pub(super) const PADDING: usize = 16;

/// What became of a packet that was to be sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sealed {
    /// The first `length` bytes of the message are to be sent to `to`.
    Message {
        /// The peer's endpoint.
        to: SocketAddr,
        /// Bytes.
        length: usize,
    },
    /// It waits for a session, and the tunnel has asked for one.
    Queued,
    /// It is gone.
    Dropped(DropReason),
}

/// How long a packet of `length` bytes is with its padding, which does not lead beyond `mtu`.
pub(super) fn padded(length: usize, mtu: usize) -> usize {
    length.next_multiple_of(PADDING).min(mtu.max(length))
}

impl Peer {
    /// Seals the packet of `length` bytes at the beginning of `buffer`, or keeps it.
    pub(super) fn seal(
        &mut self,
        shared: &mut Shared,
        moment: &mut Moment<'_>,
        buffer: &mut [u8],
        length: usize,
        message: &mut [u8],
    ) -> Result<Sealed, DropReason> {
        let to = self.endpoint.ok_or(DropReason::NoEndpoint)?;
        let Some(session) = usable(&mut self.sessions.current, shared, moment.now) else {
            if self.queue.push(&buffer[..length], &mut shared.waiting) {
                shared.counters.drop_one(DropReason::QueueFull);
            }
            self.want_session(shared, moment);
            return Ok(Sealed::Queued);
        };
        let end = padded(length, shared.mtu).min(buffer.len());
        buffer[length..end].fill(0);
        let sealed = session.seal(&buffer[..end], message)?;
        self.sent_data(shared, moment, length);
        Ok(Sealed::Message { to, length: sealed })
    }

    /// Sees to it that there will be a session for the guest's packets.
    fn want_session(&mut self, shared: &mut Shared, moment: &mut Moment<'_>) {
        let current = self.sessions.current.as_ref();
        if current.is_some_and(|session| session.is_usable(moment.now)) {
            // It may only not carry the guest's packets: an exchange leads to one that may.
            self.begin_exchange(shared, moment.now);
        } else {
            self.begin_handshake(shared, moment);
        }
    }

    fn sent_data(&mut self, shared: &mut Shared, moment: &mut Moment<'_>, length: usize) {
        shared.counters.packets_sent += 1;
        shared.counters.bytes_sent += length as u64;
        self.timers.sent(moment.now);
        self.timers.sent_data(moment.now, || shared.random.jitter());
        self.renew_if_old(shared, moment);
    }

    fn renew_if_old(&mut self, shared: &mut Shared, moment: &mut Moment<'_>) {
        let current = self.sessions.current.as_ref();
        if current.is_some_and(|session| session.wants_successor(moment.now)) {
            self.begin_handshake(shared, moment);
        }
    }

    /// Sends a packet of the tunnel's own, or nothing at all as a keepalive, in whatever session there is.
    pub(super) fn send_own(&mut self, shared: &mut Shared, moment: &mut Moment<'_>, packet: &[u8]) {
        let current = self.sessions.current.as_mut();
        let current = current.filter(|session| session.is_usable(moment.now));
        let (Some(session), Some(endpoint)) = (current, self.endpoint) else {
            return self.begin_handshake(shared, moment);
        };
        let mut message = vec![0; packet.len() + OVERHEAD];
        if let Ok(length) = session.seal(packet, &mut message) {
            moment.wire.send(endpoint, &message[..length]);
        }
        self.timers.sent(moment.now);
        self.renew_if_old(shared, moment);
    }

    /// Sends what has waited for the current session. Whether anything was sent.
    fn flush(&mut self, shared: &mut Shared, moment: &mut Moment<'_>) -> bool {
        let mut has_sent = false;
        let Some(endpoint) = self.endpoint else {
            return false;
        };
        while let Some(session) = usable(&mut self.sessions.current, shared, moment.now)
            && let Some(mut packet) = self.queue.pop(&mut shared.waiting)
        {
            let length = packet.len();
            packet.resize(padded(length, shared.mtu), 0);
            let mut message = vec![0; packet.len() + OVERHEAD];
            match session.seal(&packet, &mut message) {
                Ok(sealed) => {
                    moment.wire.send(endpoint, &message[..sealed]);
                    self.sent_data(shared, moment, length);
                    has_sent = true;
                }
                Err(reason) => shared.counters.drop_one(reason),
            }
        }
        has_sent
    }

    /// This side's handshake has succeeded: sends something, so that the peer may use the session too.
    pub(super) fn initiated_session_began(
        &mut self,
        shared: &mut Shared,
        moment: &mut Moment<'_>,
        source: SocketAddr,
    ) {
        self.endpoint = Some(source);
        self.timers.received(moment.now);
        if !self.flush(shared, moment) {
            self.send_own(shared, moment, &[]);
        }
        self.consider_exchange(shared, moment.now, Role::Initiator);
    }

    /// The peer uses the session that it asked for.
    fn offered_session_began(
        &mut self,
        shared: &mut Shared,
        moment: &mut Moment<'_>,
        source: KeySource,
    ) {
        shared.counters.sessions += 1;
        self.last_handshake = Some(moment.now);
        self.is_silent = false;
        self.preshared.used(source, moment.now);
        self.flush(shared, moment);
        self.consider_exchange(shared, moment.now, Role::Responder);
    }

    /// Opens a data message, whose header was read, into `packet`. Says under which kind of key it came.
    pub(super) fn open(
        &mut self,
        shared: &mut Shared,
        moment: &mut Moment<'_>,
        (source, header): (SocketAddr, &DataHeader),
        message: &dyn Datagram,
        packet: &mut [u8],
    ) -> Result<KeySource, DropReason> {
        let now = moment.now;
        let index = header.receiver.get();
        let session = self.sessions.find(index);
        let session = session.filter(|session| now < session.end());
        let session = session.ok_or(DropReason::NoSession)?;
        session.open(header.counter.get(), message, packet)?;
        let key_source = session.beginning.source;
        let is_near_end = session.beginning.role == Role::Initiator
            && session.age(now) + KEEPALIVE_TIMEOUT + REKEY_TIMEOUT >= REJECT_AFTER_TIME;
        self.endpoint = Some(source);
        self.timers.received(now);
        if self.sessions.confirm(index) {
            self.offered_session_began(shared, moment, key_source);
        } else if is_near_end && self.is_current(index) {
            self.begin_handshake(shared, moment);
        }
        Ok(key_source)
    }

    fn is_current(&self, index: u32) -> bool {
        let current = self.sessions.current.as_ref();
        current.is_some_and(|session| session.beginning.local_index == index)
    }

    /// Does what is due.
    pub(super) fn on_deadline(&mut self, shared: &mut Shared, moment: &mut Moment<'_>) {
        let now = moment.now;
        self.sessions.forget_ended(now);
        if take_due(&mut self.timers.initiation, now) {
            self.initiation_is_due(shared, moment);
        }
        if take_due(&mut self.timers.answer, now) {
            self.begin_handshake(shared, moment);
        }
        let passive = take_due(&mut self.timers.keepalive, now);
        let persistent = take_due(&mut self.timers.persistent, now);
        if persistent {
            self.timers.passed(now);
        }
        if passive || persistent {
            self.send_own(shared, moment, &[]);
        }
        self.continue_exchange(shared, moment);
    }

    /// When [`Peer::on_deadline`] has something to do.
    pub(super) fn next_deadline(&self) -> Option<Duration> {
        let all = [
            self.timers.first(),
            self.sessions.first_end(),
            self.exchange.deadline(),
        ];
        all.into_iter().flatten().min()
    }
}

/// The current session, if it may carry the guest's packets.
fn usable<'a>(
    current: &'a mut Option<Session>,
    shared: &Shared,
    now: Duration,
) -> Option<&'a mut Session> {
    let current = current.as_mut();
    current
        .filter(|session| session.is_usable(now) && shared.policy.admits(session.beginning.source))
}
