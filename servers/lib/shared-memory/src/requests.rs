//! A client's requests and their answers: the server's side, for clients that may be started afresh at any moment.

use zerocopy::{FromBytes, Immutable, IntoBytes};

use crate::{Channel, ChannelError, OpenError, PushError, Receiver, Sender};

/// The requests `Q` of one client, each of which gets one answer `A`, in any order.
///
/// A request is taken only if there is room for its answer. What a client asked before it was started afresh is
/// carried out and its answer dropped, and nothing else is taken before that: whatever the requests of before do to
/// the data areas is over when the first of the new life is seen.
#[derive(Debug)]
pub struct Requests<Q, A> {
    requests: Receiver<Q>,
    answers: Sender<A>,
    /// Requests that were taken and not answered.
    unanswered: u64,
    /// Those of them whose answers are for nobody.
    orphaned: u64,
    owes_signal: bool,
    /// The client broke the rules; nothing it says counts any more.
    is_cut_off: bool,
}

impl<Q: FromBytes + IntoBytes, A: IntoBytes + Immutable> Requests<Q, A> {
    /// The requests that come through `channel`, `queue_length` of them at most on their way or unanswered.
    ///
    /// # Errors
    ///
    /// The channel's regions are too small for it.
    pub fn open(channel: &Channel, queue_length: usize) -> Result<Self, OpenError> {
        Ok(Self {
            requests: channel.receiver(queue_length)?,
            answers: channel.sender(queue_length)?,
            unanswered: 0,
            orphaned: 0,
            owes_signal: false,
            is_cut_off: false,
        })
    }

    /// Takes the next request, if there is one and room for its answer.
    ///
    /// # Errors
    ///
    /// The client broke the channel's rules: said once, and nothing more is taken from it.
    pub fn take(&mut self) -> Result<Option<Q>, ChannelError> {
        loop {
            match self.try_to_take() {
                Ok(request) => {
                    self.unanswered += u64::from(request.is_some());
                    return Ok(request);
                }
                Err(ChannelError::PeerReset) => {
                    self.begin_anew();
                    // It waits until that is noticed.
                    self.owes_signal = true;
                }
                Err(ChannelError::PeerMisbehaved) => return self.cut_off().map(|()| None),
            }
        }
    }

    /// Answers a request that was taken. Waking the client for it is [owed](Self::owes_signal) to it.
    ///
    /// # Errors
    ///
    /// As for [`take`](Self::take).
    pub fn answer(&mut self, answer: &A) -> Result<(), ChannelError> {
        self.unanswered = self.unanswered.saturating_sub(1);
        if self.orphaned > 0 {
            self.orphaned -= 1;
            return Ok(());
        }
        self.owes_signal = true;
        match self.answers.push(answer) {
            Ok(()) => Ok(()),
            Err(PushError::PeerReset) => {
                self.begin_anew();
                Ok(())
            }
            // Room was made sure of when the request was taken.
            Err(PushError::Full | PushError::PeerMisbehaved) => self.cut_off(),
        }
    }

    /// Whether there is anything new for the client. Answers once.
    pub fn owes_signal(&mut self) -> bool {
        core::mem::take(&mut self.owes_signal)
    }

    fn try_to_take(&mut self) -> Result<Option<Q>, ChannelError> {
        if self.is_cut_off || self.orphaned > 0 || self.answers.free()? <= self.unanswered {
            return Ok(None);
        }
        let request = self.requests.pop()?;
        if request.is_some() && self.answers.peer_life() != self.requests.peer_life() {
            self.follow()?;
        }
        Ok(request)
    }

    /// The two ends of the channel learn of a client's new life one after the other: what was just taken is of the
    /// new one if the answers' end learns of it now, because a client opens both ends before it asks.
    fn follow(&mut self) -> Result<(), ChannelError> {
        match self.answers.free() {
            Err(ChannelError::PeerReset) => {}
            other => drop(other?),
        }
        if self.answers.peer_life() != self.requests.peer_life() {
            self.orphaned += 1;
        }
        Ok(())
    }

    /// The client was started afresh.
    fn begin_anew(&mut self) {
        self.orphaned = self.unanswered;
    }

    fn cut_off(&mut self) -> Result<(), ChannelError> {
        if core::mem::replace(&mut self.is_cut_off, true) {
            return Ok(());
        }
        Err(ChannelError::PeerMisbehaved)
    }
}
