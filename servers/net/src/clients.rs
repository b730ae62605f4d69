//! The clients that the manifest names, each with its port.

use alloc::vec::Vec;

use net_core::Client;
use runtime::{Component, environment::Name, shared_memory::Channel};

use crate::failure::Failure;

/// The role of clients, in channels and parameters.
const ROLE: &str = "client";

pub(crate) fn open(component: &Component) -> Result<Vec<Client>, Failure> {
    let names = component.environment.clients(ROLE);
    let mut clients: Vec<Client> = Vec::new();
    for name in names {
        let client = open_one(component, name)?;
        if clients.iter().any(|other| other.port() == client.port()) {
            return Err(Failure::Port(name));
        }
        clients.push(client);
    }
    // One byte of a token says whose it is.
    if clients.len() > usize::from(u8::MAX) {
        return Err(Failure::TooManyClients);
    }
    Ok(clients)
}

fn open_one(component: &Component, name: &'static str) -> Result<Client, Failure> {
    let channel = Channel::open_of(&component.memory, ROLE, name)?;
    let port = component
        .environment
        .integer_of(Name::new(ROLE, name).as_str(), "port")?;
    // 0 is no port, and those of DHCP are taken.
    let port = u16::try_from(port)
        .ok()
        .filter(|port| ![0, 68, 546].contains(port));
    let port = port.ok_or(Failure::Port(name))?;
    Client::new(name, channel, port).map_err(|error| Failure::Client(name, error))
}
