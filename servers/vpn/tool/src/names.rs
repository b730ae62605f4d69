//! The names that the peer itself answers for.

use std::net::{Ipv4Addr, Ipv6Addr};

use smoltcp::wire::{DnsPacket, DnsQueryType, DnsQuestion};

use crate::places::NAME;

const HEADER: usize = 12;
/// Seconds that an answer may be kept.
const TIME_TO_LIVE: u32 = 60;
/// A name that is where the question has it (RFC 1035, section 4.1.4).
const NAME_OF_QUESTION: [u8; 2] = [0xc0, 12];
const CLASS_INTERNET: [u8; 2] = [0, 1];

/// The answer to a query about the peer's own name; none for other names.
pub(crate) fn answer(query: &[u8], own: (Option<Ipv4Addr>, Option<Ipv6Addr>)) -> Option<Vec<u8>> {
    let packet = DnsPacket::new_checked(query).ok()?;
    let (rest, question) = DnsQuestion::parse(packet.payload()).ok()?;
    let labels = packet.parse_name(question.name);
    let labels = labels.map(|label| label.map(<[u8]>::to_ascii_lowercase));
    let name = labels.collect::<Result<Vec<_>, _>>().ok()?.join(&b'.');
    (packet.question_count() == 1 && name == NAME.as_bytes()).then_some(())?;
    let (kind, data): (u16, Option<Vec<u8>>) = match question.type_ {
        DnsQueryType::A => (1, own.0.map(|address| address.octets().into())),
        DnsQueryType::Aaaa => (28, own.1.map(|address| address.octets().into())),
        _ => (0, None),
    };
    let end = query.len() - rest.len();
    let mut answer = query[..end].to_vec();
    // An answer, authoritative, recursion available; what was desired is repeated.
    answer[2] = 0x84 | query[2] & 1;
    answer[3] = 0x80;
    answer[6..HEADER].copy_from_slice(&[0, u8::from(data.is_some()), 0, 0, 0, 0]);
    if let Some(data) = data {
        answer.extend(NAME_OF_QUESTION);
        answer.extend(kind.to_be_bytes());
        answer.extend(CLASS_INTERNET);
        answer.extend(TIME_TO_LIVE.to_be_bytes());
        answer.extend(u16::try_from(data.len()).ok()?.to_be_bytes());
        answer.extend(data);
    }
    Some(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: Ipv4Addr = Ipv4Addr::new(10, 66, 0, 1);

    fn query(name: &str, kind: u8) -> Vec<u8> {
        let mut query = vec![0xab, 0xcd, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        for label in name.split('.') {
            query.push(label.len().try_into().expect("labels are short"));
            query.extend(label.bytes());
        }
        query.extend([0, 0, kind, 0, 1]);
        query
    }

    #[test]
    fn the_own_name_is_answered() {
        let asked = query("Peer.sekisho.TEST", 1);
        let answer = answer(&asked, (Some(OWN), None)).expect("it is ours");
        assert_eq!(answer[..8], [0xab, 0xcd, 0x85, 0x80, 0, 1, 0, 1]);
        assert_eq!(answer[12..asked.len()], asked[12..]);
        assert!(answer.ends_with(&[0, 4, 10, 66, 0, 1]));
        let none = super::answer(&query(NAME, 28), (Some(OWN), None)).expect("it is ours");
        assert_eq!(
            none[7], 0,
            "there is no such address, and that is an answer"
        );
    }

    #[test]
    fn other_names_are_not() {
        for name in ["sekisho.test", "a.peer.sekisho.test", "example.org"] {
            assert_eq!(answer(&query(name, 1), (Some(OWN), None)), None);
        }
        let asked = query(NAME, 1);
        for end in 0..asked.len() {
            assert_eq!(answer(&asked[..end], (Some(OWN), None)), None);
        }
    }
}
