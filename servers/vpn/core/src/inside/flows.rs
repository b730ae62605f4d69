//! Which flows there are: a table of fixed size that neither side can fill for the other.

use alloc::vec;
use alloc::vec::Vec;
use core::net::IpAddr;

/// A flow as the firewall sees it: the guest has one address, so that its port is enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key {
    remote: u128,
    protocol: u8,
    guest_port: u16,
    remote_port: u16,
}

/// What is known of a flow.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flow {
    /// When it is forgotten, in seconds.
    pub(super) expires: u64,
    /// The guest has sent.
    pub(super) outward: bool,
    /// The outside has sent.
    pub(super) inward: bool,
    /// The guest began it, or would have if it had not been there.
    pub(super) begun_inside: bool,
    /// A TCP connection that ends.
    pub(super) closing: bool,
    /// Who in the guest has it.
    pub(super) owner: Owner,
}

/// Which of the guest's addresses a flow belongs to, and which address the guest believes it speaks with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Owner {
    /// The lower half of the guest's IPv6 address; for IPv4 it says nothing.
    pub(super) identifier: u64,
    /// The guest sends to the gateway, which passes on to a resolver.
    pub(super) by_service: bool,
}

/// Flows that are remembered at once.
const SETS: usize = 512;
/// Places that a flow can have.
const WAYS: usize = 8;

/// The table. A flow has its places by a hash that nobody outside can foresee; if all are taken, the flow that
/// will be missed least gives way.
#[derive(Debug)]
pub(super) struct Flows {
    sets: Vec<[Option<(Key, Flow)>; WAYS]>,
    seed: [u64; 2],
}

impl Key {
    pub(super) fn new(protocol: u8, guest_port: u16, remote: IpAddr, remote_port: u16) -> Self {
        let remote = match remote {
            IpAddr::V4(address) => address.to_ipv6_mapped(),
            IpAddr::V6(address) => address,
        };
        Self {
            remote: remote.to_bits(),
            protocol,
            guest_port,
            remote_port,
        }
    }

    /// A hash by folded multiplication under two secrets.
    fn hash(&self, [first, second]: [u64; 2]) -> u64 {
        let fold = |a: u64, b: u64| {
            let product = u128::from(a) * u128::from(b);
            low(product) ^ low(product >> 64)
        };
        let ports = u64::from(self.guest_port) << 32
            | u64::from(self.remote_port) << 16
            | u64::from(self.protocol);
        let upper = fold(low(self.remote >> 64) ^ first, ports ^ second);
        fold(low(self.remote) ^ upper ^ second, first | 1)
    }
}

fn low(value: u128) -> u64 {
    let [bytes @ .., _, _, _, _, _, _, _, _] = value.to_le_bytes();
    u64::from_le_bytes(bytes)
}

impl Flows {
    pub(super) fn new(seed: [u64; 2]) -> Self {
        Self {
            sets: vec![[None; WAYS]; SETS],
            seed,
        }
    }

    fn set(&mut self, key: &Key) -> &mut [Option<(Key, Flow)>; WAYS] {
        let index = key.hash(self.seed) % SETS as u64;
        // Below SETS, which fits.
        &mut self.sets[usize::try_from(index).unwrap_or_default()]
    }

    /// The flow, if it is not too old.
    pub(super) fn find(&mut self, key: &Key, seconds: u64) -> Option<&mut Flow> {
        let mut places = self.set(key).iter_mut().flatten();
        let (_, flow) = places.find(|(other, _)| other == key)?;
        (flow.expires > seconds).then_some(flow)
    }

    /// Remembers a new flow.
    pub(super) fn insert(&mut self, key: Key, flow: Flow, seconds: u64) {
        let set = self.set(&key);
        let same = set
            .iter()
            .position(|place| place.is_some_and(|(other, _)| other == key));
        let worth = |place: &Option<(Key, Flow)>| {
            place.map_or((false, false, false, 0), |(_, flow)| {
                let both = flow.inward && flow.outward && !flow.closing;
                let lives = flow.expires > seconds;
                // The guest answers whoever knocks at an open port: that alone must not cost it what it began.
                (lives, both, flow.begun_inside, flow.expires)
            })
        };
        let least = || (0..WAYS).min_by_key(|way| worth(&set[*way]));
        if let Some(way) = same.or_else(least) {
            set[way] = Some((key, flow));
        }
    }
}

#[cfg(test)]
mod tests {
    use core::net::Ipv4Addr;

    use super::*;

    /// As good as random: small numbers would mix nothing.
    const SEED: [u64; 2] = [0x1234_5678_9abc_def1, 0x0fed_cba9_8765_4321];

    fn key(guest_port: u16, remote: u32) -> Key {
        Key::new(6, guest_port, Ipv4Addr::from_bits(remote).into(), 443)
    }

    fn flow(expires: u64, both: bool) -> Flow {
        Flow {
            expires,
            outward: true,
            inward: both,
            begun_inside: true,
            closing: false,
            owner: Owner::default(),
        }
    }

    #[test]
    fn flows_are_found_until_they_expire() {
        let mut flows = Flows::new(SEED);
        flows.insert(key(1, 1), flow(10, true), 0);
        assert!(flows.find(&key(1, 1), 9).is_some());
        assert!(flows.find(&key(2, 1), 9).is_none());
        assert!(flows.find(&key(1, 1), 10).is_none());
    }

    #[test]
    fn a_flood_of_unanswered_flows_displaces_no_answered_one() {
        let mut flows = Flows::new(SEED);
        for port in 0..100 {
            flows.insert(key(port, 7), flow(10, true), 0);
        }
        for remote in 1000..101_000 {
            flows.insert(key(80, remote), flow(20, false), 0);
        }
        let kept = (0..100).filter(|port| flows.find(&key(*port, 7), 1).is_some());
        assert_eq!(kept.count(), 100);
        assert_eq!(flows.sets.len(), SETS);
    }

    #[test]
    fn connections_of_the_outside_displace_none_of_the_guests() {
        let mut flows = Flows::new(SEED);
        for port in 0..100 {
            flows.insert(key(port, 7), flow(10, true), 0);
        }
        // The guest has answered each, and the last was used later than any of its own.
        for remote in 1000..101_000 {
            let flow = Flow {
                begun_inside: false,
                ..flow(20, true)
            };
            flows.insert(key(22, remote), flow, 0);
        }
        let kept = (0..100).filter(|port| flows.find(&key(*port, 7), 1).is_some());
        assert_eq!(kept.count(), 100);
    }

    #[test]
    fn keys_spread() {
        let mut counts = vec![0; SETS];
        for port in 0..5120 {
            let hash = key(port, 0x0a00_0001).hash(SEED);
            counts[usize::try_from(hash % SETS as u64).expect("it is small")] += 1;
        }
        assert!(counts.iter().all(|count| *count < 40), "{counts:?}");
    }

    /// What servers/vpn/README.md says of the table.
    #[test]
    fn the_table_takes_256_kib() {
        assert_eq!(SETS * size_of::<[Option<(Key, Flow)>; WAYS]>(), 256 << 10);
    }
}
