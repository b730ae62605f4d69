//! A component that plays all neighbours of two tunnels: it gives them their configurations, sends frames as their
//! guests, carries their datagrams, and looks at everything that they send. Then it gives up, which ends the machine.

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

extern crate alloc;

mod packets;
mod side;
mod steps;

use alloc::string::String;
use core::convert::Infallible;

use runtime::{Component, println};

runtime::component!(main);

fn main(component: Component) -> Result<Infallible, String> {
    steps::check(&component)?;
    println!("all checks of the tunnel pass");
    panic!("a component that gives up on purpose")
}
