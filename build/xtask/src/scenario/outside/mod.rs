//! A network of our own in the place of QEMU's: what a scenario wants to happen outside, happens there.
//!
//! It is one link with one router, who gives addresses, and behind it the other end of the guest's tunnel: the real
//! peer, on the host's loopback. [`file`] says what a scenario can have done, [`hostile`] what strangers send. What
//! went over the link is captured here, so it is known which side sent it.

mod dhcp;
mod dhcp6;
mod discovery;
mod emit;
mod file;
mod hostile;
mod link;
mod network;
mod places;
mod relay;

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};

use anyhow::{Result, anyhow};

pub(crate) use file::{Deed, Outside, PeerProcess};
pub(crate) use link::Socket;
pub(crate) use places::{ROUTER_MAC, SERVER_6};

use super::capture::Captured;
use crate::qemu::Remarks;
use link::Link;
use network::{Event, Network};

/// A network that lives until its machine is gone.
pub(super) struct Running {
    events: Sender<Event>,
    socket: String,
    thread: JoinHandle<Result<Vec<Captured>>>,
}

/// How the network is run.
pub(super) struct Options {
    /// Where the frames are recorded.
    pub(super) record: PathBuf,
    /// Frames of each kind in a flood.
    pub(super) flood_size: usize,
    /// Who hears of what happens.
    pub(super) remarks: Remarks,
}

impl Running {
    /// Waits for the machine at the socket and is its network from then on.
    pub(super) fn start(socket: Socket, outside: Outside, options: Options) -> Running {
        let (events, receiver) = channel();
        let name = socket.name().to_owned();
        let sender = events.clone();
        let thread = thread::spawn(move || serve(&socket, &outside, options, sender, &receiver));
        Running {
            events,
            socket: name,
            thread,
        }
    }

    /// Has something done.
    pub(super) fn act(&self, deed: Deed) {
        // A network whose machine is gone has nothing to do.
        let _ = self.events.send(Event::Deed(deed));
    }

    /// What went over the link; the machine is gone.
    pub(super) fn finish(self) -> Result<Vec<Captured>> {
        // A machine that was there has closed its end, and what it sent before is read first.
        Socket::give_up(&self.socket);
        let failed = |_| anyhow!("the network outside has failed");
        self.thread.join().map_err(failed)?
    }
}

fn serve(
    socket: &Socket,
    outside: &Outside,
    options: Options,
    sender: Sender<Event>,
    events: &Receiver<Event>,
) -> Result<Vec<Captured>> {
    let stream = socket.accept()?;
    let mut reader = stream.try_clone()?;
    let frames = sender.clone();
    thread::spawn(move || {
        while let Some(frame) = link::read(&mut reader) {
            if frames.send(Event::Frame(frame)).is_err() {
                return;
            }
        }
        let _ = frames.send(Event::Gone);
    });
    let link = Link::new(stream, &options.record)?;
    let network = Network::new(link, outside, options.flood_size, sender, options.remarks);
    Ok(network.run(events))
}
