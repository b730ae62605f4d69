//! One end of one direction of a channel: the count that this side keeps and the peer's, and which lives of
//! the two programs talk to each other.
//!
//! A program that was killed and started afresh begins its next *life* with counts of 0, while its peer still
//! has those of before. So each end tells its life, and whose life of the peer it goes along with (its
//! *answer*). An end that finds the peer in a new life sets its own count to 0, answers, and says
//! [`ChannelError::PeerReset`], once; an end in a new life moves nothing before the peer's answer. The two
//! directions, and their ends, do this independently of each other.
//!
//! The life's word holds twice the number of restarts; it is odd while the count is being set to 0.

use crate::{Channel, ChannelError, RegionReader, RegionWriter, channel::Count};

/// Behind the count, on its cache line: this end's life.
const LIFE: usize = 8;
/// Behind the count, on its cache line: the peer's life that this end goes along with.
const ANSWER: usize = 16;

/// One end of one direction.
#[derive(Debug)]
pub(crate) struct End {
    pub(crate) output: RegionWriter,
    pub(crate) input: RegionReader,
    /// Which count is this end's; the peer's is the other.
    kept: Count,
    /// This end's count.
    pub(crate) own: u64,
    /// The peer's count, as last seen.
    pub(crate) peer: u64,
    life: u64,
    peer_life: u64,
    answered: bool,
}

impl End {
    /// The end of `channel` that keeps `kept`. In a later life than the first the peer is woken to take notice.
    pub(crate) fn open(channel: &Channel, kept: Count) -> Self {
        let mut end = Self {
            output: channel.output(),
            input: channel.input(),
            kept,
            own: 0,
            peer: 0,
            life: 2 * channel.life(),
            peer_life: 0,
            answered: true,
        };
        if end.life > 0 {
            end.begin_life();
            channel.signal();
        }
        end
    }

    /// The region has room for counts, which whoever opens an end has checked: no write here fails.
    fn begin_life(&mut self) {
        let place = self.kept.offset();
        let _ = self.output.write_u64_at(place + LIFE, self.life - 1);
        let _ = self.output.write_u64_at(place, 0);
        self.peer_life = self.word_of_peer(LIFE);
        let _ = self.output.write_u64_at(place + ANSWER, self.peer_life);
        let _ = self.output.write_u64_at(place + LIFE, self.life);
        self.answered = false;
    }

    /// Whether something can be moved: not before the peer has answered to this life.
    #[inline]
    pub(crate) fn is_met(&mut self) -> Result<bool, ChannelError> {
        let life = self.word_of_peer(LIFE);
        if life != self.peer_life {
            return self.meet_again(life);
        }
        if !self.answered {
            self.answered = self.word_of_peer(ANSWER) == self.life;
        }
        Ok(self.answered)
    }

    /// The peer's life that this end goes along with.
    #[inline]
    pub(crate) const fn peer_life(&self) -> u64 {
        self.peer_life
    }

    /// Whether the peer is in a life that this end has not gone along with yet.
    #[inline]
    pub(crate) fn peer_is_new(&self) -> bool {
        self.word_of_peer(LIFE) != self.peer_life
    }

    #[cold]
    fn meet_again(&mut self, life: u64) -> Result<bool, ChannelError> {
        if life % 2 == 1 {
            // It is not ready.
            return Ok(false);
        }
        (self.own, self.peer, self.peer_life) = (0, 0, life);
        self.answered = false;
        self.publish()?;
        let answer = self.kept.offset() + ANSWER;
        self.output
            .write_u64_at(answer, life)
            .map_err(|_| ChannelError::PeerMisbehaved)?;
        Err(ChannelError::PeerReset)
    }

    /// Publishes this end's count; everything stored before is visible to who sees it.
    #[inline]
    pub(crate) fn publish(&self) -> Result<(), ChannelError> {
        self.output
            .write_u64_at(self.kept.offset(), self.own)
            .map_err(|_| ChannelError::PeerMisbehaved)
    }

    /// Looks at the peer's count, which must lie from what it was to `highest`. A peer that was started afresh since the
    /// last look at its life counts from 0: that is noticed at the next.
    #[inline]
    pub(crate) fn observe(&mut self, highest: u64) -> Result<(), ChannelError> {
        match self.input.read_u64_at(self.kept.other().offset()) {
            Ok(count) if (self.peer..=highest).contains(&count) => {
                self.peer = count;
                Ok(())
            }
            _ if self.peer_is_new() => Ok(()),
            _ => Err(ChannelError::PeerMisbehaved),
        }
    }

    #[inline]
    fn word_of_peer(&self, word: usize) -> u64 {
        let place = self.kept.other().offset() + word;
        self.input.read_u64_at(place).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_that_dies_between_two_looks_has_not_lied() {
        let (ours, theirs) = Channel::simulated_pair(512, None);
        let mut end = End::open(&ours, Count::Produced);
        let mut other = End::open(&theirs, Count::Consumed);
        (end.own, other.own) = (3, 2);
        assert_eq!(other.publish(), Ok(()));
        assert_eq!((end.is_met(), end.observe(3)), (Ok(true), Ok(())));
        // It is met, dies, and its count is looked at.
        assert_eq!(end.is_met(), Ok(true));
        End::open(&theirs.in_life(1), Count::Consumed);
        assert_eq!(end.observe(3), Ok(()));
        assert_eq!(end.is_met(), Err(ChannelError::PeerReset));
    }

    #[test]
    fn a_peer_that_goes_back_within_a_life_has_lied() {
        let (ours, theirs) = Channel::simulated_pair(512, None);
        let mut end = End::open(&ours, Count::Produced);
        let mut other = End::open(&theirs, Count::Consumed);
        (end.own, other.own) = (3, 2);
        assert_eq!((other.publish(), end.observe(3)), (Ok(()), Ok(())));
        other.own = 1;
        assert_eq!(other.publish(), Ok(()));
        assert_eq!(end.observe(3), Err(ChannelError::PeerMisbehaved));
    }
}
