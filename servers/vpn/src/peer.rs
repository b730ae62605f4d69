//! What is thought of the program at the other end of a channel.

use runtime::shared_memory::ChannelError;

/// A program that has kept the rules so far, or has not.
pub(crate) struct Peer {
    name: &'static str,
    is_cut_off: bool,
}

impl Peer {
    pub(crate) const fn new(name: &'static str) -> Self {
        let is_cut_off = false;
        Self { name, is_cut_off }
    }

    pub(crate) const fn is_cut_off(&self) -> bool {
        self.is_cut_off
    }

    /// Something is wrong with the channel: a peer that was started afresh is gone along with, whatever it did before; one that
    /// broke the rules is not listened to any more.
    pub(crate) fn noted<T>(&mut self, error: ChannelError) -> Option<T> {
        match error {
            ChannelError::PeerReset => {
                self.is_cut_off = false;
                runtime::println!("{} was started afresh", self.name);
            }
            ChannelError::PeerMisbehaved => self.cut_off(),
        }
        None
    }

    /// It broke the rules.
    pub(crate) fn cut_off(&mut self) {
        if !core::mem::replace(&mut self.is_cut_off, true) {
            runtime::println!(
                "{} broke the rules of its channel: it is not listened to any more",
                self.name
            );
        }
    }
}
