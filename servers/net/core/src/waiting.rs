//! Datagrams that wait until somebody says where their next hop is (RFC 1122, 2.3.2.2).
//!
//! They are copied, so that the client's queue does not wait with them: a few, and only then.

use alloc::{vec, vec::Vec};
use core::net::{IpAddr, SocketAddr};

use shared_memory::RegionReader;

use crate::addresses::Route;
use crate::counters::Reason;

/// Datagrams of one client that wait at a time.
const MOST_OF_ONE: usize = 4;
/// All that wait at a time.
const MOST: usize = 16;

/// A datagram that waits.
#[derive(Debug)]
pub(crate) struct Waiting {
    /// The client's place in the list of clients.
    pub(crate) client: usize,
    pub(crate) to: SocketAddr,
    pub(crate) source: IpAddr,
    pub(crate) payload: Vec<u8>,
    next_hop: IpAddr,
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct WaitingRoom {
    list: Vec<Waiting>,
}

impl WaitingRoom {
    pub(crate) fn add(
        &mut self,
        client: usize,
        to: SocketAddr,
        route: Route,
        payload: &RegionReader,
    ) -> Result<(), Reason> {
        let of_client = self.list.iter().filter(|other| other.client == client);
        if self.list.len() >= MOST || of_client.count() >= MOST_OF_ONE {
            return Err(Reason::NoNeighbour);
        }
        let mut bytes = vec![0; payload.len()];
        let read = payload.read_at(0, &mut bytes);
        read.map_err(|_| Reason::NotSendable)?;
        self.list.push(Waiting {
            client,
            to,
            source: route.source,
            payload: bytes,
            next_hop: route.next_hop,
        });
        Ok(())
    }

    /// Takes those whose next hop is `address`, the oldest first.
    pub(crate) fn take_those_for(&mut self, address: IpAddr) -> Vec<Waiting> {
        let (taken, left) = core::mem::take(&mut self.list)
            .into_iter()
            .partition(|waiting| waiting.next_hop == address);
        self.list = left;
        taken
    }

    /// Takes all of them.
    pub(crate) fn take_all(&mut self) -> Vec<Waiting> {
        core::mem::take(&mut self.list)
    }
}
