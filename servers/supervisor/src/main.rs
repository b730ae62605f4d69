//! The supervisor: names who faulted and why, stops them, and ends the machine when its policy says so.

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

extern crate alloc;

mod components;
mod failure;
mod power;
mod server;

use core::convert::Infallible;

use runtime::{Component, Event, Server as Receiver};

use crate::{failure::Failure, server::Server};

runtime::component!(main);

fn main(component: Component) -> Result<Infallible, Failure> {
    let environment = component.environment;
    let receiver = Receiver::new(
        component.ipc,
        environment.capability("endpoint")?,
        environment.capability("reply")?,
    );
    let mut server = Server::new(&component)?;
    let mut event = receiver.receive();
    loop {
        event = match event {
            // Nobody has anything to say by signal: the console wakes everybody whom it listens to.
            Event::Signals(_) => receiver.receive(),
            Event::Message(message) => server.handle(&receiver, &message),
        };
    }
}
