//! A component that dies again and again, and its peer that gets everything answered nevertheless: which of the
//! two a component is, its parameter `part` says.

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

extern crate alloc;

mod messages;
mod mortal;
mod survivor;

use alloc::{format, string::String};
use core::convert::Infallible;

use runtime::Component;

runtime::component!(main);

fn main(component: Component) -> Result<Infallible, String> {
    let part = component.environment.text("part");
    match part.map_err(|error| format!("{error}"))? {
        "mortal" => mortal::serve(component),
        "survivor" => survivor::ask(&component),
        other => Err(format!("no part is called {other}")),
    }
}
