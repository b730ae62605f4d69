//! The disk: moves blocks between a virtio block device and its client's memory.

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

mod client;
mod device;
mod failure;
mod server;

use core::convert::Infallible;

use runtime::Component;

use crate::{failure::Failure, server::Server};

runtime::component!(main);

fn main(component: Component) -> Result<Infallible, Failure> {
    let mut server = Server::new(&component)?;
    let notification = component.notification()?;
    let mut signals = notification.wait();
    loop {
        let client = server.handle(signals)?;
        signals = notification.wake_and_wait(client);
    }
}
