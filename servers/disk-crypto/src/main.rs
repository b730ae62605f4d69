//! Encrypts one volume for one guest.

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

extern crate alloc;

mod buffers;
mod disk;
mod failure;
mod guest;
mod open;
mod passphrase;
mod server;

use core::convert::Infallible;

use runtime::Component;

use crate::{disk::Disk, failure::Failure, guest::Guest};

runtime::component!(main);

fn main(mut component: Component) -> Result<Infallible, Failure> {
    let notification = component.notification()?;
    let guest = Guest::open(&component.memory)?;
    let disk = Disk::open(&component.memory)?;
    match open::open(&mut component, notification, &disk) {
        Ok(volume) => server::serve(notification, &guest, &disk, &volume),
        Err(refusal) => {
            runtime::println!("the volume stays closed: {refusal}");
            server::refuse(notification, &guest)
        }
    }
}
