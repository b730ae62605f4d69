//! What is beyond the tunnel: iperf3 and the source of datagrams, beside the peer; the room for what arrives there; and
//! the count of frames at the machine's card.

use std::fs;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};

use crate::process::run_quietly;
use crate::scenario::foreign::Foreign;

/// What the tap device counts, as the host sees it.
const FROM_MACHINE: &str = "/sys/class/net/machine/statistics/rx_packets";

/// Bytes that a new socket's queue takes, as the host has it (socket(7)).
const ROOM: &str = "/proc/sys/net/core/rmem_default";
/// For some thousand packets.
const MUCH_ROOM: &str = "4194304";

/// Much room in sockets that are made while this is not dropped. The emulator hands over some hundred frames at once, at
/// the speed of the host's memory, and Debian's wireguard-go takes the usual 208 KiB, which is less: it would lose of
/// the faster tunnels more.
pub(super) struct Room {
    before: String,
}

impl Room {
    pub(super) fn much() -> Result<Room> {
        let before = fs::read_to_string(ROOM)?;
        fs::write(ROOM, MUCH_ROOM).context("sockets cannot be given more room")?;
        Ok(Room { before })
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        // It could be written before.
        let _ = fs::write(ROOM, &self.before);
    }
}

/// Both programs, until this is dropped.
pub(super) struct Beyond(Vec<Child>);

impl Beyond {
    pub(super) fn start(foreign: &Foreign) -> Result<Beyond> {
        let mut beyond = Beyond(Vec::new());
        let mut server = foreign.beside_peer("iperf3");
        beyond.add(server.arg("--server"))?;
        let own = std::env::current_exe()?.display().to_string();
        beyond.add(foreign.beside_peer(&own).arg("pour"))?;
        Ok(beyond)
    }

    fn add(&mut self, command: &mut Command) -> Result<()> {
        let child = command.stdout(Stdio::null()).spawn();
        self.0
            .push(child.context("what stands beyond the tunnel cannot be started")?);
        Ok(())
    }
}

impl Drop for Beyond {
    fn drop(&mut self) {
        for child in &mut self.0 {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Frames that have come from the machine.
pub(super) fn frames(foreign: &Foreign) -> Result<u64> {
    let count = run_quietly(foreign.at_router("cat").arg(FROM_MACHINE))?;
    Ok(count.trim().parse()?)
}
