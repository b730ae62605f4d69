//! This machine's IPv6 on the link: neighbour discovery (RFC 4861) and an address from what routers advertise
//! (RFC 4862).
//!
//! One router and one prefix are kept: those that were heard of first, until they expire.

use alloc::{vec, vec::Vec};
use core::net::{IpAddr, Ipv6Addr};
use core::time::Duration;

use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{
    EthernetAddress, EthernetFrame, EthernetProtocol, HardwareAddress, Icmpv6Packet, Icmpv6Repr,
    IpProtocol, Ipv6Packet, Ipv6Repr, NdiscNeighborFlags, NdiscPrefixInfoFlags,
    NdiscPrefixInformation, NdiscRepr, RawHardwareAddress,
};

use crate::addresses::{Addresses, Ipv6, is_one_host, link_local, with_interface_identifier};
use crate::arrival::{ETHERNET_HEADER, IPV6_HEADER};
use crate::settings::Ipv6Setting;

const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
const ALL_ROUTERS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 2);

/// Time between the first questions for routers (RFC 4861, 10); it doubles up to an hour (RFC 7559).
const FIRST_PAUSE: Duration = Duration::from_secs(4);
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);
/// Nobody can shorten the life of an address below this (RFC 4862, 5.5.3 e).
const TWO_HOURS: Duration = Duration::from_secs(2 * 3600);
/// Lives longer than this are for ever.
const LONGEST_LIFE: Duration = Duration::from_secs(u32::MAX as u64);

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
}

/// Something that was said, and until when it holds.
#[derive(Clone, Copy, Debug)]
struct Heard<T> {
    what: T,
    until: Duration,
}

/// This machine's IPv6.
pub(crate) struct Discovery {
    setting: Ipv6Setting,
    mac: [u8; 6],
    router: Option<Heard<Ipv6Addr>>,
    prefix: Option<Heard<Ipv6Addr>>,
    /// When routers are asked for next, and how long the pause after that is.
    solicitation: Option<(Duration, Duration)>,
}

impl Discovery {
    pub(crate) fn new(setting: Ipv6Setting, mac: [u8; 6], now: Duration) -> Self {
        Self {
            setting,
            mac,
            router: None,
            prefix: None,
            solicitation: (setting == Ipv6Setting::Auto).then_some((now, FIRST_PAUSE)),
        }
    }

    /// The link-local address, unless IPv6 is off.
    pub(crate) fn link_local(&self) -> Option<Ipv6Addr> {
        (self.setting != Ipv6Setting::Off).then(|| link_local(self.mac))
    }

    /// The address beyond that, once there is one.
    pub(crate) fn current(&self) -> Option<Ipv6> {
        match self.setting {
            Ipv6Setting::Off => None,
            Ipv6Setting::Fixed(ipv6) => Some(ipv6),
            Ipv6Setting::Auto => self.prefix.map(|prefix| Ipv6 {
                address: with_interface_identifier(prefix.what, self.mac),
                prefix_length: 64,
                gateway: self.router.map(|router| router.what),
            }),
        }
    }

    /// Does what is due: forgets what has expired, asks for routers.
    pub(crate) fn poll(&mut self, now: Duration, out: &mut Vec<Vec<u8>>) {
        self.router = self.router.filter(|router| now < router.until);
        self.prefix = self.prefix.filter(|prefix| now < prefix.until);
        if self.solicitation.is_none() && self.router.is_none() && self.setting == Ipv6Setting::Auto
        {
            self.solicitation = Some((now, FIRST_PAUSE));
        }
        if let Some((next, pause)) = self.solicitation
            && next <= now
        {
            self.solicitation = Some((now + pause, (pause * 2).min(LONGEST_PAUSE)));
            out.push(self.ask_for_routers());
        }
    }

    /// When [`poll`](Self::poll) is due.
    pub(crate) fn deadline(&self) -> Option<Duration> {
        let router = self.router.map(|router| router.until);
        let prefix = self.prefix.map(|prefix| prefix.until);
        let next = self.solicitation.map(|(next, _)| next);
        [router, prefix, next].into_iter().flatten().min()
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
                let is_for_us = own.has(target_addr.into())
                    && (to == target_addr || to == solicited_node(target_addr));
                is_for_us.then(|| self.answer(source, target_addr, lladdr))?
            }
            Icmpv6Repr::Ndisc(NdiscRepr::NeighborAdvert {
                target_addr,
                lladdr,
                ..
            }) => {
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
                router_lifetime,
                prefix_info,
                ..
            }) => {
                let is_legal = self.setting == Ipv6Setting::Auto
                    && source.is_unicast_link_local()
                    && !own.has(source.into())
                    && (to == ALL_NODES || own.has(to.into()));
                is_legal.then(|| self.hear(source, router_lifetime.into(), prefix_info, now))
            }
            _ => None,
        }
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

    /// What a router advertises (RFC 4861, 6.3.4; RFC 4862, 5.5.3).
    fn hear(
        &mut self,
        router: Ipv6Addr,
        lifetime: Duration,
        prefix: Option<NdiscPrefixInformation>,
        now: Duration,
    ) -> Found {
        let is_ours = self.router.is_none_or(|heard| heard.what == router);
        if is_ours {
            let until = now + lifetime;
            self.router = (!lifetime.is_zero()).then_some(Heard {
                what: router,
                until,
            });
            if self.router.is_some() {
                self.solicitation = None;
            }
        }
        if let Some(prefix) = prefix.filter(is_usable) {
            self.hear_prefix(prefix.prefix, prefix.valid_lifetime.into(), now);
        }
        Found::Router
    }

    fn hear_prefix(&mut self, prefix: Ipv6Addr, lifetime: Duration, now: Duration) {
        let until = now + lifetime.min(LONGEST_LIFE);
        match &mut self.prefix {
            None if lifetime.is_zero() => {}
            None => {
                self.prefix = Some(Heard {
                    what: prefix,
                    until,
                });
            }
            Some(heard) if heard.what == prefix => {
                let rest = heard.until.saturating_sub(now);
                if lifetime > TWO_HOURS || lifetime > rest {
                    heard.until = until;
                } else if rest > TWO_HOURS {
                    heard.until = now + TWO_HOURS;
                }
            }
            Some(_) => {}
        }
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
        frame.set_dst_addr(mac.unwrap_or_else(|| multicast_mac(to)));
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

/// Whether an address can be made of a prefix: it is for that, has 64 bits, and hosts can have it.
fn is_usable(prefix: &NdiscPrefixInformation) -> bool {
    prefix.flags.contains(NdiscPrefixInfoFlags::ADDRCONF)
        && prefix.prefix_len == 64
        && prefix.preferred_lifetime <= prefix.valid_lifetime
        && is_one_host(prefix.prefix.into())
        && !prefix.prefix.is_unicast_link_local()
}

/// The group of those whose address ends alike (RFC 4291, 2.7.1).
fn solicited_node(address: Ipv6Addr) -> Ipv6Addr {
    let [.., a, b, c] = address.octets();
    let low = u16::from_be_bytes([b, c]);
    Ipv6Addr::new(0xff02, 0, 0, 0, 0, 1, 0xff00 | u16::from(a), low)
}

/// RFC 2464, 7.
fn multicast_mac(group: Ipv6Addr) -> EthernetAddress {
    let [.., a, b, c, d] = group.octets();
    EthernetAddress([0x33, 0x33, a, b, c, d])
}
