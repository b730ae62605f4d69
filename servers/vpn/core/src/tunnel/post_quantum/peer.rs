//! Exchanges in the life of a peer: when they begin, and what their result is used for.

use core::time::Duration;

use super::{
    Policy,
    carrier::Carrier,
    exchange::{News, Parties, Reaction},
    message::{Body, Message},
};
use crate::tunnel::{
    drops::DropReason,
    peer::Peer,
    session::Role,
    shared::{Moment, Shared},
    timers::take_due,
};

/// A key that was agreed on so long ago is replaced at the next session.
const RENEW_AFTER: Duration = Duration::from_secs(600);
/// So long a responder leaves the first word to the initiator.
const RESPONDER_WAITS: Duration = Duration::from_secs(1);

impl Peer {
    /// A session has begun: is an exchange needed in it?
    pub(in crate::tunnel) fn consider_exchange(
        &mut self,
        shared: &Shared,
        now: Duration,
        role: Role,
    ) {
        let is_fresh = |agreed: Duration| now.saturating_sub(agreed) < RENEW_AFTER;
        let has_fresh_key = self.preshared.agreed_at().is_some_and(is_fresh);
        if shared.policy == Policy::Off || has_fresh_key {
            return;
        }
        match role {
            Role::Initiator => self.exchange.begin_by(now),
            Role::Responder => self.exchange.begin_by(now + RESPONDER_WAITS),
        }
    }

    /// Begins an exchange, unless one is under way.
    pub(in crate::tunnel) fn begin_exchange(&mut self, shared: &Shared, now: Duration) {
        if shared.policy != Policy::Off && !self.exchange.is_under_way() {
            self.exchange.begin_by(now);
        }
    }

    /// Says what is due.
    pub(in crate::tunnel) fn continue_exchange(
        &mut self,
        shared: &mut Shared,
        moment: &mut Moment<'_>,
    ) {
        if !take_due(&mut self.exchange.due, moment.now) {
            return;
        }
        let current = self.sessions.current.as_ref();
        let has_session = current.is_some_and(|session| session.is_usable(moment.now));
        let Some(addresses) = shared.carrier.to_place().filter(|_| has_session) else {
            // The next session begins another.
            return self.exchange.abandon();
        };
        for message in self.exchange.speak(moment.now, &mut shared.random) {
            let packet = Carrier::wrap(addresses, &message);
            self.send_own(shared, moment, &packet);
        }
    }

    /// Takes a packet that comes from the place of exchanges or goes there.
    pub(in crate::tunnel) fn take_exchange(
        &mut self,
        shared: &mut Shared,
        moment: &mut Moment<'_>,
        packet: &[u8],
        is_from_peer: bool,
    ) -> Result<(), DropReason> {
        if shared.policy == Policy::Off {
            return Err(DropReason::Reserved);
        }
        let (addresses, message) = Carrier::unwrap(packet).ok_or(DropReason::NotAllowed)?;
        let message = Message::read(message).ok_or(DropReason::NotAllowed)?;
        let is_request = matches!(message.body, Body::Offer(_) | Body::Confirm(_));
        // Requests come from an address of the peer; answers from the place, which no allowed IPs need hold.
        let is_allowed = !is_request || is_from_peer;
        if is_request != addresses.leads_to_place() || !is_allowed {
            return Err(DropReason::NotAllowed);
        }
        let parties = Parties {
            configured: self.preshared.configured(),
            own: &shared.identity.public,
            peer: &self.correspondent.public,
        };
        let reaction = self.exchange.take(&message, parties, &mut shared.random);
        let Reaction { replies, news } = reaction;
        match news {
            Some(News::Expect(key)) => self.preshared.expect(key),
            Some(News::Confirmed(key)) => self.preshared.agree(key, moment.now),
            Some(News::Done(key)) => {
                self.preshared.agree(key, moment.now);
                self.initiate(shared, moment);
            }
            None => {}
        }
        for reply in replies {
            let packet = Carrier::wrap(addresses.reversed(), &reply);
            self.send_own(shared, moment, &packet);
        }
        Ok(())
    }
}
