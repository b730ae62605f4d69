//! One guest's gateway and tunnel.

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

extern crate alloc;

mod blocklist;
mod failure;
mod guest;
mod keys;
mod net;
mod peer;
mod server;
mod status;

use core::{convert::Infallible, net::IpAddr, time::Duration};

use frame_api::{DEFAULT_MTU, LinkState};
use runtime::{Component, DeadlineTimer, Notification, environment::Environment};
use vpn_core::{
    configuration::Configuration,
    inside::{self, Blocklist, Inbound, Inside},
    tunnel::{Circumstances, Policy, Tunnel},
};

use crate::{failure::Failure, guest::Guest, keys::KeyStore, net::Net, server::Server};

/// Flows that the guest, and that the outside, may begin in a second.
const FLOWS_PER_SECOND: u32 = 500;

runtime::component!(main);

fn main(mut component: Component) -> Result<Infallible, Failure> {
    let notification = component.notification()?;
    let circumstances = circumstances(component.environment)?;
    let inbound = inbound(component.environment)?;
    let guest = Guest::open(&component.memory)?;
    let net = Net::open(&component.memory)?;
    let timer = DeadlineTimer::open(&component.memory)?;
    guest.set_link(LinkState::Down, DEFAULT_MTU);
    let configuration = match KeyStore::open(&component.memory)?.read(notification) {
        Ok(configuration) => configuration,
        Err(reason) => return no_network(notification, &reason),
    };
    let blocklist = match blocklist::read(&component) {
        Ok(blocklist) => blocklist,
        Err(reason) => return no_network(notification, &reason),
    };
    let now = component.clock.duration(component.clock.now());
    let tunnel = Tunnel::new(&configuration, circumstances, seed(&mut component));
    let Ok(tunnel) = tunnel else {
        return no_network(notification, &"a peer's key is of no use");
    };
    let inside = Inside::new(
        inside_of(&configuration, inbound, blocklist),
        seed(&mut component),
        now,
    );
    guest.set_link(LinkState::Up, configuration.interface.mtu);
    let peers = configuration.peers.len();
    runtime::println!("configuration read: {peers} peers; every packet goes through the tunnel");
    // From here on the tunnel alone has the keys.
    drop(configuration);
    Server::new(guest, net, inside, tunnel).serve(&component.clock, notification, &timer)
}

/// The link stays down, and nothing is ever sent.
fn no_network(
    notification: Notification,
    reason: &dyn core::fmt::Display,
) -> Result<Infallible, Failure> {
    runtime::println!("the guest has no network: {reason}");
    loop {
        let _ = notification.wait();
    }
}

fn circumstances(environment: &Environment<'_>) -> Result<Circumstances, Failure> {
    let policy = Policy::from_name(environment.text("post-quantum")?);
    Ok(Circumstances {
        boot_time: Duration::from_secs(environment.integer("boot-unix-seconds")?),
        post_quantum: policy.ok_or(Failure::Parameter {
            name: "post-quantum",
            expected: "require, prefer or off",
        })?,
    })
}

fn inbound(environment: &Environment<'_>) -> Result<Inbound, Failure> {
    Inbound::parse(environment.text("inbound")?).map_err(|_| Failure::Parameter {
        name: "inbound",
        expected: "words such as tcp/22, udp/5000 and echo",
    })
}

fn seed(component: &mut Component) -> [u8; 32] {
    let mut seed = [0; 32];
    component.random.fill(&mut seed);
    seed
}

/// What the guest's side needs of the configuration: the first address of each family, and no keys.
fn inside_of(
    configuration: &Configuration,
    inbound: Inbound,
    blocklist: Option<Blocklist>,
) -> inside::Configuration {
    let interface = &configuration.interface;
    let addresses = || interface.addresses.iter().map(|network| network.address());
    let four = |address| match address {
        IpAddr::V4(address) => Some(address),
        IpAddr::V6(_) => None,
    };
    let six = |address| match address {
        IpAddr::V6(address) => Some(address),
        IpAddr::V4(_) => None,
    };
    inside::Configuration {
        ipv4: addresses().find_map(four),
        ipv6: addresses().find_map(six),
        resolvers: interface.dns.clone(),
        mtu: interface.mtu,
        inbound,
        flows_per_second: FLOWS_PER_SECOND,
        blocklist,
    }
}
