//! One client: where its deadline stands and how it is woken.

use runtime::shared_memory::{Channel, Memory, OpenError};

/// Where the deadline stands in the client's region.
const DEADLINE: usize = 0;

pub(crate) struct Client {
    channel: Channel,
}

impl Client {
    pub(crate) fn open(memory: &Memory, name: &str) -> Result<Self, OpenError> {
        let channel = Channel::open_of(memory, "client", name)?;
        Ok(Self { channel })
    }

    /// Whether this client is among those who signalled.
    pub(crate) fn is_in(&self, signals: u64) -> bool {
        signals & self.channel.badge() != 0
    }

    /// The word that the client wrote; a region without one holds no deadline.
    pub(crate) fn deadline(&self) -> u64 {
        self.channel.input().read_u64_at(DEADLINE).unwrap_or(0)
    }

    /// By which it is woken.
    pub(crate) fn channel(&self) -> &Channel {
        &self.channel
    }
}
