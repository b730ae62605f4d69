//! The key store in the guest's volume: the tunnel's configuration, read once when that is unlocked, and a block of this
//! program's own for what the tunnel has to remember.

use alloc::vec;
use core::{fmt, time::Duration};

use block_api::{Completion, MAX_BLOCKS, Operation, Outcome, QUEUE_LENGTH, Request};
use runtime::{
    Notification,
    shared_memory::{
        Channel, ChannelError, Memory, OpenError, Receiver, RegionReader, RegionWriter, Sender,
    },
};
use vpn_core::{
    configuration::{Configuration, ConfigurationError},
    key_store::{self, BLOCKS, NoText, OWN_BLOCK, SIZE, own_block},
};
use zeroize::Zeroizing;

const _: () = assert!(BLOCKS == MAX_BLOCKS as usize, "one request reads all");

/// Why there is no configuration.
pub(crate) enum NoKeys {
    /// The store has none.
    Text(NoText),
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
    output: RegionWriter,
}

/// What the store held.
pub(crate) struct Contents {
    pub(crate) configuration: Configuration,
    pub(crate) memory: key_store::Memory,
}

impl KeyStore {
    pub(crate) fn open(memory: &Memory) -> Result<Self, OpenError> {
        let channel = Channel::open(memory, "keys")?;
        Ok(Self {
            requests: channel.sender(QUEUE_LENGTH)?,
            completions: channel.receiver(QUEUE_LENGTH)?,
            input: channel.input_data::<Completion>(QUEUE_LENGTH),
            output: channel.output_data::<Request>(QUEUE_LENGTH),
            channel,
        })
    }

    /// Waits for the volume to be unlocked and reads the store. What was read is erased but for the keys in it.
    pub(crate) fn read(&mut self, notification: Notification) -> Result<Contents, NoKeys> {
        self.wait_for_store(notification)?;
        let mut store = Zeroizing::new(vec![0; SIZE]);
        let read = self.input.read_at(0, &mut store);
        read.map_err(|_| NoKeys::Misbehaved)?;
        // The server then wipes what it put into the channel. A full queue, which it never is, would leave it there.
        let _ = self.ask(Operation::Flush, 0, 0);
        let store = store.first_chunk().ok_or(NoKeys::Misbehaved)?;
        let store = key_store::KeyStore::read(store).map_err(NoKeys::Text)?;
        Ok(Contents {
            configuration: Configuration::parse(store.text).map_err(NoKeys::Configuration)?,
            memory: store.memory,
        })
    }

    /// Asks for the store until there is an answer: a server that was started afresh has forgotten the question.
    fn wait_for_store(&mut self, notification: Notification) -> Result<(), NoKeys> {
        let mut is_asked = false;
        loop {
            is_asked = is_asked || self.ask(Operation::Read, 0, MAX_BLOCKS);
            match self.answer_to(Operation::Read) {
                Ok(Some(outcome)) => return outcome.map_err(|_| NoKeys::Refused),
                Ok(None) => {
                    let _ = notification.wait();
                }
                Err(ChannelError::PeerReset) => is_asked = false,
                Err(ChannelError::PeerMisbehaved) => return Err(NoKeys::Misbehaved),
            }
        }
    }

    /// Begins to write the own block, which is durable when that is [answered](Self::answer_to). Whether it could be asked for.
    pub(crate) fn begin_to_write(&mut self, labels: Duration) -> bool {
        let written = self.output.write_at(0, &own_block(labels));
        written.is_ok() && self.ask(Operation::Write, OWN_BLOCK, 1)
    }

    /// The answer to the last request of a kind, if it has come.
    pub(crate) fn answer_to(
        &mut self,
        operation: Operation,
    ) -> Result<Option<Outcome>, ChannelError> {
        while let Some(completion) = self.completions.pop()? {
            if completion.id == operation as u32 {
                return Ok(Some(completion.outcome()));
            }
        }
        Ok(None)
    }

    /// Sends a request whose data lies at the beginning of the data areas.
    fn ask(&mut self, operation: Operation, block: u64, count: u32) -> bool {
        let request = Request {
            block,
            id: operation as u32,
            operation: operation as u32,
            count,
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
            Self::Text(NoText::Empty) => f.write_str("the volume holds no keys"),
            Self::Text(NoText::Damaged) => f.write_str("the volume's keys are damaged"),
            Self::Configuration(error) => write!(f, "in the volume's keys, {error}"),
            Self::Refused => f.write_str("the volume is closed"),
            Self::Misbehaved => f.write_str("the volume's server broke the rules of its channel"),
        }
    }
}
