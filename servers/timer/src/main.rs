//! The timer: wakes each client at or after the deadline that it wrote into its region.

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

extern crate alloc;

mod client;
mod failure;
mod server;

use core::convert::Infallible;

use runtime::Component;

use crate::{failure::Failure, server::Server};

runtime::component!(main);

fn main(component: Component) -> Result<Infallible, Failure> {
    let mut server = Server::new(&component)?;
    let notification = component.notification()?;
    // Who set a deadline before this life began does not say so again.
    let mut signals = u64::MAX;
    loop {
        let client = server.handle(signals)?;
        signals = notification.wake_and_wait(client);
    }
}
