//! Why the network server cannot work.

use dma::DmaError;
use net_core::{BrokenDevice, ClientError, settings::BadSetting};
use runtime::{
    environment::Missing,
    sel4_sys,
    shared_memory::{AccessError, OpenError},
};
use thiserror::Error;
use virtio::StartError;

#[derive(Debug, Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Missing(#[from] Missing),
    #[error(transparent)]
    Closed(#[from] OpenError),
    #[error("parameter `{0}` is {1}")]
    Setting(&'static str, #[source] BadSetting),
    #[error("{0}: {1}")]
    Client(&'static str, #[source] ClientError),
    #[error("`client.{0}.port` is no port of its own")]
    Port(&'static str),
    #[error("there are more than 255 clients")]
    TooManyClients,
    #[error("the device's registers: {0}")]
    Registers(#[source] AccessError),
    #[error(transparent)]
    Memory(DmaError),
    #[error("the device does not serve: {0}")]
    Device(#[source] StartError),
    #[error("the interrupt cannot be acknowledged: {0:?}")]
    Interrupt(sel4_sys::Error),
    #[error(transparent)]
    Broken(#[from] BrokenDevice),
}
