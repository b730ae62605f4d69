//! A component that uses timer, console and heap as any other does, says what it finds, and then
//! gives up, so that the supervisor has somebody to name.

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

extern crate alloc;

mod deadlines;
mod question;

use alloc::string::String;
use core::convert::Infallible;

use runtime::{Component, println};

runtime::component!(main);

fn main(mut component: Component) -> Result<Infallible, String> {
    let name = component.environment.component;
    println!(
        "{name} has {} ticks a millisecond",
        component.environment.tsc_khz
    );
    let (one, other) = (component.random.number(), component.random.number());
    if one == other {
        return Err("the random numbers repeat".into());
    }
    deadlines::check(&component)?;
    question::check(&component)?;
    println!("all checks of the services pass");
    panic!("a component that gives up on purpose")
}
