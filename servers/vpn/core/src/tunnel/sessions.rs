//! The sessions with one peer: the one in use, the one before, and those that the peer has yet to confirm.

use alloc::vec::Vec;
use core::time::Duration;

use super::session::Session;

/// Up to five sessions.
#[derive(Default)]
pub(super) struct Sessions {
    /// Receives what was on its way when the current one began.
    previous: Option<Session>,
    pub(super) current: Option<Session>,
    /// Answers to the last initiation, one for each preshared key that the peer may have meant. The one that the
    /// peer uses becomes current; until then nothing is sent with it (whitepaper, section 6.2).
    next: Vec<Session>,
}

impl Sessions {
    /// Puts a session into use that this side initiated. Those in `next` stay: if both sides initiated at the same moment, the peer
    /// uses one of them.
    pub(super) fn begin(&mut self, session: Session) {
        self.previous = self.current.replace(session);
    }

    /// Keeps sessions until the peer uses one of them.
    pub(super) fn offer(&mut self, sessions: Vec<Session>) {
        self.next = sessions;
    }

    /// The session of that local index.
    pub(super) fn find(&mut self, index: u32) -> Option<&mut Session> {
        let Self {
            previous,
            current,
            next,
        } = self;
        let all = current.iter_mut().chain(previous).chain(next);
        all.into_iter()
            .find(|session| session.beginning.local_index == index)
    }

    /// Puts an offered session into use, since the peer has used it. Whether it was an offered one.
    pub(super) fn confirm(&mut self, index: u32) -> bool {
        let is_it = |session: &Session| session.beginning.local_index == index;
        let Some(position) = self.next.iter().position(is_it) else {
            return false;
        };
        let session = self.next.swap_remove(position);
        self.previous = self.current.replace(session);
        self.next.clear();
        true
    }

    /// Erases what has ended.
    pub(super) fn forget_ended(&mut self, now: Duration) {
        let lives = |session: &mut Session| now < session.end();
        self.previous.take_if(|session| !lives(session));
        self.current.take_if(|session| !lives(session));
        self.next.retain_mut(lives);
    }

    /// When the first of them ends.
    pub(super) fn first_end(&self) -> Option<Duration> {
        let all = self.current.iter().chain(&self.previous).chain(&self.next);
        all.map(Session::end).min()
    }
}
