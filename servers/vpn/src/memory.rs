//! What the tunnel remembers of its handshakes, in the guest's volume.
//!
//! Nothing waits for it: if the machine stops before the block is written, a label may be used twice, which costs a handshake
//! one more try if the computer's clock was set back as well.

use core::time::Duration;

use block_api::Operation;
use runtime::shared_memory::ChannelError;
use vpn_core::key_store;

use crate::keys::KeyStore;

/// Writes the block, one version at a time.
pub(crate) struct Memory {
    store: KeyStore,
    /// What the block shall say next.
    wanted: Option<Duration>,
    /// What is being written.
    in_flight: Option<Duration>,
    is_off: bool,
}

impl Memory {
    /// `found` is what the store held.
    pub(crate) fn new(store: KeyStore, found: key_store::Memory) -> Self {
        let mut memory = Self {
            store,
            wanted: None,
            in_flight: None,
            is_off: false,
        };
        if found == key_store::Memory::Taken {
            memory.give_up("the configuration takes its place");
        }
        memory
    }

    /// From now on no label beyond this is used.
    pub(crate) fn remember(&mut self, labels: Duration) {
        self.wanted = Some(labels);
    }

    /// Goes on with what there is to do.
    pub(crate) fn advance(&mut self) {
        if self.is_off {
            return;
        }
        if let Some(labels) = self.in_flight {
            self.take_answer(labels);
        }
        if self.in_flight.is_none()
            && let Some(labels) = self.wanted
            && self.store.begin_to_write(labels)
        {
            self.in_flight = self.wanted.take();
        }
    }

    fn take_answer(&mut self, labels: Duration) {
        match self.store.answer_to(Operation::Write) {
            Ok(None) => {}
            Ok(Some(Ok(()))) => self.in_flight = None,
            Ok(Some(Err(_))) => self.give_up("the volume does not take it"),
            Err(ChannelError::PeerReset) => {
                // The server has forgotten what it was asked.
                self.in_flight = None;
                self.wanted.get_or_insert(labels);
            }
            Err(ChannelError::PeerMisbehaved) => {
                self.give_up("the volume's server broke the rules of its channel");
            }
        }
    }

    fn give_up(&mut self, why: &str) {
        self.is_off = true;
        runtime::println!("handshakes are not remembered: {why}");
    }
}
