//! This machine's IPv4 address: smoltcp's interface with nothing but its DHCP client.
//!
//! It sees ARP and DHCP alone, and what it wants to send is looked at again: only ARP and DHCP leave. smoltcp's client takes
//! whatever has the number of its last question, at any time and from anybody; so of DHCP it sees only the answers to a
//! question that is open, from the server that was asked.

use alloc::{vec, vec::Vec};
use core::time::Duration;

use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet};
use smoltcp::phy::{Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::socket::dhcpv4;
use smoltcp::time::Instant;
use smoltcp::wire::{
    DhcpMessageType, DhcpPacket, DhcpRepr, EthernetAddress, IpCidr, Ipv4Address, Ipv4Cidr,
    Ipv4Packet, UdpPacket,
};

use crate::addresses::{Ipv4, is_one_host};
use crate::arrival::{ETHERNET_HEADER, TYPE_ARP, TYPE_IPV4};
use crate::counters::Reason;
use crate::settings::Ipv4Setting;
use crate::transmitter::OWN_FRAME_SIZE;

/// Frames that one event may cause at most.
const MOST_FRAMES: usize = 8;

/// When nothing is to be waited for but what came due already: not at once again.
const PAUSE: Duration = Duration::from_secs(1);

/// This machine's IPv4 on the link, and how it keeps it.
pub(crate) struct Lease {
    interface: Interface,
    sockets: SocketSet<'static>,
    dhcp: Option<SocketHandle>,
    is_off: bool,
    current: Option<Ipv4>,
    /// Who gave it.
    server: Option<Ipv4Address>,
    /// What was asked last, until it is answered.
    question: Option<Message>,
}

impl Lease {
    pub(crate) fn new(setting: Ipv4Setting, mac: [u8; 6], seed: u64, now: Duration) -> Self {
        let mut config = Config::new(EthernetAddress(mac).into());
        config.random_seed = seed;
        let interface = Interface::new(config, &mut Exchange::default(), instant(now));
        let mut lease = Self {
            interface,
            sockets: SocketSet::new(vec![]),
            dhcp: None,
            is_off: setting == Ipv4Setting::Off,
            current: None,
            server: None,
            question: None,
        };
        match setting {
            Ipv4Setting::Off => {}
            Ipv4Setting::Dhcp => lease.dhcp = Some(lease.sockets.add(dhcpv4::Socket::new())),
            Ipv4Setting::Fixed(ipv4) => lease.take(Some(ipv4)),
        }
        lease
    }

    /// The address, once there is one.
    pub(crate) fn current(&self) -> Option<Ipv4> {
        self.current
    }

    /// Takes a DHCP message, if it is the answer to an open question, and does what is due.
    pub(crate) fn hear(
        &mut self,
        frame: &[u8],
        now: Duration,
        out: &mut Vec<Vec<u8>>,
    ) -> Result<(), Reason> {
        let message = Message::parse(frame).ok_or(Reason::Malformed)?;
        let question = self.question.as_ref();
        if !question.is_some_and(|question| message.answers(question)) {
            return Err(Reason::Unasked);
        }
        if message.kind != DhcpMessageType::Offer {
            self.question = None;
        }
        self.poll(Some(frame), now, out);
        Ok(())
    }

    /// Does what is due, with a frame that came in, if one did; frames to be sent go to `out`.
    pub(crate) fn poll(&mut self, frame: Option<&[u8]>, now: Duration, out: &mut Vec<Vec<u8>>) {
        if self.is_off {
            return;
        }
        let mut exchange = Exchange {
            arrived: frame,
            out: Vec::new(),
        };
        self.interface
            .poll(instant(now), &mut exchange, &mut self.sockets);
        for frame in exchange.out {
            self.note_question(&frame);
            out.push(frame);
        }
        let Some(handle) = self.dhcp else {
            return;
        };
        match self.sockets.get_mut::<dhcpv4::Socket<'_>>(handle).poll() {
            None => {}
            Some(dhcpv4::Event::Deconfigured) => {
                self.server = None;
                self.take(None);
            }
            Some(dhcpv4::Event::Configured(config)) => {
                self.server = Some(config.server.identifier);
                let ipv4 = Ipv4 {
                    address: config.address.address(),
                    prefix_length: config.address.prefix_len(),
                    gateway: config.router.filter(|router| is_one_host((*router).into())),
                };
                // What a server says is not believed blindly.
                let is_legal = is_one_host(ipv4.address.into());
                self.take(is_legal.then_some(ipv4));
            }
        }
    }

    /// When [`poll`](Self::poll) is due.
    pub(crate) fn deadline(&mut self, now: Duration) -> Option<Duration> {
        if self.is_off {
            return None;
        }
        let next = self.interface.poll_at(instant(now), &self.sockets)?;
        let next = Duration::from_micros(u64::try_from(next.total_micros()).unwrap_or(0));
        Some(if next > now { next } else { now + PAUSE })
    }

    /// Remembers what is asked, and of whom: the server that is named, or whose lease it is; if all are asked, anybody.
    fn note_question(&mut self, frame: &[u8]) {
        if frame.get(12..14) != Some(&TYPE_IPV4.to_be_bytes()) {
            return;
        }
        let sent = Message::parse(frame);
        self.question = sent.map(|message| Message {
            server: match message.server {
                None if message.to != Ipv4Address::BROADCAST => self.server,
                named => named,
            },
            ..message
        });
    }

    fn take(&mut self, ipv4: Option<Ipv4>) {
        self.current = ipv4;
        self.interface.update_ip_addrs(|addresses| {
            addresses.clear();
            if let Some(ipv4) = ipv4 {
                let network = Ipv4Cidr::new(ipv4.address, ipv4.prefix_length.min(32));
                // There is room for one.
                let _ = addresses.push(IpCidr::Ipv4(network));
            }
        });
        let routes = self.interface.routes_mut();
        routes.remove_default_ipv4_route();
        if let Some(gateway) = ipv4.and_then(|ipv4| ipv4.gateway) {
            // So here.
            let _ = routes.add_default_ipv4_route(Ipv4Address::from(gateway.octets()));
        }
    }
}

/// What matters of a DHCP message (RFC 2131, section 2).
#[derive(Clone, Copy, Debug)]
struct Message {
    to: Ipv4Address,
    kind: DhcpMessageType,
    transaction: u32,
    client: EthernetAddress,
    /// Whom it is from, or for whom it is; none is anybody.
    server: Option<Ipv4Address>,
}

impl Message {
    /// Of a frame with IPv4 and UDP in it.
    fn parse(frame: &[u8]) -> Option<Self> {
        let ip = Ipv4Packet::new_checked(frame.get(ETHERNET_HEADER..)?).ok()?;
        let udp = UdpPacket::new_checked(ip.payload()).ok()?;
        let packet = DhcpPacket::new_checked(udp.payload()).ok()?;
        let message = DhcpRepr::parse(&packet).ok()?;
        Some(Self {
            to: ip.dst_addr(),
            kind: message.message_type,
            transaction: message.transaction_id,
            client: message.client_hardware_address,
            server: message.server_identifier,
        })
    }

    fn answers(&self, question: &Self) -> bool {
        let is_from_whom_was_asked = question.server.is_none() || question.server == self.server;
        let fits = match question.kind {
            DhcpMessageType::Discover => self.kind == DhcpMessageType::Offer,
            _ => matches!(self.kind, DhcpMessageType::Ack | DhcpMessageType::Nak),
        };
        fits && is_from_whom_was_asked
            && self.transaction == question.transaction
            && self.client == question.client
    }
}

fn instant(now: Duration) -> Instant {
    Instant::from_micros(i64::try_from(now.as_micros()).unwrap_or(i64::MAX))
}

/// The device that smoltcp sees: one frame in, some frames out.
#[derive(Default)]
struct Exchange<'a> {
    arrived: Option<&'a [u8]>,
    out: Vec<Vec<u8>>,
}

struct Arrived<'a>(&'a [u8]);
struct Sending<'a>(&'a mut Vec<Vec<u8>>);

impl Device for Exchange<'_> {
    type RxToken<'a>
        = Arrived<'a>
    where
        Self: 'a;
    type TxToken<'a>
        = Sending<'a>
    where
        Self: 'a;

    fn receive(&mut self, _: Instant) -> Option<(Arrived<'_>, Sending<'_>)> {
        if self.out.len() >= MOST_FRAMES {
            return None;
        }
        let frame = self.arrived.take()?;
        Some((Arrived(frame), Sending(&mut self.out)))
    }

    fn transmit(&mut self, _: Instant) -> Option<Sending<'_>> {
        (self.out.len() < MOST_FRAMES).then_some(Sending(&mut self.out))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = OWN_FRAME_SIZE.min(1514);
        capabilities
    }
}

impl RxToken for Arrived<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, read: F) -> R {
        read(self.0)
    }
}

impl TxToken for Sending<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, write: F) -> R {
        let mut frame = vec![0; length];
        let result = write(&mut frame);
        if may_leave(&frame) {
            self.0.push(frame);
        }
        result
    }
}

/// ARP, and UDP from a DHCP client's port to a server's.
fn may_leave(frame: &[u8]) -> bool {
    const UDP: usize = ETHERNET_HEADER + 20;
    const DHCP_PORTS: [u8; 4] = [0, 68, 0, 67];
    let kind = frame.get(12..14).and_then(|kind| kind.first_chunk());
    match kind.map(|kind| u16::from_be_bytes(*kind)) {
        Some(TYPE_ARP) => true,
        Some(TYPE_IPV4) => {
            frame.get(ETHERNET_HEADER) == Some(&0x45)
                && frame.get(ETHERNET_HEADER + 9) == Some(&17)
                && frame.get(UDP..UDP + 4) == Some(&DHCP_PORTS)
        }
        _ => false,
    }
}
