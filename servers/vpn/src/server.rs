//! Between the guest's frames and the wire's datagrams.
//!
//! **No packet leaves in the clear.** What is sent to `net` is made in two places only: the tunnel seals a packet straight
//! into the slot of a message, and the tunnel's own messages are copied there. A packet in the clear is never
//! written to memory that `net` can read: it is copied from the guest's region into this program's private
//! buffer, and leaves that as ciphertext.
//!
//! **Copies** of a packet on its way out: one here, from the guest's region into the private buffer; sealing moves it
//! on. With the monitor's copy out of the guest's memory that makes two. On its way in: none here, because it is opened
//! from `net`'s region into the region that the guest's monitor reads, and made a frame there; with `net`'s copy out of
//! the device's buffer, which cannot know whose a frame will be, and the monitor's own into the guest's memory that makes
//! two. The first copy on the way out, and reading each byte once on the way in, are what keeps others from
//! changing a packet after it was looked at.

use alloc::{vec, vec::Vec};
use core::{convert::Infallible, net::SocketAddr, time::Duration};

use datagram_api::{Incoming, QUEUE_LENGTH, SLOT_SIZE, State};
use frame_api::MIN_FRAME;
use runtime::{Clock, DeadlineTimer, Notification, Ticks};
use vpn_core::{
    inside::{FromGuest, Inside, ToGuest},
    tunnel::{DropReason, Received, Sealed, Tunnel, Wire},
};

use crate::{
    failure::Failure,
    guest::Guest,
    memory::Memory,
    net::{Arrived, Net, Payload},
    status::Status,
};

/// Frames, and datagrams, that are carried before the other direction has its turn.
const TURN: usize = 32;
/// Turns before the clock is looked at, deadlines are met and others are woken: as many as empty a full queue. Who sends
/// faster than this program works would otherwise stop its time, and nobody would hear what has been done.
const TURNS: usize = QUEUE_LENGTH.div_ceil(TURN);
/// Without room for what is to be sent, it is tried again after this time at the latest.
const RETRY: Duration = Duration::from_millis(2);

/// The server in its work.
pub(crate) struct Server {
    pub(crate) guest: Guest,
    pub(crate) net: Net,
    pub(crate) inside: Inside,
    pub(crate) tunnel: Tunnel,
    pub(crate) status: Status,
    memory: Memory,
    /// One packet of the guest at a time.
    buffer: Vec<u8>,
    outbox: Outbox,
    now: Duration,
    network: Option<State>,
    is_blocked: bool,
}

/// What the tunnel sends by itself while one of its messages is being made.
#[derive(Default)]
struct Outbox(Vec<(SocketAddr, Vec<u8>)>);

impl Wire for Outbox {
    fn send(&mut self, to: SocketAddr, datagram: &[u8]) {
        self.0.push((to, datagram.to_vec()));
    }
}

impl Server {
    pub(crate) fn new(
        guest: Guest,
        net: Net,
        inside: Inside,
        tunnel: Tunnel,
        memory: Memory,
    ) -> Self {
        Self {
            status: Status::new(&tunnel),
            guest,
            net,
            inside,
            tunnel,
            memory,
            buffer: vec![0; SLOT_SIZE],
            outbox: Outbox::default(),
            now: Duration::ZERO,
            network: None,
            is_blocked: false,
        }
    }

    /// Works for ever.
    pub(crate) fn serve(
        &mut self,
        clock: &Clock,
        notification: Notification,
        timer: &DeadlineTimer,
    ) -> Result<Infallible, Failure> {
        let mut armed = Duration::MAX;
        loop {
            self.now = clock.duration(clock.now());
            self.do_what_is_due();
            let has_more = (0..TURNS).all(|_| self.carry());
            self.remember();
            if runtime::status_is_wanted() {
                self.status.tell_all();
            }
            self.status
                .tell(&self.tunnel, self.inside.counters(), self.now);
            let next = self.next_deadline();
            // A deadline that comes too early costs one look; setting it anew at every packet would cost more.
            if next < armed || armed <= self.now {
                armed = next;
                match next {
                    Duration::MAX => timer.cancel(),
                    next => timer.set(clock.ticks(next).max(Ticks(1))),
                }
            }
            // `net` has the higher priority and gets on at once; the guest's monitor has its turn when this program waits.
            if let Some(net) = self.net.whom_to_wake() {
                net.signal();
            }
            let guest = self.guest.whom_to_wake();
            if has_more {
                if let Some(guest) = guest {
                    guest.signal();
                }
            } else {
                let _ = notification.wake_and_wait(guest);
            }
        }
    }

    /// Has the volume remember the labels that handshakes were given.
    fn remember(&mut self) {
        if let Some(labels) = self.tunnel.label_to_remember(self.now) {
            self.memory.remember(labels);
        }
        self.memory.advance();
    }

    /// Carries some frames and some datagrams. Whether there may be more.
    fn carry(&mut self) -> bool {
        let frames = (0..TURN).take_while(|_| self.carry_frame()).count();
        let datagrams = (0..TURN).take_while(|_| self.carry_datagram()).count();
        self.say_what_inside_says();
        frames == TURN || datagrams == TURN
    }

    /// Takes one frame of the guest; none while its packet could not be sent.
    fn carry_frame(&mut self) -> bool {
        self.is_blocked = self.net.slot().is_none();
        if self.is_blocked {
            return false;
        }
        let Some(frame) = self.guest.take(&mut self.buffer) else {
            return false;
        };
        let bytes = &mut self.buffer[..frame.length];
        if let FromGuest::Packet(packet) = self.inside.from_guest(bytes, frame.checksum, self.now) {
            let sealed = self.seal(packet.start, packet.len());
            if let Some(Sealed::Dropped(DropReason::NoRoute | DropReason::NoEndpoint)) = sealed {
                let bytes = &mut self.buffer[packet];
                self.inside.no_peer_takes(bytes, self.now);
            }
        }
        true
    }

    /// Seals the packet that lies in the buffer and sends it, if there is room.
    fn seal(&mut self, begin: usize, length: usize) -> Option<Sealed> {
        let slot = self.net.slot()?;
        let buffer = &mut self.buffer[begin..];
        let sealed = self
            .tunnel
            .seal(buffer, length, slot, self.now, &mut self.outbox);
        if let Sealed::Message { to, length } = sealed {
            self.net.send_slot(to, length);
        }
        self.empty_outbox();
        Some(sealed)
    }

    fn empty_outbox(&mut self) {
        for (to, message) in self.outbox.0.drain(..) {
            self.net.send(to, &message);
        }
    }

    /// Takes one message of `net`; none while its packet could not be passed on.
    fn carry_datagram(&mut self) -> bool {
        if self.guest.slot().is_none() {
            return false;
        }
        match self.net.take() {
            None => return false,
            Some(Arrived::Datagram { from, payload }) => self.open(from, &payload),
            Some(Arrived::News(news)) => self.take_news(news),
        }
        self.net.release();
        true
    }

    /// Opens a datagram into the slot of a frame for the guest, and sends the frame.
    fn open(&mut self, from: SocketAddr, datagram: &Payload) {
        let Some(slot) = self.guest.slot() else {
            return;
        };
        let room = &mut slot[MIN_FRAME..];
        let now = self.now;
        let received = self
            .tunnel
            .receive(from, datagram, room, now, &mut self.net);
        let sent = match received {
            Received::Packet(length) => {
                let frame = &mut slot[..MIN_FRAME + length];
                match self.inside.to_guest(frame, now) {
                    ToGuest::Frame(length) => Some(length),
                    ToGuest::Taken | ToGuest::Refused(_) => None,
                }
            }
            Received::Nothing | Received::Dropped(_) => None,
        };
        match sent {
            Some(length) => self.guest.send_slot(length),
            // What is not for the guest stays where its monitor can read it no longer than it takes to see that.
            None => slot.fill(0),
        }
    }

    fn take_news(&mut self, news: Incoming) {
        match news {
            Incoming::State(state) if self.network != Some(state) => {
                self.network = Some(state);
                let families = match (state.has_ipv4, state.has_ipv6) {
                    (true, true) => "IPv4 and IPv6",
                    (true, false) => "IPv4",
                    (false, true) => "IPv6",
                    (false, false) => "no addresses yet",
                };
                let link = if state.link_is_up { "up" } else { "down" };
                runtime::println!("the network is {link}: {families}");
            }
            // What did not fit is lost; when the guest sends it again, it hears how much fits.
            Incoming::PathMtu { address, mtu } => {
                if let Some(longest) = self.tunnel.longest_packet(address, mtu)
                    && self.inside.narrow(longest, self.now)
                {
                    runtime::println!(
                        "the path to {address} takes packets of {mtu} bytes, the guest's of {longest}"
                    );
                }
            }
            // A hint that anybody can forge: the tunnel finds out by itself.
            Incoming::State(_) | Incoming::Unreachable { .. } | Incoming::Payload { .. } => {}
        }
    }

    /// Passes on what the guest's gateway says by itself.
    fn say_what_inside_says(&mut self) {
        while let Some(frame) = self.inside.next_frame() {
            self.guest.send(&frame);
        }
        while let Some(packet) = self.inside.next_packet() {
            if let Some(place) = self.buffer.get_mut(..packet.len()) {
                place.copy_from_slice(&packet);
                self.seal(0, packet.len());
            }
        }
        while let Some(event) = self.inside.next_event() {
            runtime::println!("{event}");
        }
    }

    fn do_what_is_due(&mut self) {
        if self
            .tunnel
            .next_deadline()
            .is_some_and(|due| due <= self.now)
        {
            self.tunnel.on_deadline(self.now, &mut self.net);
        }
        if self.inside.next_deadline() <= self.now {
            self.inside.on_deadline(self.now);
        }
    }

    fn next_deadline(&self) -> Duration {
        let tunnel = self.tunnel.next_deadline().unwrap_or(Duration::MAX);
        let retry = if self.is_blocked {
            self.now + RETRY
        } else {
            Duration::MAX
        };
        tunnel.min(self.inside.next_deadline()).min(retry)
    }
}
