//! What is around a scenario's machines: the tunnel's other end, and the network outside.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};

use super::capture::{self, Captured};
use super::file::{Boot, PeerMake};
use super::foreign::Foreign;
use super::inside;
use super::outside::{self, Deed, PeerProcess, Running, Socket};
use super::prepare::Prepared;
use crate::host_tests::Extent;
use crate::peer::{self, Peer};
use crate::qemu::{Machine, Network, Remarks};

/// Frames of each kind in a flood.
const FLOOD: usize = 1000;
/// The same when the tests do all that they can.
const FULL_FLOOD: usize = 1_000_000;
/// Frames that the slowest machine takes in a second.
const SLOWEST_FLOOD: usize = 500;

/// The surroundings of a scenario's machines.
pub(super) struct Stage {
    extent: Extent,
    peer_folders: Vec<PathBuf>,
    /// They serve until the last boot has ended, unless a deed ends them.
    peers: Vec<Peer>,
    outside: Option<Running>,
    /// The peer of another make, with its own network.
    foreign: Option<Foreign>,
}

impl Stage {
    /// Starts what serves all boots.
    pub(super) fn new(prepared: &Prepared<'_>, extent: Extent) -> Result<Stage> {
        let mut stage = Stage {
            extent,
            peer_folders: prepared.peers.clone(),
            peers: Vec::new(),
            outside: None,
            foreign: None,
        };
        match prepared.scenario.peer {
            PeerMake::Ours => stage.act_on_peer(PeerProcess::Starts)?,
            PeerMake::Foreign(make) => {
                let folder = prepared.peers.first().context("there is no tunnel")?;
                stage.foreign = Some(Foreign::start(make, folder)?);
            }
        }
        Ok(stage)
    }

    /// Opens the socket that the machine is plugged in at, if its network is not QEMU's own.
    pub(super) fn open_socket(machine: &Machine) -> Result<Option<Socket>> {
        let name = network(machine).and_then(|network| network.socket.as_deref());
        name.map(Socket::open).transpose()
    }

    /// Starts the network at the socket.
    pub(super) fn start_network(
        &mut self,
        socket: Socket,
        boot: &Boot,
        machine: &Machine,
        remarks: Remarks,
    ) -> Result<()> {
        let options = outside::Options {
            record: record(machine).context("the network has no record")?,
            flood_size: self.flood_size(),
            remarks,
        };
        let outside = boot.outside.clone().context("there is no such network")?;
        self.outside = Some(Running::start(socket, outside, options));
        Ok(())
    }

    /// The time that a boot needs more for its floods.
    pub(super) fn time_for_floods(&self, boot: &Boot) -> Duration {
        let deeds = boot.send.iter().flat_map(|send| &send.deeds);
        let kinds = deeds.map(Deed::kinds_in_flood).sum::<usize>();
        let seconds = kinds * self.flood_size() / SLOWEST_FLOOD;
        Duration::from_secs(u64::try_from(seconds).unwrap_or(u64::MAX))
    }

    /// Has something done.
    pub(super) fn act(&mut self, deed: &Deed) -> Result<()> {
        if let Deed::Foreign(deed) = deed {
            let foreign = self.foreign.as_mut();
            return foreign.context("the peer is ours")?.carry_out(*deed);
        }
        match (deed, &self.outside) {
            (Deed::Peer(process), _) => self.act_on_peer(*process),
            (deed, Some(outside)) => {
                outside.act(deed.clone());
                Ok(())
            }
            (_, None) => Ok(()),
        }
    }

    /// What went over the wire of a machine that has ended, if that was recorded.
    pub(super) fn frames(&mut self, machine: &Machine) -> Result<Option<Vec<Captured>>> {
        match self.outside.take() {
            Some(outside) => outside.finish().map(Some),
            None => record(machine).map(|file| capture::read(&file)).transpose(),
        }
    }

    fn act_on_peer(&mut self, process: PeerProcess) -> Result<()> {
        match process {
            PeerProcess::Stops => self.peers.clear(),
            PeerProcess::Starts => {
                // A new one can only begin when the old one has given its port back.
                self.peers.clear();
                for folder in &self.peer_folders {
                    self.peers
                        .extend(peer::start(folder, Some(&inside::capture(folder)))?);
                }
            }
            PeerProcess::Renews => {
                for peer in &mut self.peers {
                    peer.renew()?;
                }
            }
        }
        Ok(())
    }

    fn flood_size(&self) -> usize {
        match self.extent {
            Extent::Usual => FLOOD,
            Extent::Full => FULL_FLOOD,
        }
    }
}

fn network(machine: &Machine) -> Option<&Network> {
    machine.network.as_ref()
}

fn record(machine: &Machine) -> Option<PathBuf> {
    network(machine)?.capture.clone()
}
