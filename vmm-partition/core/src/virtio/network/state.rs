//! The device and what the guest reads of it.

use frame_api::{GUEST_ADDRESS, Link, LinkState};

use super::{drops::Drops, registers::LINK_UP, segments::Segments};
use crate::virtio::chain::Chain;

/// mac 6 bytes, status u16, max_virtqueue_pairs u16, mtu u16.
const CONFIGURATION_BYTES: usize = 12;

/// The network device.
pub(crate) struct Network {
    /// The buffer that a frame for the guest is copied into.
    pub(super) incoming: Chain,
    /// What the guest sends.
    pub(super) outgoing: Chain,
    /// What is left of it, if it is cut into frames and there was no room for all of them.
    pub(super) large: Option<Segments>,
    /// The guest sent something that is no frame.
    pub(super) illegal: Drops,
    /// The guest's buffer could not take a frame.
    pub(super) undeliverable: Drops,
    /// Frames came while the guest had no driver.
    pub(super) unexpected: Drops,
    link: Link,
    configuration_changed: bool,
    configuration: [u8; CONFIGURATION_BYTES],
}

impl Network {
    /// A device on a link that is as `link` says.
    pub(crate) fn new(link: Link) -> Self {
        Self {
            incoming: Chain::new(),
            outgoing: Chain::new(),
            large: None,
            illegal: Drops::default(),
            undeliverable: Drops::default(),
            unexpected: Drops::default(),
            link,
            configuration_changed: false,
            configuration: configuration(link),
        }
    }

    /// Takes note of what the gateway says of the link.
    pub(super) fn set_link(&mut self, link: Link) {
        if link != self.link {
            self.link = link;
            self.configuration = configuration(link);
            self.configuration_changed = true;
        }
    }

    pub(super) fn take_change(&mut self) -> bool {
        core::mem::take(&mut self.configuration_changed)
    }

    pub(super) fn configuration_bytes(&self) -> &[u8] {
        &self.configuration
    }
}

fn configuration(link: Link) -> [u8; CONFIGURATION_BYTES] {
    let status = match link.state {
        LinkState::Up => LINK_UP,
        LinkState::Down => 0,
    };
    let mut bytes = [0; CONFIGURATION_BYTES];
    bytes[0..6].copy_from_slice(&GUEST_ADDRESS);
    bytes[6..8].copy_from_slice(&status.to_le_bytes());
    bytes[8..10].copy_from_slice(&1u16.to_le_bytes());
    bytes[10..12].copy_from_slice(&link.mtu.to_le_bytes());
    bytes
}
