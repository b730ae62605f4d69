//! Encrypts one volume for one guest.

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

extern crate alloc;

mod buffers;
mod client;
mod disk;
mod failure;
mod open;
mod passphrase;
mod server;

use alloc::vec::Vec;
use core::convert::Infallible;

use runtime::Component;

use crate::{
    client::Client,
    disk::Disk,
    failure::Failure,
    server::{Role, Service},
};

runtime::component!(main);

fn main(mut component: Component) -> Result<Infallible, Failure> {
    let notification = component.notification()?;
    let keys = Client::open_optional(&component.memory, "keys")?;
    let guest = Client::open(&component.memory, "guest")?;
    let disk = Disk::open(&component.memory)?;
    match open::open(&mut component, notification, &disk) {
        Ok(volume) => {
            let parts = volume.parts();
            let keys = keys.map(|keys| Service::new(keys, Role::Keys, parts.key_store));
            let guest = Service::new(guest, Role::Guest, parts.guest);
            let services: Vec<Service> = keys.into_iter().chain([guest]).collect();
            server::serve(notification, &services, &disk, &volume)
        }
        Err(refusal) => {
            runtime::println!("the volume stays closed: {refusal}");
            let clients: Vec<Client> = keys.into_iter().chain([guest]).collect();
            server::refuse(notification, &clients)
        }
    }
}
