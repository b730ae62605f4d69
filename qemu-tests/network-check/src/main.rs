//! A component that uses the network as a tunnel does: it sends datagrams to an echo on the host, over IPv4 and
//! IPv6, checks what comes back, tries what must be refused, and then gives up, which ends the machine.

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

extern crate alloc;

mod figures;
mod net;
mod steps;

use alloc::string::String;
use core::convert::Infallible;

use runtime::{Component, println};

runtime::component!(main);

fn main(component: Component) -> Result<Infallible, String> {
    steps::check(&component)?;
    println!("all checks of the network pass");
    panic!("a component that gives up on purpose")
}
