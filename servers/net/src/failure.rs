//! Why the network server cannot work.

use core::fmt;

use dma::DmaError;
use net_core::{BrokenDevice, ClientError, settings::BadSetting};
use runtime::{
    environment::Missing,
    sel4_sys,
    shared_memory::{AccessError, OpenError},
};
use virtio::StartError;

pub(crate) enum Failure {
    Missing(Missing),
    Closed(OpenError),
    /// A parameter of that name makes no sense.
    Setting(&'static str, BadSetting),
    Client(&'static str, ClientError),
    /// The client of that name has no port of its own.
    Port(&'static str),
    TooManyClients,
    Registers(AccessError),
    Memory(DmaError),
    Device(StartError),
    Interrupt(sel4_sys::Error),
    Broken(BrokenDevice),
}

impl From<Missing> for Failure {
    fn from(error: Missing) -> Self {
        Self::Missing(error)
    }
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        Self::Closed(error)
    }
}

impl From<BrokenDevice> for Failure {
    fn from(error: BrokenDevice) -> Self {
        Self::Broken(error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(error) => error.fmt(f),
            Self::Closed(error) => error.fmt(f),
            Self::Setting(name, error) => write!(f, "parameter `{name}` is {error}"),
            Self::Client(name, ClientError::Channel(error)) => write!(f, "{name}: {error}"),
            Self::Client(name, ClientError::NoAddress) => {
                write!(f, "the memory of {name} has no physical address")
            }
            Self::Port(name) => write!(f, "`client.{name}.port` is no port of its own"),
            Self::TooManyClients => f.write_str("there are more than 255 clients"),
            Self::Registers(error) => write!(f, "the device's registers: {error}"),
            Self::Memory(error) => error.fmt(f),
            Self::Device(error) => write!(f, "the device does not serve: {error}"),
            Self::Interrupt(error) => write!(f, "the interrupt cannot be acknowledged: {error:?}"),
            Self::Broken(BrokenDevice) => {
                f.write_str("the device broke the rules of its queues, and was reset")
            }
        }
    }
}
