//! The network: carries datagrams between its clients and a virtio network device.
//!
//! Everything that it knows is a cache of what the network, the manifest or its clients say again: it may be
//! started afresh at any time, and resets its device first.

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

extern crate alloc;

mod alarm;
mod clients;
mod device;
mod failure;
mod server;

use core::convert::Infallible;

use runtime::Component;

use crate::{failure::Failure, server::Server};

runtime::component!(main);

fn main(mut component: Component) -> Result<Infallible, Failure> {
    let mut server = Server::new(&mut component)?;
    let notification = component.notification()?;
    let mut signals = 0;
    loop {
        // While there is more to do nobody is waited for, but heard.
        signals = match server.handle(signals)? {
            net_core::Turn::Idle => notification.wait(),
            net_core::Turn::More => notification.poll(),
        };
    }
}
