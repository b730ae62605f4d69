//! Frames from the wire, between datagrams of clients, in networks whose IPv6 addresses are made or given: nothing but
//! ARP, DHCP, neighbour discovery and datagrams is ever sent, and no more than was asked for.
#![no_main]
#![allow(dead_code, reason = "the machine is that of the tests, which use more of it")]

#[path = "../../core/tests/network/machine/mod.rs"]
mod machine;
#[path = "../../core/tests/network/noise.rs"]
mod noise;

use std::net::IpAddr;
use std::time::Duration;

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use machine::dhcp6;
use machine::host::{self, GUEST_IPV4, GUEST_IPV6, Host};
use machine::{Machine, Memory, PORTS, pieces};
use net_core::Turn;
use smoltcp::wire::{
    ArpOperation, Icmpv4DstUnreachable, Icmpv4Packet, Icmpv4Repr, IpProtocol, Ipv4Repr,
};

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
    let mut last = Vec::new();
    for (kind, number, mut bytes) in steps {
        bytes.truncate(2000);
        let mut asked = 1;
        match kind % 6 {
            0 => drop(machine.device.inject(&bytes)),
            // A good frame over which the bytes are laid, its checksums right.
            1 | 2 => {
                let mut frame = samples[usize::from(kind / 6) % samples.len()].clone();
                let at = usize::from(number) % frame.len();
                frame.truncate(at + bytes.len().max(frame.len() - at));
                for (place, byte) in frame[at..].iter_mut().zip(&bytes) {
                    *place = *byte;
                }
                noise::mend(&mut frame);
                machine.device.inject(&frame);
            }
            3 => machine.now += Duration::from_millis(u64::from(number)),
            4 => {
                let to = if number % 2 == 0 { "10.0.2.2:7" } else { "[fec0::2]:7" };
                bytes.resize(bytes.len().max(usize::from(number) % 1473), 7);
                machine.send(usize::from(kind) % PORTS.len(), to, &bytes);
                // In pieces, if the path has become narrow.
                asked += 3;
                last = bytes;
            }
            // A router that has seen it says that it was too large.
            _ => drop(machine.device.inject(&too_large(number, kind, &last))),
        }
        while machine.network.turn(machine.now) == Ok(Turn::More) {}
        machine.device.send();
        let sent = machine.device.take_sent();
        // What waited for a neighbour leaves together; whoever is asked for is asked for again with time, and
        // routers and the lease want something too.
        assert!(sent.len() <= asked + 3 * 16 + 6, "{} frames", sent.len());
        sent.iter().for_each(|frame| assert!(may_leave(frame), "{frame:02x?}"));
        machine.heard(0);
        machine.heard(1);
        while machine.network.take_notice().is_some() {}
    }
});

fn samples(host: &Host) -> [Vec<u8>; 13] {
    let [four, six] = [(host::IPV4.into(), GUEST_IPV4.into()), (host::IPV6.into(), GUEST_IPV6.into())]
        .map(|(from, to): (IpAddr, IpAddr)| host::udp_frame((from, 7).into(), (to, PORTS[0]).into(), &[7; 60]));
    let [four, six] = [pieces::cut(&four, 60, 1), pieces::cut(&six, 88, 1)];
    [
        host::udp_frame((host::IPV4, 7).into(), (GUEST_IPV4, PORTS[0]).into(), b"payload"),
        host::udp_frame((host::IPV6, 7).into(), (GUEST_IPV6, PORTS[1]).into(), b"payload"),
        host::arp(ArpOperation::Request, host::IPV4, GUEST_IPV4),
        host::arp(ArpOperation::Reply, host::IPV4, GUEST_IPV4),
        host.advertisement(),
        four[0].clone(),
        four[1].clone(),
        six[0].clone(),
        six[1].clone(),
        host.offer(),
        dhcp6::frame(&host.dhcp6.message(dhcp6::ADVERTISE)),
        dhcp6::frame(&host.dhcp6.message(dhcp6::REPLY)),
        host::ethernet(smoltcp::wire::EthernetProtocol::Ipv6, 100),
    ]
}

/// About a datagram of one of the clients to the IPv4 echo.
fn too_large(mtu: u16, client: u8, payload: &[u8]) -> Vec<u8> {
    let length = payload.len() as u16 + 8;
    let port = PORTS[usize::from(client) % PORTS.len()];
    let udp = [port, 7, length, 0].map(u16::to_be_bytes).concat();
    let data = [&udp[..], &payload[..payload.len().min(500)]].concat();
    let header = Ipv4Repr {
        src_addr: GUEST_IPV4,
        dst_addr: host::IPV4,
        next_header: IpProtocol::Udp,
        payload_len: usize::from(length),
        hop_limit: 63,
    };
    let mut frame = host::icmpv4(&Icmpv4Repr::DstUnreachable {
        reason: Icmpv4DstUnreachable::FragRequired,
        header,
        data: &data,
    });
    frame[40..42].copy_from_slice(&mtu.to_be_bytes());
    Icmpv4Packet::new_unchecked(&mut frame[34..]).fill_checksum();
    frame
}

fn may_leave(frame: &[u8]) -> bool {
    match (frame[12], frame[13]) {
        (0x08, 0x06) => true,
        (0x08, 0x00) => frame[23] == 17,
        (0x86, 0xdd) => matches!(frame[20], 17 | 44) || frame[20] == 58 && matches!(frame[54], 133 | 135 | 136),
        _ => false,
    }
}
