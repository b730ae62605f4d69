//! A component that does one thing that it may not do: the one that its parameter `deed` names.

#![no_std]
#![no_main]

mod deeds;

use core::convert::Infallible;

use runtime::{Component, environment::Missing, println};

runtime::component!(main);

fn main(component: Component) -> Result<Infallible, Missing> {
    let deed = component.environment.text("deed")?;
    println!("tries: {deed}");
    deeds::commit(deed);
    // Not reached, unless the kernel lets the deed pass.
    println!("got away with: {deed}");
    loop {
        core::hint::spin_loop();
    }
}
