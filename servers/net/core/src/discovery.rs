//! This machine's IPv6 on the link: neighbour discovery (RFC 4861), and an address made of what routers advertise
//! (RFC 4862) or given by the server that they point at (RFC 8415).

use alloc::{vec, vec::Vec};
use core::net::{IpAddr, Ipv6Addr};
use core::time::Duration;

use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{
    EthernetAddress, EthernetFrame, EthernetProtocol, HardwareAddress, Icmpv6Packet, Icmpv6Repr,
    IpProtocol, Ipv6Packet, Ipv6Repr, NdiscNeighborFlags, NdiscRepr, NdiscRouterFlags,
    RawHardwareAddress,
};

use crate::addresses::{
    Addresses, Ipv6, is_one_host, link_local, multicast_mac, with_interface_identifier,
};
use crate::arrival::{ETHERNET_HEADER, IPV6_HEADER};
use crate::chance::Chance;
use crate::counters::Reason;
use crate::dhcp6::{self, Association};
use crate::probe::Probe;
use crate::routers::{Advertisement, Management, Routers};
use crate::settings::Ipv6Setting;

const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
const ALL_ROUTERS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 2);

/// What a message of neighbour discovery comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// Nothing that concerns us.
    Nothing,
    /// This frame is the answer.
    Answer(Vec<u8>),
    /// A host says where it is.
    Neighbour { address: IpAddr, mac: [u8; 6] },
    /// A router spoke, and what it said was taken.
    Router,
    /// Another host has the address that this machine was about to use.
    Taken(Ipv6Addr),
}

/// This machine's IPv6.
pub(crate) struct Discovery {
    setting: Ipv6Setting,
    mac: [u8; 6],
    routers: Routers,
    association: Association,
    probe: Probe,
}

impl Discovery {
    pub(crate) fn new(setting: Ipv6Setting, mac: [u8; 6], chance: Chance, now: Duration) -> Self {
        Self {
            setting,
            mac,
            routers: Routers::new(now),
            association: Association::new(mac, chance),
            probe: Probe::default(),
        }
    }

    /// The link-local address, unless IPv6 is off.
    pub(crate) fn link_local(&self) -> Option<Ipv6Addr> {
        (self.setting != Ipv6Setting::Off).then(|| link_local(self.mac))
    }

    /// The address beyond that, once there is one that nobody else has.
    pub(crate) fn current(&self) -> Option<Ipv6> {
        match self.setting {
            Ipv6Setting::Off => None,
            Ipv6Setting::Fixed(ipv6) => Some(ipv6),
            Ipv6Setting::Auto => {
                let address = self.wanted().filter(|wanted| self.probe.is_free(*wanted))?;
                Some(Ipv6 {
                    address,
                    prefix_length: self.routers.bits_on_link(address),
                    gateway: self.routers.gateway(),
                })
            }
        }
    }

    /// The address that this machine would have. One that a server gave is kept while it lasts, whatever routers say
    /// meanwhile.
    fn wanted(&self) -> Option<Ipv6Addr> {
        let of_prefix = |prefix| with_interface_identifier(prefix, self.mac);
        let made = self.routers.prefix().map(of_prefix);
        self.association.address().or(made)
    }

    /// Does what is due: forgets what has expired, asks for routers, servers and doubles.
    pub(crate) fn poll(&mut self, now: Duration, out: &mut Vec<Vec<u8>>) {
        if self.setting != Ipv6Setting::Auto {
            return;
        }
        if self.routers.poll(now) {
            out.push(self.ask_for_routers());
        }
        let is_wanted = self.routers.want_a_server();
        if let Some(message) = self.association.poll(is_wanted, now) {
            out.extend(dhcp6::frame(self.mac, &message));
        }
        if let Some(address) = self.probe.poll(self.wanted(), now) {
            out.push(self.ask_for_double(address));
        }
        let given = self.association.address();
        if given.is_some_and(|given| self.probe.is_free(given)) {
            self.association.keep();
        }
    }

    /// When [`poll`](Self::poll) is due.
    pub(crate) fn deadline(&self) -> Option<Duration> {
        let is_auto = self.setting == Ipv6Setting::Auto;
        let deadlines = [
            self.routers.deadline(),
            self.association.deadline(),
            self.probe.deadline(),
        ];
        deadlines.into_iter().flatten().min().filter(|_| is_auto)
    }

    /// Takes a message of a DHCPv6 server's.
    pub(crate) fn take_dhcp(&mut self, message: &[u8], now: Duration) -> Result<(), Reason> {
        self.association.take(message, now)
    }

    /// Takes a frame with a message of neighbour discovery that came from the link.
    pub(crate) fn take(&mut self, frame: &[u8], own: &Addresses, now: Duration) -> Found {
        self.understand(frame, own, now).unwrap_or(Found::Nothing)
    }

    /// The question who has `address`.
    pub(crate) fn ask(&self, address: Ipv6Addr, own: &Addresses) -> Option<Vec<u8>> {
        let source = if address.is_unicast_link_local() {
            own.link_local
        } else {
            own.ipv6.map(|ipv6| ipv6.address).or(own.link_local)
        };
        let message = NdiscRepr::NeighborSolicit {
            target_addr: address,
            lladdr: Some(self.raw_mac()),
        };
        Some(self.frame(source?, solicited_node(address), None, message))
    }

    fn understand(&mut self, frame: &[u8], own: &Addresses, now: Duration) -> Option<Found> {
        let packet = Ipv6Packet::new_checked(frame.get(ETHERNET_HEADER..)?).ok()?;
        let header = Ipv6Repr::parse(&packet).ok()?;
        let message = Icmpv6Packet::new_checked(packet.payload()).ok()?;
        let checksums = ChecksumCapabilities::default();
        let (source, to) = (header.src_addr, header.dst_addr);
        match Icmpv6Repr::parse(&source, &to, &message, &checksums).ok()? {
            Icmpv6Repr::Ndisc(NdiscRepr::NeighborSolicit {
                target_addr,
                lladdr,
            }) => {
                // Who asks from nowhere is about to use it, too (RFC 4862, section 5.4.3).
                if source.is_unspecified() && self.hear_double(frame, target_addr, now) {
                    return Some(Found::Taken(target_addr));
                }
                let is_for_us = own.has(target_addr.into())
                    && (to == target_addr || to == solicited_node(target_addr));
                is_for_us.then(|| self.answer(source, target_addr, lladdr))?
            }
            Icmpv6Repr::Ndisc(NdiscRepr::NeighborAdvert {
                target_addr,
                lladdr,
                ..
            }) => {
                if self.hear_double(frame, target_addr, now) {
                    return Some(Found::Taken(target_addr));
                }
                let HardwareAddress::Ethernet(mac) =
                    lladdr?.parse(smoltcp::phy::Medium::Ethernet).ok()?
                else {
                    return None;
                };
                let address = target_addr.into();
                (!own.has(address)).then_some(Found::Neighbour {
                    address,
                    mac: mac.0,
                })
            }
            Icmpv6Repr::Ndisc(NdiscRepr::RouterAdvert {
                flags,
                router_lifetime,
                prefix_info,
                ..
            }) => {
                let is_legal = self.setting == Ipv6Setting::Auto
                    && source.is_unicast_link_local()
                    && !own.has(source.into())
                    && (to == ALL_NODES || own.has(to.into()));
                is_legal.then_some(())?;
                let said = Advertisement {
                    router: source,
                    lifetime: router_lifetime.into(),
                    management: if flags.contains(NdiscRouterFlags::MANAGED) {
                        Management::Managed
                    } else {
                        Management::None
                    },
                    prefix: prefix_info,
                };
                self.routers.hear(&said, now);
                Some(Found::Router)
            }
            _ => None,
        }
    }

    /// Another host speaks of `address` as its own. Whether that is the answer to our question.
    fn hear_double(&mut self, frame: &[u8], address: Ipv6Addr, now: Duration) -> bool {
        // Some links bring back what was sent.
        let is_own = frame.get(6..12) == Some(&self.mac);
        if is_own || !self.probe.hear(address, now) {
            return false;
        }
        if self.association.address() == Some(address) {
            self.association.decline(now);
        }
        true
    }

    /// The answer to who has `target`.
    fn answer(
        &self,
        source: Ipv6Addr,
        target: Ipv6Addr,
        lladdr: Option<RawHardwareAddress>,
    ) -> Option<Found> {
        // Who looks for a double of itself has no address yet: the answer goes to all (RFC 4861, 7.2.4).
        let is_probe = source.is_unspecified();
        let to = if is_probe { ALL_NODES } else { source };
        let mac = match lladdr {
            _ if is_probe => None,
            None => return None,
            Some(lladdr) => match lladdr.parse(smoltcp::phy::Medium::Ethernet).ok()? {
                HardwareAddress::Ethernet(mac) if mac.is_unicast() => Some(mac),
                HardwareAddress::Ethernet(_) | HardwareAddress::Ip => return None,
            },
        };
        if !is_probe && !is_one_host(source.into()) {
            return None;
        }
        let mut flags = NdiscNeighborFlags::OVERRIDE;
        if !is_probe {
            flags |= NdiscNeighborFlags::SOLICITED;
        }
        let message = NdiscRepr::NeighborAdvert {
            flags,
            target_addr: target,
            lladdr: Some(self.raw_mac()),
        };
        Some(Found::Answer(self.frame(target, to, mac, message)))
    }

    /// The question whether anybody has an address that is not this machine's yet (RFC 4862, section 5.4.2).
    fn ask_for_double(&self, address: Ipv6Addr) -> Vec<u8> {
        let message = NdiscRepr::NeighborSolicit {
            target_addr: address,
            lladdr: None,
        };
        let to = solicited_node(address);
        self.frame(Ipv6Addr::UNSPECIFIED, to, None, message)
    }

    fn ask_for_routers(&self) -> Vec<u8> {
        let message = NdiscRepr::RouterSolicit {
            lladdr: Some(self.raw_mac()),
        };
        self.frame(link_local(self.mac), ALL_ROUTERS, None, message)
    }

    /// A frame with `message`; without `mac` the receivers' address is one of many.
    fn frame(
        &self,
        source: Ipv6Addr,
        to: Ipv6Addr,
        mac: Option<EthernetAddress>,
        message: NdiscRepr<'_>,
    ) -> Vec<u8> {
        let message = Icmpv6Repr::Ndisc(message);
        let header = Ipv6Repr {
            src_addr: source,
            dst_addr: to,
            next_header: IpProtocol::Icmpv6,
            payload_len: message.buffer_len(),
            hop_limit: 255,
        };
        let mut bytes = vec![0; ETHERNET_HEADER + IPV6_HEADER + header.payload_len];
        let mut frame = EthernetFrame::new_unchecked(&mut bytes[..]);
        frame.set_src_addr(EthernetAddress(self.mac));
        frame.set_dst_addr(mac.unwrap_or_else(|| EthernetAddress(multicast_mac(to))));
        frame.set_ethertype(EthernetProtocol::Ipv6);
        let mut packet = Ipv6Packet::new_unchecked(frame.payload_mut());
        header.emit(&mut packet);
        let mut inner = Icmpv6Packet::new_unchecked(packet.payload_mut());
        message.emit(&source, &to, &mut inner, &ChecksumCapabilities::default());
        bytes
    }

    fn raw_mac(&self) -> RawHardwareAddress {
        RawHardwareAddress::from_bytes(&self.mac)
    }
}

/// The group of those whose address ends alike (RFC 4291, 2.7.1).
fn solicited_node(address: Ipv6Addr) -> Ipv6Addr {
    let [.., a, b, c] = address.octets();
    let low = u16::from_be_bytes([b, c]);
    Ipv6Addr::new(0xff02, 0, 0, 0, 0, 1, 0xff00 | u16::from(a), low)
}
