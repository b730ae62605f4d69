//! A component that uses a block device as a guest's monitor does: it checks what comes back, counts
//! what it costs, tries what must be refused, and then gives up, which ends the machine.

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

extern crate alloc;

mod device;
mod key_store;
mod steps;

use alloc::string::String;
use core::convert::Infallible;

use runtime::{Component, println};

runtime::component!(main);

fn main(component: Component) -> Result<Infallible, String> {
    steps::check(&component)?;
    println!("all checks of the disk pass");
    panic!("a component that gives up on purpose")
}
