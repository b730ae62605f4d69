//! What is under way with one peer: an exchange of ours, an exchange of theirs.

use alloc::{boxed::Box, vec, vec::Vec};
use core::time::Duration;

use subtle::ConstantTimeEq;

use super::{
    agreement::{self, Agreement, Context, KeyPair},
    message::{Body, ExchangeId, HALF_SIZE, Half, Message, Whole, halves},
};
use crate::tunnel::{
    keys::{PresharedKey, PublicKey},
    random::Random,
};

/// What was said without an answer is said again after so long, twice that, and so on.
const FIRST_REPEAT: Duration = Duration::from_secs(1);
/// But never later than after this.
const LAST_REPEAT: Duration = Duration::from_secs(8);
/// After so many times an exchange is given up, until the next session or the guest's next packet.
const TRIES_MAX: u32 = 10;

/// Both exchanges of one peer.
#[derive(Default)]
pub(in crate::tunnel) struct Exchange {
    offered: Option<Offered>,
    answered: Option<Answered>,
    /// When to begin one, or to say again what has no answer.
    pub(super) due: Option<Duration>,
    tries: u32,
}

/// One that this side began.
struct Offered {
    id: ExchangeId,
    keys: KeyPair,
    ciphertext: Assembly,
    /// There once the answer is complete.
    agreement: Option<Agreement>,
}

/// One that the peer began.
struct Answered {
    id: ExchangeId,
    encapsulation_key: Assembly,
    /// There once the offer is complete.
    answer: Option<(Agreement, Box<Whole>)>,
    is_confirmed: bool,
}

/// Something of which the halves come one by one.
struct Assembly {
    whole: Box<Whole>,
    has: [bool; 2],
}

/// Who takes part.
#[derive(Clone, Copy)]
pub(super) struct Parties<'a> {
    pub(super) configured: &'a PresharedKey,
    pub(super) own: &'a PublicKey,
    pub(super) peer: &'a PublicKey,
}

/// What follows from a message.
#[derive(Default)]
pub(super) struct Reaction {
    /// What is to be said.
    pub(super) replies: Vec<Vec<u8>>,
    pub(super) news: Option<News>,
}

/// What is new about the preshared key.
pub(super) enum News {
    /// The peer uses it now or will soon.
    Expect(PresharedKey),
    /// This side began the exchange, and the peer uses the key: time for a handshake with it.
    Done(PresharedKey),
    /// The peer began the exchange, and has the key: use it from now on.
    Confirmed(PresharedKey),
}

impl Assembly {
    fn new() -> Self {
        Self {
            whole: Box::new([0; 2 * HALF_SIZE]),
            has: [false; 2],
        }
    }

    /// Adds a half. The whole thing, when this one completes it.
    fn add(&mut self, half: Half<'_>) -> Option<&Whole> {
        let number = usize::from(half.is_second);
        if self.has[number] {
            return None;
        }
        self.has[number] = true;
        self.whole.as_chunks_mut().0[number] = *half.bytes;
        (self.has == [true; 2]).then_some(&self.whole)
    }
}

impl Exchange {
    /// When there is something to say or to begin.
    pub(in crate::tunnel) fn deadline(&self) -> Option<Duration> {
        self.due
    }

    /// Sees to it that an exchange begins, or what it has said last is said, at `time` at the latest.
    pub(super) fn begin_by(&mut self, time: Duration) {
        self.due = Some(self.due.map_or(time, |due| due.min(time)));
        self.tries = 0;
    }

    /// Whether one of ours is under way or about to begin.
    pub(super) fn is_under_way(&self) -> bool {
        self.due.is_some()
    }

    /// Gives our own exchange up.
    pub(super) fn abandon(&mut self) {
        self.offered = None;
        self.due = None;
        self.tries = 0;
    }

    /// What our own exchange has to say now. It is begun for that if need be, and given up after too many tries.
    pub(super) fn speak(&mut self, now: Duration, random: &mut Random) -> Vec<Vec<u8>> {
        if self.tries == TRIES_MAX {
            self.abandon();
            return Vec::new();
        }
        let pause = FIRST_REPEAT * (1 << self.tries);
        self.due = Some(now + pause.min(LAST_REPEAT));
        self.tries += 1;
        let offered = self.offered.get_or_insert_with(|| Offered::new(random));
        offered.speak()
    }

    /// Takes a message of the peer.
    pub(super) fn take(
        &mut self,
        message: &Message<'_>,
        parties: Parties<'_>,
        random: &mut Random,
    ) -> Reaction {
        let id = message.id;
        match message.body {
            Body::Offer(half) => self.take_offer(id, half, parties, random),
            Body::Answer(half) => self.take_answer(id, half, parties),
            Body::Confirm(proof) => self.take_confirmation(id, proof),
            Body::Done(proof) => self.take_end(id, proof),
        }
    }

    fn take_offer(
        &mut self,
        id: ExchangeId,
        half: Half<'_>,
        parties: Parties<'_>,
        random: &mut Random,
    ) -> Reaction {
        if self.offered.is_some() && parties.own < parties.peer {
            // Both have begun. The offer of the lesser key counts.
            return Reaction::default();
        }
        self.abandon();
        let answered = self.answered.take_if(|answered| answered.id == id);
        let answered = self.answered.insert(answered.unwrap_or_else(|| Answered {
            id,
            encapsulation_key: Assembly::new(),
            answer: None,
            is_confirmed: false,
        }));
        if let Some(key) = answered.encapsulation_key.add(half) {
            let context = Context {
                configured: parties.configured,
                offerer: parties.peer,
                answerer: parties.own,
            };
            answered.answer = agreement::answer(&context, &id, key, random);
        } else if !half.is_second {
            // The first half again: the answer is said again once, not for each half.
            return Reaction::default();
        }
        let Some((_, ciphertext)) = &answered.answer else {
            return Reaction::default();
        };
        let replies = halves(ciphertext).map(|half| {
            let body = Body::Answer(half);
            Message { id, body }.to_bytes()
        });
        Reaction {
            replies: replies.collect(),
            news: None,
        }
    }

    fn take_answer(&mut self, id: ExchangeId, half: Half<'_>, parties: Parties<'_>) -> Reaction {
        let offered = self.offered.as_mut().filter(|offered| offered.id == id);
        let Some(offered) = offered else {
            return Reaction::default();
        };
        let Some(ciphertext) = offered.ciphertext.add(half) else {
            return Reaction::default();
        };
        let context = Context {
            configured: parties.configured,
            offerer: parties.own,
            answerer: parties.peer,
        };
        let agreement = offered.keys.agree(&context, &id, ciphertext);
        let news = Some(News::Expect(agreement.key.clone()));
        offered.agreement = Some(agreement);
        self.tries = 1;
        let replies = offered.speak();
        Reaction { replies, news }
    }

    fn take_confirmation(&mut self, id: ExchangeId, proof: &[u8]) -> Reaction {
        let answered = self.answered.as_mut().filter(|answered| answered.id == id);
        let Some(Answered {
            answer: Some((agreement, _)),
            is_confirmed,
            ..
        }) = answered
        else {
            return Reaction::default();
        };
        if !bool::from(agreement.offerers_proof[..].ct_eq(proof)) {
            return Reaction::default();
        }
        let is_first = !core::mem::replace(is_confirmed, true);
        let news = is_first.then(|| News::Confirmed(core::mem::take(&mut agreement.key)));
        let body = Body::Done(&agreement.answerers_proof);
        let replies = vec![Message { id, body }.to_bytes()];
        Reaction { replies, news }
    }

    fn take_end(&mut self, id: ExchangeId, proof: &[u8]) -> Reaction {
        let offered = self.offered.as_mut().filter(|offered| offered.id == id);
        let agreement = offered.and_then(|offered| offered.agreement.as_mut());
        let Some(agreement) = agreement else {
            return Reaction::default();
        };
        if !bool::from(agreement.answerers_proof[..].ct_eq(proof)) {
            return Reaction::default();
        }
        let key = core::mem::take(&mut agreement.key);
        self.abandon();
        Reaction {
            replies: Vec::new(),
            news: Some(News::Done(key)),
        }
    }
}

impl Offered {
    fn new(random: &mut Random) -> Self {
        let mut id = ExchangeId::default();
        random.fill(&mut id);
        Self {
            id,
            keys: KeyPair::generate(random),
            ciphertext: Assembly::new(),
            agreement: None,
        }
    }

    /// The offer; once it is answered, the confirmation.
    fn speak(&self) -> Vec<Vec<u8>> {
        let id = self.id;
        let message = |body| Message { id, body }.to_bytes();
        match &self.agreement {
            None => halves(&self.keys.encapsulation_key)
                .map(|half| message(Body::Offer(half)))
                .collect(),
            Some(agreement) => vec![message(Body::Confirm(&agreement.offerers_proof))],
        }
    }
}
