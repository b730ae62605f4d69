//! Signals: waiting for them and sending them.

use kernel_calls::Ipc;
use sel4_sys::MessageInfo;
use shared_memory::Channel;

/// Set in every word that comes from this component's own notification, and in no endpoint badge.
pub(crate) const SIGNAL_MARK: u64 = 1 << 63;

/// The notification that wakes this component.
#[derive(Clone, Copy)]
pub struct Notification {
    ipc: Ipc,
    slot: u64,
}

impl Notification {
    /// The notification in `slot`.
    #[must_use]
    pub const fn new(ipc: Ipc, slot: u64) -> Self {
        Self { ipc, slot }
    }

    /// Its capability, to be bound to interrupts.
    #[must_use]
    pub const fn slot(&self) -> u64 {
        self.slot
    }

    /// Waits for signals and takes them: the badges of all who signalled, joined by OR.
    #[must_use]
    pub fn wait(&self) -> u64 {
        self.ipc.wait(self.slot).badge & !SIGNAL_MARK
    }

    /// Wakes `peer`, if there is one to wake, and waits: one system call for both, and a peer that comes
    /// first in line runs without coming back here in between.
    #[must_use]
    pub fn wake_and_wait(&self, peer: Option<&Channel>) -> u64 {
        let Some(peer) = peer else {
            return self.wait();
        };
        let nothing = MessageInfo::new(0, 0, 0);
        let signal = peer.signal_capability();
        let received = self.ipc.nb_send_wait(signal, nothing, [0; 4], self.slot);
        received.badge & !SIGNAL_MARK
    }

    /// Takes the signals that are there; 0 without any.
    #[must_use]
    pub fn poll(&self) -> u64 {
        self.ipc.nb_wait(self.slot).badge & !SIGNAL_MARK
    }
}

/// The right to wake somebody.
#[derive(Clone, Copy)]
pub struct Signal {
    ipc: Ipc,
    slot: u64,
}

impl Signal {
    /// The capability in `slot`.
    #[must_use]
    pub const fn new(ipc: Ipc, slot: u64) -> Self {
        Self { ipc, slot }
    }

    /// Wakes the other side. Never blocks.
    pub fn signal(&self) {
        self.ipc.signal(self.slot);
    }
}
