//! The console: one serial line for all components and guests.

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

extern crate alloc;

mod failure;
mod ports;
mod server;
mod source;

use core::convert::Infallible;

use runtime::Component;

use crate::{failure::Failure, server::Server};

runtime::component!(main);

fn main(component: Component) -> Result<Infallible, Failure> {
    let mut server = Server::new(&component)?;
    let notification = component.notification()?;
    let mut signals = u64::MAX;
    loop {
        server.handle(signals)?;
        signals = notification.wait();
    }
}
