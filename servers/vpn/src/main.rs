//! One guest's gateway and tunnel.

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

extern crate alloc;

mod blocklist;
mod failure;
mod guest;
mod keys;
mod memory;
mod net;
mod peer;
mod server;
mod settings;
mod status;

use core::{convert::Infallible, net::IpAddr, time::Duration};

use frame_api::{DEFAULT_MTU, LinkState};
use runtime::{Component, DeadlineTimer, Notification};
use vpn_core::{
    configuration::Configuration,
    inside::{self, Blocklist, Inbound, Inside},
    tunnel::{Circumstances, Tunnel},
};

use crate::{
    failure::Failure,
    guest::Guest,
    keys::{Contents, KeyStore},
    memory::Memory,
    net::Net,
    server::Server,
    settings::Settings,
};

/// Flows that the guest, and that the outside, may begin in a second.
const FLOWS_PER_SECOND: u32 = 500;

runtime::component!(main);

fn main(mut component: Component) -> Result<Infallible, Failure> {
    let notification = component.notification()?;
    let guest = Guest::open(&component.memory)?;
    let net = Net::open(&component.memory)?;
    let timer = DeadlineTimer::open(&component.memory)?;
    guest.set_link(LinkState::Down, DEFAULT_MTU);
    let settings = match Settings::read(&component) {
        Ok(settings) => settings,
        Err(reason) => return no_network(notification, &reason),
    };
    let mut key_store = KeyStore::open(&component.memory)?;
    let Contents {
        configuration,
        memory,
    } = match key_store.read(notification) {
        Ok(contents) => contents,
        Err(reason) => return no_network(notification, &reason),
    };
    let now = component.clock.duration(component.clock.now());
    let circumstances = Circumstances {
        remembered_labels: memory.labels(),
        ..settings.circumstances
    };
    say_if_behind(&circumstances, now);
    let tunnel = Tunnel::new(&configuration, circumstances, seed(&mut component));
    let Ok(tunnel) = tunnel else {
        return no_network(notification, &"a peer's key is of no use");
    };
    let inside = Inside::new(
        inside_of(&configuration, settings.inbound, settings.blocklist),
        seed(&mut component),
        now,
    );
    guest.set_link(LinkState::Up, configuration.interface.mtu);
    let peers = configuration.peers.len();
    runtime::println!("configuration read: {peers} peers; every packet goes through the tunnel");
    // From here on the tunnel alone has the keys.
    drop(configuration);
    let memory = Memory::new(key_store, memory);
    Server::new(guest, net, inside, tunnel, memory).serve(&component.clock, notification, &timer)
}

/// Says that the computer's clock is not what it was, or that only a leap of its timestamps has found the peer once.
fn say_if_behind(circumstances: &Circumstances, now: Duration) {
    const DAY: u64 = 24 * 3600;
    let time = circumstances.boot_time.saturating_add(now);
    let behind = circumstances.remembered_labels.saturating_sub(time);
    if behind.as_secs() > DAY {
        let days = behind.as_secs() / DAY;
        runtime::println!(
            "earlier handshakes were {days} days ahead of the computer's clock, and go on from there"
        );
    }
}

/// The link stays down, and nothing is ever sent.
fn no_network(
    notification: Notification,
    reason: &dyn core::fmt::Display,
) -> Result<Infallible, Failure> {
    loop {
        runtime::println!("the guest has no network: {reason}");
        while !runtime::status_is_wanted() {
            let _ = notification.wait();
        }
    }
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
        search: interface.search.clone(),
        mtu: interface.mtu,
        inbound,
        flows_per_second: FLOWS_PER_SECOND,
        blocklist,
    }
}
