//! One peer: what is known of it, and what is under way.

use alloc::vec::Vec;
use core::{net::SocketAddr, time::Duration};

use zerocopy::{FromZeros, IntoBytes};

use super::{
    cookie::CookieJar,
    drops::DropReason,
    index::PeerNumber,
    keys::PublicKey,
    message::{CookieReply, Initiation, Response, TIMESTAMP_SIZE, kind},
    noise::{Correspondent, FirstMessage, Initiator, Introduced, SecondMessage, TransportKeys},
    post_quantum::Exchange,
    preshared::{KeySource, PresharedKeys},
    queue::Queue,
    session::{Beginning, Role, Session},
    sessions::Sessions,
    shared::{Moment, Shared},
    timers::{REKEY_ATTEMPT_TIME, REKEY_TIMEOUT, Timers},
    timestamp::{Timestamp, TimestampSource},
};
use crate::configuration;

/// Bound into every handshake (whitepaper, section 5.4.1).
pub(super) const PROLOGUE: &[u8] = b"WireGuard v1 zx2c4 Jason@zx2c4.com";
/// The least time between two initiations of one peer.
const INITIATION_INTERVAL: Duration = Duration::from_millis(20);
/// After so many initiations without an answer a peer is called silent.
const SILENCE: usize = 2;

/// A peer.
pub(super) struct Peer {
    pub(super) number: PeerNumber,
    pub(super) correspondent: Correspondent,
    /// Where it was heard of last.
    pub(super) endpoint: Option<SocketAddr>,
    /// Where it is configured to be.
    configured: Option<SocketAddr>,
    pub(super) sessions: Sessions,
    pub(super) timers: Timers,
    pub(super) queue: Queue,
    pub(super) preshared: PresharedKeys,
    pub(super) exchange: Exchange,
    /// When the last session began.
    pub(super) last_handshake: Option<Duration>,
    /// It left [`SILENCE`] initiations without an answer since the last session began, or ever.
    pub(super) is_silent: bool,
    cookies: CookieJar,
    pending: Option<Pending>,
    initiation_sent: Option<Duration>,
    timestamps: TimestampSource,
    /// The greatest timestamp that it has sent, and when that was.
    heard: Option<(Timestamp, Duration)>,
}

/// A handshake that this side began and the peer has not answered.
struct Pending {
    began: Duration,
    /// Initiations that were sent before the last one.
    attempt: usize,
    local_index: u32,
    initiator: Initiator,
}

impl Peer {
    /// The peer that the configuration describes.
    pub(super) fn new(
        number: PeerNumber,
        correspondent: Correspondent,
        configured: &configuration::Peer,
        remembered_labels: Duration,
    ) -> Self {
        Self {
            number,
            endpoint: configured.endpoint,
            configured: configured.endpoint,
            sessions: Sessions::default(),
            timers: Timers::new(configured.persistent_keepalive),
            queue: Queue::default(),
            preshared: PresharedKeys::new(configured.preshared_key.clone()),
            exchange: Exchange::default(),
            last_handshake: None,
            is_silent: false,
            cookies: CookieJar::new(&correspondent.public),
            pending: None,
            initiation_sent: None,
            timestamps: TimestampSource::new(remembered_labels),
            heard: None,
            correspondent,
        }
    }

    pub(super) fn public_key(&self) -> &PublicKey {
        &self.correspondent.public
    }

    /// Begins a handshake, unless one is under way. One that follows the last too closely waits a little.
    pub(super) fn begin_handshake(&mut self, shared: &mut Shared, moment: &mut Moment<'_>) {
        let earliest = self
            .initiation_sent
            .map_or(Duration::ZERO, |sent| sent + REKEY_TIMEOUT);
        if self.pending.is_some() || self.timers.initiation.is_some() {
        } else if moment.now < earliest {
            self.timers.initiation = Some(earliest);
        } else {
            self.initiate(shared, moment);
        }
    }

    /// The deadline for an initiation has come: sends it, or gives up.
    pub(super) fn initiation_is_due(&mut self, shared: &mut Shared, moment: &mut Moment<'_>) {
        let has_waited = |pending: &Pending| moment.now >= pending.began + REKEY_ATTEMPT_TIME;
        if self.pending.as_ref().is_some_and(has_waited) {
            self.pending = None;
            for _ in 0..self.queue.clear(&mut shared.waiting) {
                shared.counters.drop_one(DropReason::QueueFull);
            }
        } else {
            self.initiate(shared, moment);
        }
    }

    /// Sends an initiation; the one before, if it has no answer yet, counts no more.
    pub(super) fn initiate(&mut self, shared: &mut Shared, moment: &mut Moment<'_>) {
        let now = moment.now;
        let (began, attempt) = match &self.pending {
            Some(pending) => (pending.began, pending.attempt + 1),
            None => (now, 0),
        };
        let Some(endpoint) = self.place_to_try(attempt) else {
            return shared.counters.drop_one(DropReason::NoEndpoint);
        };
        let time = shared.boot_time.saturating_add(now);
        self.is_silent |= attempt >= SILENCE;
        let timestamp = self.timestamps.next(time, attempt);
        shared.labels.note(self.timestamps.told());
        let local_index = self.number.new_index(&mut shared.random);
        let mut message = Initiation::new_zeroed();
        message.kind = kind::INITIATION.into();
        message.sender = local_index.into();
        message.timestamp[..TIMESTAMP_SIZE].copy_from_slice(&timestamp);
        let ephemeral = shared.random.secret_key();
        let (identity, peer) = (&shared.identity, &self.correspondent);
        let begun = Initiator::begin(PROLOGUE, identity, peer, ephemeral, message.parts());
        let Ok(initiator) = begun else {
            // The peer's key was found good when the tunnel was made.
            return shared.counters.drop_one(DropReason::Forged);
        };
        self.cookies.stamp(message.as_mut_bytes(), now);
        moment.wire.send(endpoint, message.as_bytes());
        shared.counters.initiations_sent += 1;
        self.pending = Some(Pending {
            began,
            attempt,
            local_index,
            initiator,
        });
        self.initiation_sent = Some(now);
        self.timers.initiation = Some(now + REKEY_TIMEOUT + shared.random.jitter());
        self.timers.sent(now);
    }

    /// Where the peer is looked for: where it was heard of last, then where it is configured to be, and so on. Whoever is on
    /// the way can make it seem elsewhere; when he is gone, nobody is there.
    fn place_to_try(&self, attempt: usize) -> Option<SocketAddr> {
        if attempt.is_multiple_of(2) {
            self.endpoint
        } else {
            self.configured.or(self.endpoint)
        }
    }

    /// Reads the answer to the pending initiation and begins the session.
    pub(super) fn take_response(
        &mut self,
        shared: &mut Shared,
        message: &Response,
        now: Duration,
    ) -> Result<(), DropReason> {
        let pending = self.pending.as_ref();
        let index = message.receiver.get();
        let pending = pending.filter(|pending| pending.local_index == index);
        let pending = pending.ok_or(DropReason::NoSession)?;
        let read = |(source, key)| {
            let (mut ephemeral, mut nothing) = (message.ephemeral, message.nothing);
            let parts = SecondMessage {
                ephemeral: &mut ephemeral,
                payload: &mut nothing,
            };
            let keys = pending.initiator.finish(&shared.identity, key, parts);
            keys.ok().map(|keys| (source, keys))
        };
        let mut read = self.preshared.candidates().filter_map(read);
        let (source, keys): (KeySource, TransportKeys) = read.next().ok_or(DropReason::Forged)?;
        drop(read);
        self.pending = None;
        self.timers.initiation = None;
        self.timestamps.answered();
        shared.labels.note(self.timestamps.told());
        self.preshared.used(source, now);
        self.sessions.begin(Session::new(
            Beginning {
                role: Role::Initiator,
                local_index: index,
                remote_index: message.sender.get(),
                time: now,
                source,
            },
            &keys,
        ));
        shared.counters.sessions += 1;
        self.last_handshake = Some(now);
        self.is_silent = false;
        Ok(())
    }

    /// Answers an initiation of which the first half was read, once for each preshared key that it may mean.
    pub(super) fn answer(
        &mut self,
        shared: &mut Shared,
        introduced: Introduced,
        message: &mut Initiation,
        moment: &mut Moment<'_>,
        source: SocketAddr,
    ) -> Result<(), DropReason> {
        let now = moment.now;
        let responder = introduced.prove(&self.correspondent, message.parts());
        let responder = responder.map_err(|_| DropReason::Forged)?;
        let timestamp: Timestamp = core::array::from_fn(|index| message.timestamp[index]);
        if let Some((greatest, heard)) = self.heard {
            if timestamp <= greatest {
                return Err(DropReason::Replayed);
            }
            if now < heard + INITIATION_INTERVAL {
                return Err(DropReason::TooMany);
            }
        }
        self.heard = Some((timestamp, now));
        let mut sessions = Vec::new();
        for (key_source, key) in self.preshared.candidates() {
            let local_index = self.number.new_index(&mut shared.random);
            let mut response = Response::new_zeroed();
            response.kind = kind::RESPONSE.into();
            response.sender = local_index.into();
            response.receiver = message.sender;
            let ephemeral = shared.random.secret_key();
            let parts = SecondMessage {
                ephemeral: &mut response.ephemeral,
                payload: &mut response.nothing,
            };
            let keys = responder.answer(&ephemeral, key, parts);
            let keys = keys.map_err(|_| DropReason::Forged)?;
            let beginning = Beginning {
                role: Role::Responder,
                local_index,
                remote_index: message.sender.get(),
                time: now,
                source: key_source,
            };
            sessions.push(Session::new(beginning, &keys));
            self.cookies.stamp(response.as_mut_bytes(), now);
            moment.wire.send(source, response.as_bytes());
        }
        self.endpoint = Some(source);
        self.sessions.offer(sessions);
        self.timers.received(now);
        self.timers.sent(now);
        Ok(())
    }

    /// Takes a cookie for the next try.
    pub(super) fn take_cookie(
        &mut self,
        reply: &CookieReply,
        now: Duration,
    ) -> Result<(), DropReason> {
        let is_ours = self.cookies.take(reply, now);
        if is_ours {
            Ok(())
        } else {
            Err(DropReason::Forged)
        }
    }
}

impl Initiation {
    /// Where the handshake finds its parts.
    pub(super) fn parts(&mut self) -> FirstMessage<'_> {
        FirstMessage {
            ephemeral: &mut self.ephemeral,
            static_key: &mut self.static_key,
            payload: &mut self.timestamp,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What servers/vpn/README.md says of a peer's memory, without its packets.
    #[test]
    fn a_peer_takes_16_kib_at_most() {
        // Two sessions lie in the peer, and up to three more, for which a vector may take room for four.
        let sessions = 4 * size_of::<Session>();
        // Two exchanges have a key and a ciphertext each (FIPS 203, table 3).
        let exchanges = 4 * 1568;
        let whole = size_of::<Peer>() + sessions + exchanges;
        assert!(whole <= 16 << 10, "{whole}");
    }
}
