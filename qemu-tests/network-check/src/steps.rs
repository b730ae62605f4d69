//! What is tried, one function each.

use alloc::{format, string::String, vec, vec::Vec};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use core::time::Duration;

use datagram_api::{Incoming, QUEUE_LENGTH};
use runtime::{Component, println};

use crate::figures;
use crate::net::{Heard, Net, text};

/// The host's loopback, as QEMU's user network shows it.
const HOSTS: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::new(10, 0, 2, 2)),
    IpAddr::V6(Ipv6Addr::new(0xfec0, 0, 0, 0, 0, 0, 0, 2)),
];
/// A host on the link that does not exist.
const NOBODY: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 2, 77));

const PATIENCE: Duration = Duration::from_secs(20);
/// Datagrams that are sent as fast as can be.
const MANY: u16 = 2000;

pub(crate) fn check(component: &Component) -> Result<(), String> {
    let port = component.environment.integer("echo-port").map_err(text)?;
    let port = u16::try_from(port).map_err(text)?;
    let mut net = Net::open(component)?;
    wait_for_addresses(&mut net)?;
    if component.environment.integer("figures").map_err(text)? == 1 {
        return figures::count(&mut net, SocketAddr::new(HOSTS[0], port));
    }
    for host in HOSTS {
        let echo = SocketAddr::new(host, port);
        sizes(&mut net, echo)?;
        many(component, &mut net, echo)?;
    }
    too_large(&mut net, SocketAddr::new(HOSTS[0], port))?;
    unreachable(&mut net, SocketAddr::new(NOBODY, port))
}

fn wait_for_addresses(net: &mut Net) -> Result<(), String> {
    let end = net.in_time(PATIENCE);
    while let Some(heard) = net.wait(end)? {
        if let Heard::Other(Incoming::State(state)) = heard
            && state.has_ipv4
            && state.has_ipv6
            && state.link_is_up
        {
            println!("there are addresses for both kinds of IP");
            return Ok(());
        }
    }
    Err("there is no network".into())
}

/// Datagrams of many sizes, one after the other.
fn sizes(net: &mut Net, echo: SocketAddr) -> Result<(), String> {
    for length in [0, 1, 2, 63, 64, 65, 500, 1400, 1452] {
        let payload = content(length, 0);
        // One may be lost on the host.
        let mut tries = 3;
        while !try_echo(net, echo, &payload)? {
            tries -= 1;
            if tries == 0 {
                return Err(format!("{length} bytes do not come back from {echo}"));
            }
        }
    }
    println!("datagrams of all sizes come back from {echo}");
    Ok(())
}

pub(crate) fn try_echo(net: &mut Net, echo: SocketAddr, payload: &[u8]) -> Result<bool, String> {
    net.send(echo, payload)?;
    net.signal();
    let end = net.in_time(Duration::from_secs(3));
    while let Some(heard) = net.wait(end)? {
        if let Heard::Payload(from, returned) = heard
            && from == echo
            && returned == payload
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// As many at a time as can be; the host may lose some, but nothing may be changed or come twice.
fn many(component: &Component, net: &mut Net, echo: SocketAddr) -> Result<(), String> {
    let start = component.clock.now();
    let mut back = vec![false; usize::from(MANY)];
    let (mut sent, mut missing) = (0, usize::from(MANY));
    let mut outstanding = 0;
    while missing > 0 {
        // The host's socket has room for some.
        while sent < MANY && outstanding < QUEUE_LENGTH / 4 && net.has_room()? {
            net.send(echo, &content(1400, sent))?;
            sent += 1;
            outstanding += 1;
        }
        net.signal();
        let end = net.in_time(Duration::from_secs(2));
        match net.wait(end)? {
            Some(Heard::Payload(from, payload)) if from == echo => {
                note(&mut back, &payload)?;
                outstanding = outstanding.saturating_sub(1);
                missing -= 1;
            }
            Some(_) => {}
            None if sent == MANY => break,
            None => outstanding = 0,
        }
    }
    if missing > usize::from(MANY) / 10 {
        return Err(format!("{missing} of {MANY} datagrams to {echo} are lost"));
    }
    let ticks = (component.clock.now() - start).0 / u64::from(MANY);
    println!("{MANY} datagrams went to {echo} and came back: {ticks} ticks each");
    Ok(())
}

/// Marks the number of a datagram that came back.
fn note(back: &mut [bool], payload: &[u8]) -> Result<(), String> {
    let number = payload
        .first_chunk()
        .map(|number| u16::from_le_bytes(*number));
    let number = number.ok_or("a datagram came back too short")?;
    let place = back.get_mut(usize::from(number));
    let place = place.ok_or("a datagram came back that was not sent")?;
    if payload != content(1400, number) {
        return Err(format!("datagram {number} came back changed"));
    }
    if core::mem::replace(place, true) {
        return Err(format!("datagram {number} came back twice"));
    }
    Ok(())
}

fn too_large(net: &mut Net, to: SocketAddr) -> Result<(), String> {
    let address = to.ip();
    let expected = Incoming::PathMtu { address, mtu: 1500 };
    net.send(to, &[7; 1473])?;
    net.signal();
    expect(net, &expected)?;
    println!("what is too large is not sent, and its size is said");
    Ok(())
}

fn unreachable(net: &mut Net, to: SocketAddr) -> Result<(), String> {
    net.send(to, b"anybody?")?;
    net.signal();
    expect(net, &Incoming::Unreachable { to })?;
    println!("{to} is reported as unreachable");
    Ok(())
}

fn expect(net: &mut Net, expected: &Incoming) -> Result<(), String> {
    let end = net.in_time(PATIENCE);
    while let Some(heard) = net.wait(end)? {
        if matches!(&heard, Heard::Other(incoming) if incoming == expected) {
            return Ok(());
        }
    }
    Err(format!("{expected:?} is not said"))
}

/// A payload that says its number, and differs from others in every byte.
fn content(length: usize, number: u16) -> Vec<u8> {
    let seed = number.to_le_bytes();
    let bytes = (0..length).map(|index| match index {
        0 | 1 => seed[index],
        _ => u8::try_from((index * 7 + usize::from(number)) % 251).unwrap_or(0),
    });
    bytes.collect()
}
