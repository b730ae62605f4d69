//! The preshared keys that a handshake with one peer may use.

use core::time::Duration;

use super::keys::PresharedKey;

/// Where a preshared key comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeySource {
    /// An exchange whose end this side has not seen.
    Unconfirmed,
    /// An exchange that both sides know to be complete.
    Agreed,
    /// The configuration.
    Configured,
}

/// Up to three keys. The agreed ones follow from the configured one and an ML-KEM exchange.
pub(super) struct PresharedKeys {
    configured: PresharedKey,
    agreed: Option<(PresharedKey, Duration)>,
    unconfirmed: Option<PresharedKey>,
}

impl KeySource {
    pub(super) fn is_quantum_safe(self) -> bool {
        self != Self::Configured
    }
}

impl PresharedKeys {
    pub(super) fn new(configured: PresharedKey) -> Self {
        Self {
            configured,
            agreed: None,
            unconfirmed: None,
        }
    }

    pub(super) fn configured(&self) -> &PresharedKey {
        &self.configured
    }

    /// All of them, the best first.
    pub(super) fn candidates(&self) -> impl Iterator<Item = (KeySource, &PresharedKey)> {
        let unconfirmed = self.unconfirmed.iter();
        let agreed = self.agreed.iter().map(|(key, _)| key);
        unconfirmed
            .map(|key| (KeySource::Unconfirmed, key))
            .chain(agreed.map(|key| (KeySource::Agreed, key)))
            .chain([(KeySource::Configured, &self.configured)])
    }

    /// The peer may use `key` from now on, or not yet.
    pub(super) fn expect(&mut self, key: PresharedKey) {
        self.unconfirmed = Some(key);
    }

    /// The peer uses `key`.
    pub(super) fn agree(&mut self, key: PresharedKey, now: Duration) {
        self.agreed = Some((key, now));
        self.unconfirmed = None;
    }

    /// A handshake under a key of `source` has succeeded, so that is the one that the peer uses.
    pub(super) fn used(&mut self, source: KeySource, now: Duration) {
        match source {
            KeySource::Unconfirmed => {
                if let Some(key) = self.unconfirmed.take() {
                    self.agree(key, now);
                }
            }
            KeySource::Agreed => {}
            // It has lost what was agreed: it was started anew.
            KeySource::Configured => {
                self.agreed = None;
                self.unconfirmed = None;
            }
        }
    }

    /// When the key in use was agreed on.
    pub(super) fn agreed_at(&self) -> Option<Duration> {
        self.agreed.as_ref().map(|(_, time)| *time)
    }
}
