//! The network as the machine meets it: a link with a router, behind it the peer.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::sync::mpsc::{Receiver, Sender, TryRecvError};

use smoltcp::wire::{
    ArpOperation, ArpPacket, ArpRepr, EthernetAddress, EthernetFrame, EthernetProtocol, IpProtocol,
    Ipv4Packet, Ipv6Packet, UdpPacket,
};

use super::dhcp::Server;
use super::dhcp6;
use super::discovery::{self, Question};
use super::emit;
use super::file::{Addresses, Advertisement, Deed, Outside, Router};
use super::hostile::{Chance, Hostile, Seen};
use super::link::Link;
use super::places::{ROGUE_MAC, ROUTER, ROUTER_MAC, is_peer};
use super::relay::{Fate, Flow, Relay};
use crate::qemu::{MAC, Remarks};
use crate::scenario::capture::Captured;

/// Frames of a flood that are sent before something else has its turn.
const FLOOD_TURN: usize = 32;

/// What happens in the network.
pub(super) enum Event {
    /// The machine sent a frame.
    Frame(Vec<u8>),
    /// The peer sent a datagram.
    Answer(Flow, Vec<u8>),
    /// There is no peer at the other end.
    NobodyListens(Flow),
    /// The scenario wants something done.
    Deed(Deed),
    /// Nothing; somebody looks whether there is still anybody.
    Nothing,
    /// The machine is gone.
    Gone,
}

/// Everything on the other side of the machine's cable.
pub(super) struct Network {
    link: Link,
    server: Server,
    server_6: dhcp6::Server,
    router: Router,
    relay: Relay,
    seen: Seen,
    chance: Chance,
    /// Frames of each kind in a flood.
    flood_size: usize,
    /// Kinds, and how many of each are still to come.
    floods: VecDeque<(Hostile, usize)>,
    remarks: Remarks,
    /// What was remarked last: nobody wants to hear it again.
    remarked: String,
}

impl Network {
    pub(super) fn new(
        link: Link,
        outside: &Outside,
        flood_size: usize,
        events: Sender<Event>,
        remarks: Remarks,
    ) -> Network {
        Network {
            link,
            server: Server::new(outside.dhcp, outside.lease_seconds),
            server_6: dhcp6::Server::new(outside.dhcp6, outside.lease_seconds),
            router: outside.router,
            relay: Relay::new(outside.path, events),
            seen: Seen::default(),
            chance: Chance::new(),
            flood_size,
            floods: VecDeque::new(),
            remarks,
            remarked: String::new(),
        }
    }

    /// Runs until the machine is gone; what went over the link.
    pub(super) fn run(mut self, events: &Receiver<Event>) -> Vec<Captured> {
        loop {
            let event = if self.floods.is_empty() {
                events.recv().unwrap_or(Event::Gone)
            } else {
                self.flood();
                match events.try_recv() {
                    Ok(event) => event,
                    Err(TryRecvError::Empty) => Event::Nothing,
                    Err(TryRecvError::Disconnected) => Event::Gone,
                }
            };
            match event {
                Event::Frame(frame) => {
                    self.link.note(&frame);
                    // A frame without a meaning gets no answer.
                    let _ = self.take(&frame);
                }
                Event::Answer(flow, payload) => self.carry_back(flow, &payload),
                Event::NobodyListens(flow) => {
                    let peer = flow.peer;
                    self.remark_once(format!("nobody listens at {peer}"));
                }
                Event::Deed(deed) => self.act(deed),
                Event::Nothing => {}
                Event::Gone => return self.link.finish(),
            }
        }
    }

    fn remark(&mut self, remark: &str) {
        self.remarks.say(&format!("[outside] {remark}"));
    }

    /// The same for what may be true of every frame, until something else is.
    fn remark_once(&mut self, remark: String) {
        if remark != self.remarked {
            self.remark(&remark);
            self.remarked = remark;
        }
    }

    fn act(&mut self, deed: Deed) {
        match deed {
            Deed::Dhcp(conduct) => self.server.conduct = conduct,
            Deed::Dhcp6(conduct) => self.server_6.conduct = conduct,
            Deed::Router(router) => self.router = router,
            Deed::Path(path) => self.relay.set_path(path),
            Deed::Advertise(advertisement) => self.advertise(&advertisement),
            Deed::Flood(kinds) => {
                let size = self.flood_size;
                self.floods
                    .extend(kinds.into_iter().map(|kind| (kind, size)));
            }
            // The scenario itself has the process.
            Deed::Peer(_) | Deed::Foreign(_) => {}
        }
    }

    fn flood(&mut self) {
        let Some((kind, left)) = self.floods.front_mut() else {
            return;
        };
        let kind = *kind;
        let turn = FLOOD_TURN.min(*left);
        *left -= turn;
        let is_over = *left == 0;
        for _ in 0..turn {
            let frame = kind.frame(&mut self.chance, &self.seen);
            self.link.send_unrecorded(&frame);
        }
        if is_over {
            self.floods.pop_front();
            let count = self.flood_size;
            self.remark(&format!("{count} frames were {kind:?}"));
        }
    }

    fn advertise(&mut self, advertisement: &Advertisement) {
        self.link.send(discovery::advertise(advertisement));
    }

    /// Takes a frame of the machine's.
    fn take(&mut self, bytes: &[u8]) -> Option<()> {
        let frame = EthernetFrame::new_checked(bytes).ok()?;
        if frame.dst_addr() == EthernetAddress(ROGUE_MAC) {
            self.remark_once("somebody else gets the router's frames".into());
        }
        if frame.dst_addr() != EthernetAddress(ROUTER_MAC) && frame.dst_addr().is_unicast() {
            return None;
        }
        match frame.ethertype() {
            EthernetProtocol::Arp => self.take_arp(frame.payload()),
            EthernetProtocol::Ipv4 => {
                let packet = Ipv4Packet::new_checked(frame.payload()).ok()?;
                let ends = (packet.src_addr().into(), packet.dst_addr().into());
                match packet.next_header() {
                    IpProtocol::Udp => self.take_datagram(ends, packet.payload()),
                    _ => None,
                }
            }
            EthernetProtocol::Ipv6 => {
                let packet = Ipv6Packet::new_checked(frame.payload()).ok()?;
                let ends = (packet.src_addr(), packet.dst_addr());
                match packet.next_header() {
                    IpProtocol::Udp => {
                        self.take_datagram((ends.0.into(), ends.1.into()), packet.payload())
                    }
                    IpProtocol::Icmpv6 => {
                        match discovery::question(ends.0, ends.1, packet.payload())? {
                            Question::Routers => self.answer_for_routers(),
                            Question::Router { from } => {
                                self.link.send(discovery::here_is_the_router(from));
                            }
                        }
                        Some(())
                    }
                    _ => None,
                }
            }
            EthernetProtocol::Unknown(_) => None,
        }
    }

    fn answer_for_routers(&mut self) {
        let addresses = match self.router {
            Router::Answers => Addresses::Made,
            Router::Manages => Addresses::Given,
            Router::Silent => return,
        };
        self.advertise(&Advertisement {
            addresses,
            ..Advertisement::default()
        });
    }

    /// Tells who asks for the router where it is (RFC 826).
    fn take_arp(&mut self, packet: &[u8]) -> Option<()> {
        let packet = ArpPacket::new_checked(packet).ok()?;
        let ArpRepr::EthernetIpv4 {
            operation: ArpOperation::Request,
            source_hardware_addr,
            source_protocol_addr,
            target_protocol_addr: ROUTER,
            ..
        } = ArpRepr::parse(&packet).ok()?
        else {
            return None;
        };
        let answer = ArpRepr::EthernetIpv4 {
            operation: ArpOperation::Reply,
            source_hardware_addr: EthernetAddress(ROUTER_MAC),
            source_protocol_addr: ROUTER,
            target_hardware_addr: source_hardware_addr,
            target_protocol_addr: source_protocol_addr,
        };
        let mut bytes = vec![0; answer.buffer_len()];
        answer.emit(&mut ArpPacket::new_unchecked(&mut bytes[..]));
        self.link
            .send(emit::frame(ROUTER_MAC, MAC, EthernetProtocol::Arp, &bytes));
        Some(())
    }

    fn take_datagram(&mut self, (from, to): (IpAddr, IpAddr), udp: &[u8]) -> Option<()> {
        let udp = UdpPacket::new_checked(udp).ok()?;
        let machine = SocketAddr::new(from, udp.src_port());
        let destination = SocketAddr::new(to, udp.dst_port());
        if destination.port() == smoltcp::wire::DHCP_SERVER_PORT {
            let (answer, remark) = self.server.take(udp.payload())?;
            self.remark(&remark);
            let frame = emit::frame(ROUTER_MAC, MAC, EthernetProtocol::Ipv4, &answer);
            self.link.send(frame);
            return Some(());
        }
        if destination == dhcp6::ALL_SERVERS {
            let (answer, remark) = self.server_6.take(machine, udp.payload())?;
            self.remark(&remark);
            let frame = emit::frame(ROUTER_MAC, MAC, EthernetProtocol::Ipv6, &answer);
            self.link.send(frame);
            return Some(());
        }
        if !is_peer(to) {
            return None;
        }
        let flow = Flow {
            machine,
            peer: destination,
        };
        if let IpAddr::V4(from) = from
            && self.server.leased() != Some(from)
        {
            self.remark_once(format!("{from} is used without a lease"));
        }
        self.seen.ends = Some((machine, flow.peer));
        match self.relay.send(flow, udp.payload()) {
            Ok(Fate::Carried) => {}
            Ok(Fate::Lost) => self.remark_once(format!("the way to {destination} is closed")),
            Err(error) => self.remark_once(format!("there is no way to the peer: {error:#}")),
        }
        Some(())
    }

    fn carry_back(&mut self, flow: Flow, payload: &[u8]) {
        let protocol = if flow.machine.is_ipv4() {
            EthernetProtocol::Ipv4
        } else {
            EthernetProtocol::Ipv6
        };
        for payload in self.relay.carry_back(payload) {
            let packet = emit::datagram(flow.peer, flow.machine, &payload);
            let frame = emit::frame(ROUTER_MAC, MAC, protocol, &packet);
            self.seen.note(&frame);
            self.link.send(frame);
        }
    }
}
