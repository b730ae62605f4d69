//! How long a packet of the guest may be now: what the link takes, or less while a path outside takes less.

use core::time::Duration;

/// After this the path may have become better (RFC 1191, section 6.3; RFC 8201, section 4).
const LIFETIME: Duration = Duration::from_secs(600);

/// The MTU of the tunnel.
///
/// There is one for all peers, that of the narrowest path: so little is lost by it that a table would not be worth its
/// memory. (`net` keeps one for each peer: what is sent to another is not cut for this one's sake.) The guest's link keeps its
/// own MTU; the guest learns this one by errors, which it remembers for each destination, and by TCP's segment size.
#[derive(Clone, Copy, Debug)]
pub(super) struct PathMtu {
    link: u16,
    narrow: Option<(u16, Duration)>,
}

impl PathMtu {
    pub(super) fn new(link: u16) -> Self {
        Self { link, narrow: None }
    }

    /// What the guest's link takes, always.
    pub(super) fn link(self) -> u16 {
        self.link
    }

    /// Bytes of the longest packet that gets through.
    pub(super) fn at(self, now: Duration) -> u16 {
        match self.narrow {
            Some((mtu, until)) if now < until => mtu,
            _ => self.link,
        }
    }

    /// No more than `mtu` bytes get through. Says whether that is news.
    pub(super) fn shrink(&mut self, mtu: u16, now: Duration) -> bool {
        let is_news = mtu < self.at(now);
        if is_news {
            self.narrow = Some((mtu, now + LIFETIME));
        }
        is_news
    }
}
