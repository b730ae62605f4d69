//! A tunnel on a UDP socket of the host, to be tried against a peer of another make: pings an inside address, answers
//! pings, and says what the tunnel counted.
//!
//! `pinger CONFIGURATION OWN-PORT INSIDE-ADDRESS SECONDS POLICY [PINGS-PER-SECOND [BYTES]]`

use std::{
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use vpn_core::{
    configuration::Configuration,
    tunnel::{Circumstances, DropReason, Policy, Received, Sealed, Tunnel, Wire},
};

struct Socket<'a>(&'a UdpSocket);

impl Wire for Socket<'_> {
    fn send(&mut self, to: SocketAddr, datagram: &[u8]) {
        // What cannot be sent is lost, as on any wire.
        let _ = self.0.send_to(datagram, to);
    }
}

struct Pinger {
    socket: UdpSocket,
    tunnel: Tunnel,
    start: Instant,
    own: Ipv4Addr,
    sent: u16,
    answers: u64,
    answered: u64,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [configuration, port, destination, seconds, policy, rest @ ..] = &arguments[..] else {
        return Err("see the first lines of the source".into());
    };
    let rate: u32 = rest.first().map_or(Ok(10), |rate| rate.parse())?;
    let bytes: usize = rest.get(1).map_or(Ok(84), |bytes| bytes.parse())?;
    let configuration = Configuration::parse(&std::fs::read(configuration)?)?;
    let port: u16 = port.parse()?;
    let socket = UdpSocket::bind(("127.0.0.1", port))?;
    let std::net::IpAddr::V4(own) = configuration.interface.addresses[0].address() else {
        return Err("the first inside address must be IPv4".into());
    };
    let circumstances = Circumstances {
        boot_time: SystemTime::now().duration_since(UNIX_EPOCH)?,
        remembered_labels: Duration::ZERO,
        post_quantum: Policy::from_name(policy).ok_or("require, prefer or off")?,
    };
    let mut seed = [0; 32];
    std::io::Read::read_exact(&mut std::fs::File::open("/dev/urandom")?, &mut seed)?;
    let tunnel =
        Tunnel::new(&configuration, circumstances, seed).map_err(|key| format!("{key:?}"))?;
    let mut pinger = Pinger {
        socket,
        tunnel,
        start: Instant::now(),
        own,
        sent: 0,
        answers: 0,
        answered: 0,
    };
    pinger.run(
        destination.parse()?,
        Duration::from_secs(seconds.parse()?),
        Duration::from_secs(1) / rate,
        bytes,
    )?;
    pinger.report();
    Ok(())
}

impl Pinger {
    fn run(
        &mut self,
        to: Ipv4Addr,
        span: Duration,
        pause: Duration,
        bytes: usize,
    ) -> std::io::Result<()> {
        let mut next = Duration::ZERO;
        let mut datagram = [0; 2048];
        while self.start.elapsed() < span {
            let now = self.start.elapsed();
            if now >= next {
                next = now + pause;
                self.sent = self.sent.wrapping_add(1);
                let echo = echo(self.own, to, self.sent, bytes);
                self.send(&echo);
            }
            if self
                .tunnel
                .next_deadline()
                .is_some_and(|deadline| deadline <= now)
            {
                self.tunnel.on_deadline(now, &mut Socket(&self.socket));
            }
            self.socket
                .set_read_timeout(Some(pause.min(Duration::from_millis(10))))?;
            if let Ok((length, from)) = self.socket.recv_from(&mut datagram) {
                self.receive(from, &datagram[..length]);
            }
        }
        Ok(())
    }

    fn send(&mut self, packet: &[u8]) {
        let mut buffer = [packet, &[0; 16]].concat();
        let mut message = [0; 2048];
        let now = self.start.elapsed();
        let wire = &mut Socket(&self.socket);
        let sealed = self
            .tunnel
            .seal(&mut buffer, packet.len(), &mut message, now, wire);
        if let Sealed::Message { to, length } = sealed {
            wire.send(to, &message[..length]);
        }
    }

    fn receive(&mut self, from: SocketAddr, datagram: &[u8]) {
        let (now, mut room) = (self.start.elapsed(), [0; 2048]);
        let wire = &mut Socket(&self.socket);
        let received = self.tunnel.receive(from, &datagram, &mut room, now, wire);
        let Received::Packet(length) = received else {
            return;
        };
        let packet = &room[..length];
        match (packet.get(9), packet.get(20)) {
            (Some(1), Some(0)) => self.answers += 1,
            (Some(1), Some(8)) => {
                self.answered += 1;
                let answer = answer(packet);
                self.send(&answer);
            }
            _ => {}
        }
    }

    fn report(&self) {
        println!(
            "pings: {} sent, {} answered; pings of the peer answered: {}",
            self.sent, self.answers, self.answered
        );
        println!("{:?}", self.tunnel.counters());
        for peer in self.tunnel.peers() {
            println!("{peer:?}");
        }
        for reason in DropReason::ALL {
            let count = self.tunnel.counters().dropped(reason);
            if count > 0 {
                println!("dropped: {} {count}", reason.name());
            }
        }
    }
}

/// An ICMP echo request of `bytes` in all (RFC 792).
fn echo(from: Ipv4Addr, to: Ipv4Addr, number: u16, bytes: usize) -> Vec<u8> {
    let length = u16::try_from(bytes).unwrap_or(u16::MAX).to_be_bytes();
    let mut packet = vec![0x45, 0, length[0], length[1], 0, 0, 0x40, 0, 64, 1, 0, 0];
    packet.extend(from.octets());
    packet.extend(to.octets());
    let sum = checksum(&packet);
    packet[10..12].copy_from_slice(&sum);
    let [high, low] = number.to_be_bytes();
    packet.extend([8, 0, 0, 0, 0x53, 0x4b, high, low]);
    packet.resize(bytes, 0x5a);
    let sum = checksum(&packet[20..]);
    packet[22..24].copy_from_slice(&sum);
    packet
}

fn answer(request: &[u8]) -> Vec<u8> {
    let mut packet = request.to_vec();
    packet[12..16].copy_from_slice(&request[16..20]);
    packet[16..20].copy_from_slice(&request[12..16]);
    packet[20] = 0;
    packet[22..24].fill(0);
    let sum = checksum(&packet[20..]);
    packet[22..24].copy_from_slice(&sum);
    packet
}

fn checksum(bytes: &[u8]) -> [u8; 2] {
    let words = bytes.chunks(2);
    let words =
        words.map(|word| u32::from(word[0]) << 8 | word.get(1).copied().map_or(0, u32::from));
    let sum: u32 = words.sum();
    let sum = (sum & 0xffff) + (sum >> 16);
    let sum = (sum & 0xffff) + (sum >> 16);
    let [_, _, high, low] = (!sum).to_be_bytes();
    [high, low]
}
