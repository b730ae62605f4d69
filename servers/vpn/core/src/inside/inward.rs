//! From the tunnel to the guest.

use core::net::IpAddr;
use core::time::Duration;

use frame_api::{MAX_FRAME, MIN_FRAME};
use smoltcp::wire::EthernetProtocol;

use super::addresses::{halves, is_routable, joined};
use super::flows::Owner;
use super::packet::{Packet, Piece, Transport};
use super::translation::{self, Which};
use super::{Inside, Refusal};
use super::{emit, segment_size};

impl Inside {
    /// What the tunnel carries for the guest, if anything: the length of the packet.
    pub(super) fn packet_for_guest(
        &mut self,
        frame: &mut [u8],
        now: Duration,
    ) -> Result<Option<usize>, Refusal> {
        let bytes = frame.get_mut(MIN_FRAME..).ok_or(Refusal::Malformed)?;
        let mut packet = Packet::parse(bytes)?;
        if !self.is_own(packet.destination) {
            return Err(Refusal::NoAddress);
        }
        if !is_routable(packet.source) || self.is_own(packet.source) {
            return Err(Refusal::Spoofed);
        }
        let transport = match packet.piece {
            Piece::Later(_) => None,
            _ => Some(packet.transport(bytes)?),
        };
        if self.takes_answer(bytes, &packet, transport, now)? {
            return Ok(None);
        }
        if self.forbids_address(packet.source, now) {
            return Err(Refusal::Blocked);
        }
        if MIN_FRAME + packet.length > MAX_FRAME {
            return Err(Refusal::TooBig);
        }
        let owner = self.owner(false);
        let owner = self.firewall.incoming(&packet, transport, owner, now)?;
        segment_size::clamp(bytes, &packet, transport, self.path.at(now));
        self.restore(bytes, &mut packet, transport, owner);
        let protocol = match packet.source {
            IpAddr::V4(_) => EthernetProtocol::Ipv4,
            IpAddr::V6(_) => EthernetProtocol::Ipv6,
        };
        emit::header(protocol, frame);
        Ok(Some(MIN_FRAME + packet.length))
    }

    /// Puts the addresses back that the guest knows.
    fn restore(
        &self,
        bytes: &mut [u8],
        packet: &mut Packet,
        transport: Option<Transport>,
        owner: Owner,
    ) {
        let quoted = match transport {
            Some(Transport::Error(quoted)) => Some(quoted),
            _ => None,
        };
        if owner.by_service {
            let service = emit::service_address(packet.source);
            match quoted {
                None => translation::replace(bytes, packet, Which::Source, service),
                Some(quoted) => {
                    let which = Which::Destination;
                    translation::replace_quoted(bytes, packet, &quoted, which, service);
                }
            }
        }
        if let (IpAddr::V6(_), Some(own)) = (packet.destination, self.ipv6) {
            let guest = joined(halves(own).0, owner.identifier).into();
            translation::replace(bytes, packet, Which::Destination, guest);
            if let Some(quoted) = quoted {
                translation::replace_quoted(bytes, packet, &quoted, Which::Source, guest);
            }
        }
    }
}
