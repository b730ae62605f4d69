//! What it takes to carry data through a tunnel, and how fast it goes: through ours, and in the same guest without us
//! through Linux's own WireGuard and through wireguard-go.
//!
//! In our system the tunnel is below the guest; the others are inside a guest of the same kernel on a plain machine in the
//! same emulator. The other end is wireguard-go on the host in all three, behind a network of the host's own kernel
//! ([`beyond`]). The emulator is slow and the host is not: in the machine's time, one instruction a nanosecond, the host
//! answers at once, so it is the machine that limits. What is sent and received is said in [`course`], what comes of
//! it in [`outcome`].

mod beyond;
mod course;
mod outcome;

use std::path::Path;

use anyhow::Result;

use self::beyond::{Beyond, Room};
use self::course::Course;
use self::outcome::Reading;
use super::machines;
use super::{Figure, guest};
use crate::guest::Extra;
use crate::host;
use crate::progress::step;
use crate::qemu::Machine;
use crate::scenario::foreign::{self, Foreign, Make};
use crate::workspace::{self, Metadata};

/// Whose tunnel it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Tunnel {
    /// That of our system with a network.
    Ours,
    /// The guest's kernel's, without us.
    Linux,
    /// wireguard-go's, in a process of the guest's, without us.
    WireguardGo,
}

impl Tunnel {
    /// How its figures' names begin.
    fn prefix(self) -> &'static str {
        match self {
            Tunnel::Ours => "tunnel",
            Tunnel::Linux => "linux-tunnel",
            Tunnel::WireguardGo => "wireguard-go",
        }
    }
}

/// A machine whose tunnel goes through a network of the host's own, and what it needs there until this is dropped.
pub(crate) struct Abroad {
    pub(crate) machine: Machine,
    foreign: Foreign,
    _beyond: Beyond,
}

impl Abroad {
    /// Makes the network and, in `folder`, the machine, which has iperf3, perl and that tunnel; its guest executes `script`.
    fn new(metadata: &Metadata, tunnel: Tunnel, folder: &Path, script: &str) -> Result<Abroad> {
        let keys = machines::fresh_keys(folder)?;
        let room = Room::much()?;
        let foreign = Foreign::start(Make::WireguardGo, &keys)?;
        drop(room);
        let beyond = Beyond::start(&foreign)?;
        let mut programs = vec![Extra::Iperf3, Extra::Perl];
        let machine = if tunnel == Tunnel::Ours {
            machines::with_tunnel_abroad(metadata, folder, script, &programs)?
        } else {
            programs.push(Extra::WireGuard);
            if tunnel == Tunnel::WireguardGo {
                programs.push(Extra::WireguardGo);
            }
            let making = course::making(tunnel, &keys)?;
            machines::plain(folder, &format!("{making}{script}"), &programs)?
        };
        Ok(Abroad {
            machine,
            foreign,
            _beyond: beyond,
        })
    }

    /// Our system, for who looks closer; the host must have what [`measure`] asks it for.
    pub(crate) fn ours(metadata: &Metadata, folder: &Path, script: &str) -> Result<Abroad> {
        host::ensure(&[host::IPERF3])?;
        Abroad::new(metadata, Tunnel::Ours, folder, script)
    }
}

/// Measures one of them; nothing where the host cannot have the network that it takes.
pub(super) fn measure(metadata: &Metadata, tunnel: Tunnel) -> Result<Vec<Figure>> {
    if let Some(why) = foreign::obstacle(Make::WireguardGo)? {
        eprintln!("the tunnel's speed is not measured: {why}");
        return Ok(Vec::new());
    }
    host::ensure(&[host::IPERF3])?;
    let folder = workspace::path("target/bench/throughput");
    let abroad = Abroad::new(metadata, tunnel, &folder, &course::script())?;
    let what = format!("Measuring the speed of {}", tunnel.prefix());
    let (counts, console) = step(&what, || {
        guest::readings(&abroad.machine, &folder, &[], |control| {
            Ok((control.executed()?, beyond::frames(&abroad.foreign)?))
        })
    })?;
    let readings = Reading::all(&counts, &console)?;
    outcome::figures(tunnel.prefix(), &Course::ALL, &readings)
}
