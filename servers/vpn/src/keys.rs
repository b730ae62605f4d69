//! The tunnel's configuration: read once from the guest's volume, when that is unlocked.

use alloc::vec;
use core::fmt;

use block_api::{BLOCK_SIZE, Completion, MAX_BLOCKS, Operation, QUEUE_LENGTH, Request};
use runtime::{
    Notification,
    shared_memory::{Channel, ChannelError, Memory, OpenError, Receiver, RegionReader, Sender},
};
use vpn_core::configuration::{Configuration, ConfigurationError};
use zeroize::Zeroizing;

/// Bytes of the store: all are asked for at once.
const STORE_SIZE: usize = MAX_BLOCKS as usize * BLOCK_SIZE;
/// What stands before the text: its length.
const LENGTH_SIZE: usize = size_of::<u32>();

/// Why there is no configuration.
pub(crate) enum NoKeys {
    /// The volume has none.
    Empty,
    /// The store says that its text is longer than itself.
    Damaged,
    /// The text is no configuration.
    Configuration(ConfigurationError),
    /// The volume's server does not give it out.
    Refused,
    /// The volume's server broke the rules of the channel.
    Misbehaved,
}

/// The channel to the volume's server.
pub(crate) struct KeyStore {
    channel: Channel,
    requests: Sender<Request>,
    completions: Receiver<Completion>,
    input: RegionReader,
}

impl KeyStore {
    pub(crate) fn open(memory: &Memory) -> Result<Self, OpenError> {
        let channel = Channel::open(memory, "keys")?;
        Ok(Self {
            requests: channel.sender(QUEUE_LENGTH)?,
            completions: channel.receiver(QUEUE_LENGTH)?,
            input: channel.input_data::<Completion>(QUEUE_LENGTH),
            channel,
        })
    }

    /// Waits for the volume to be unlocked and reads the configuration. What was read is erased but for the keys in it.
    pub(crate) fn read(mut self, notification: Notification) -> Result<Configuration, NoKeys> {
        self.wait_for_store(notification)?;
        let mut store = Zeroizing::new(vec![0; STORE_SIZE]);
        let read = self.input.read_at(0, &mut store);
        read.map_err(|_| NoKeys::Misbehaved)?;
        // The server then wipes what it put into the channel. A full queue, which it never is, would leave it there.
        let _ = self.ask(Operation::Flush);
        let (length, text) = store.split_at(LENGTH_SIZE);
        let length = length
            .iter()
            .rev()
            .fold(0_usize, |all, byte| all << 8 | usize::from(*byte));
        if length == 0 {
            return Err(NoKeys::Empty);
        }
        let text = text.get(..length).ok_or(NoKeys::Damaged)?;
        Configuration::parse(text).map_err(NoKeys::Configuration)
    }

    /// Asks for the store until there is an answer: a server that was started afresh has forgotten the question.
    fn wait_for_store(&mut self, notification: Notification) -> Result<(), NoKeys> {
        let mut is_asked = false;
        loop {
            is_asked = is_asked || self.ask(Operation::Read);
            match self.completions.pop() {
                Ok(Some(completion)) => return completion.outcome().map_err(|_| NoKeys::Refused),
                Ok(None) => {
                    let _ = notification.wait();
                }
                Err(ChannelError::PeerReset) => is_asked = false,
                Err(ChannelError::PeerMisbehaved) => return Err(NoKeys::Misbehaved),
            }
        }
    }

    fn ask(&mut self, operation: Operation) -> bool {
        let request = Request {
            block: 0,
            id: 0,
            operation: operation as u32,
            count: MAX_BLOCKS,
            data: 0,
        };
        let is_asked = self.requests.push(&request).is_ok();
        if is_asked {
            self.channel.signal();
        }
        is_asked
    }
}

impl fmt::Display for NoKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the volume holds no keys"),
            Self::Damaged => f.write_str("the volume's keys are damaged"),
            Self::Configuration(error) => write!(f, "in the volume's keys, {error}"),
            Self::Refused => f.write_str("the volume is closed"),
            Self::Misbehaved => f.write_str("the volume's server broke the rules of its channel"),
        }
    }
}
