//! Frames from the wire, between datagrams of clients, in networks whose IPv6 addresses are made or given: nothing but
//! ARP, DHCP, neighbour discovery and datagrams is ever sent, and no more than was asked for.
#![no_main]
#![allow(dead_code, reason = "the machine is that of the tests, which use more of it")]

#[path = "../../core/tests/network/machine/mod.rs"]
mod machine;
#[path = "../../core/tests/network/noise.rs"]
mod noise;

use std::time::Duration;

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use machine::dhcp6;
use machine::host::{self, GUEST_IPV4, GUEST_IPV6, Host};
use machine::{Machine, Memory, PORTS};
use net_core::Turn;
use smoltcp::wire::ArpOperation;

/// What happens, with which number, and a frame or a payload.
type Step = (u8, u16, Vec<u8>);

/// Whether addresses are made, or given by a server, and what that does.
#[derive(Arbitrary, Clone, Copy, Debug)]
enum Addresses {
    Made,
    Given,
    Refused,
}

fuzz_target!(|input: (Addresses, Vec<Step>)| {
    let (addresses, steps) = input;
    thread_local!(static MEMORY: Memory = Memory::new());
    let mut machine = MEMORY.with(|memory| Machine::over(memory));
    let mut host = match addresses {
        Addresses::Made => Host::new(),
        Addresses::Given | Addresses::Refused => Host::managed(),
    };
    host.dhcp6.is_silent = matches!(addresses, Addresses::Refused);
    machine.wait_with(Duration::from_secs(5), &mut host);
    let samples = samples(&host);
    for (kind, number, mut bytes) in steps {
        bytes.truncate(2000);
        let mut asked = 1;
        match kind % 5 {
            0 => drop(machine.device.inject(&bytes)),
            // A good frame over which the bytes are laid, its checksums right.
            1 | 2 => {
                let mut frame = samples[usize::from(kind / 5) % samples.len()].clone();
                let at = usize::from(number) % frame.len();
                frame.truncate(at + bytes.len().max(frame.len() - at));
                for (place, byte) in frame[at..].iter_mut().zip(&bytes) {
                    *place = *byte;
                }
                noise::mend(&mut frame);
                machine.device.inject(&frame);
            }
            3 => machine.now += Duration::from_millis(u64::from(number)),
            _ => {
                let to = if number % 2 == 0 { "10.0.2.2:7" } else { "[fec0::2]:7" };
                machine.send(usize::from(kind) % PORTS.len(), to, &bytes);
                asked += 1;
            }
        }
        while machine.network.turn(machine.now) == Ok(Turn::More) {}
        machine.device.send();
        let sent = machine.device.take_sent();
        // What waited for a neighbour leaves together; whoever is asked for is asked for again with time, and
        // routers and the lease want something too.
        assert!(sent.len() <= asked + 16 + 6, "{} frames", sent.len());
        sent.iter().for_each(|frame| assert!(may_leave(frame), "{frame:02x?}"));
        machine.heard(0);
        machine.heard(1);
        while machine.network.take_notice().is_some() {}
    }
});

fn samples(host: &Host) -> [Vec<u8>; 9] {
    [
        host::udp_frame((host::IPV4, 7).into(), (GUEST_IPV4, PORTS[0]).into(), b"payload"),
        host::udp_frame((host::IPV6, 7).into(), (GUEST_IPV6, PORTS[1]).into(), b"payload"),
        host::arp(ArpOperation::Request, host::IPV4, GUEST_IPV4),
        host::arp(ArpOperation::Reply, host::IPV4, GUEST_IPV4),
        host.advertisement(),
        host.offer(),
        dhcp6::frame(&host.dhcp6.message(dhcp6::ADVERTISE)),
        dhcp6::frame(&host.dhcp6.message(dhcp6::REPLY)),
        host::ethernet(smoltcp::wire::EthernetProtocol::Ipv6, 100),
    ]
}

fn may_leave(frame: &[u8]) -> bool {
    match (frame[12], frame[13]) {
        (0x08, 0x06) => true,
        (0x08, 0x00) => frame[23] == 17,
        (0x86, 0xdd) => frame[20] == 17 || frame[20] == 58 && matches!(frame[54], 133 | 135 | 136),
        _ => false,
    }
}
