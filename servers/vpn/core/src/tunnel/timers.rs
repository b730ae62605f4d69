//! When something is to be done for one peer although nothing comes (whitepaper, section 6).

use core::time::Duration;

/// After so long without an answer an initiation is sent again.
pub(super) const REKEY_TIMEOUT: Duration = Duration::from_secs(5);
/// After so long a handshake is given up, until there is something to send.
pub(super) const REKEY_ATTEMPT_TIME: Duration = Duration::from_secs(90);
/// Who has received data and has nothing to say says so after this time.
pub(super) const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);
/// Who has sent data and heard nothing for so long makes a new session.
const ANSWER_TIMEOUT: Duration = KEEPALIVE_TIMEOUT.saturating_add(REKEY_TIMEOUT);

/// The deadlines of one peer.
#[derive(Default)]
pub(super) struct Timers {
    /// An initiation is due: again, or for the first time after a handshake that was a moment ago.
    pub(super) initiation: Option<Duration>,
    /// Data was sent and nothing has come since; a new handshake is due then.
    pub(super) answer: Option<Duration>,
    /// Data came and nothing was sent since; a keepalive is due then.
    pub(super) keepalive: Option<Duration>,
    /// A keepalive is due because the configuration asks for one now and then.
    pub(super) persistent: Option<Duration>,
    /// How often it asks.
    interval: Option<Duration>,
}

impl Timers {
    /// With a persistent keepalive, one is due at once.
    pub(super) fn new(interval: Option<Duration>) -> Self {
        Self {
            persistent: interval.map(|_| Duration::ZERO),
            interval,
            ..Self::default()
        }
    }

    /// Anything authentic was sent.
    pub(super) fn sent(&mut self, now: Duration) {
        self.keepalive = None;
        self.passed(now);
    }

    /// Data was sent. A little of chance keeps the peers from doing everything at the same moment.
    pub(super) fn sent_data(&mut self, now: Duration, jitter: impl FnOnce() -> Duration) {
        self.answer
            .get_or_insert_with(|| now + ANSWER_TIMEOUT + jitter());
    }

    /// Anything authentic was received.
    pub(super) fn received(&mut self, now: Duration) {
        self.answer = None;
        self.passed(now);
    }

    /// Data was received.
    pub(super) fn received_data(&mut self, now: Duration) {
        self.keepalive.get_or_insert(now + KEEPALIVE_TIMEOUT);
    }

    /// Anything authentic passed, one way or the other.
    pub(super) fn passed(&mut self, now: Duration) {
        self.persistent = self.interval.map(|interval| now + interval);
    }

    /// The first of the deadlines.
    pub(super) fn first(&self) -> Option<Duration> {
        let all = [
            self.initiation,
            self.answer,
            self.keepalive,
            self.persistent,
        ];
        all.into_iter().flatten().min()
    }
}

/// Takes a deadline that has come.
pub(super) fn take_due(deadline: &mut Option<Duration>, now: Duration) -> bool {
    deadline.take_if(|due| *due <= now).is_some()
}
