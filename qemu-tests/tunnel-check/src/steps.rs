//! What is tried, one function each.

use alloc::{format, string::String, vec};
use core::{net::SocketAddr, time::Duration};

use frame_api::{Frame, LinkState};
use runtime::{Clock, Component, DeadlineTimer, Notification, Ticks, println};

use crate::{
    packets::{self, MARK},
    side::{Side, text},
};

/// Keys of these two tunnels and no others, secret and public.
const KEYS: [(&str, &str); 2] = [
    (
        "+BEb8WC14oIRkuyyOWAJF2s7g6b3bbvkBgswMmNhXFc=",
        "zwheiqD/oWxsY+ae+DbNfgpvcCAD523rKQItvsX97ls=",
    ),
    (
        "gGLWwzzVh7PpLfxCyEHK25iUOV2isxkh09S04K3CEmc=",
        "kzejKMeZsGSq2rc2s+lHOjGcJSBXHkdtX+o4FBqnsWM=",
    ),
];
const PLACES: [&str; 2] = ["192.0.2.1:51820", "[2001:db8::2]:51821"];

const PATIENCE: Duration = Duration::from_secs(10);
/// Packets each way.
const MANY: u32 = 2000;
/// The port on which guests answer.
const ANSWERS: u16 = 7;

struct World {
    sides: [Side; 2],
    notification: Notification,
    timer: DeadlineTimer,
    clock: Clock,
}

pub(crate) fn check(component: &Component) -> Result<(), String> {
    let mut world = World {
        sides: [side(component, 0)?, side(component, 1)?],
        notification: component.notification().map_err(text)?,
        timer: DeadlineTimer::open(&component.memory).map_err(text)?,
        clock: component.clock,
    };
    world.links_come_up()?;
    world.one_packet_each_way()?;
    for length in [64, 1400] {
        world.many(length)?;
    }
    world.noise()?;
    world.wild_frame()
}

fn side(component: &Component, number: usize) -> Result<Side, String> {
    let place = |number: usize| PLACES[number].parse::<SocketAddr>().map_err(text);
    let name = ["left", "right"][number];
    let other = 1 - number;
    let [a, b, c, d] = packets::ADDRESSES[number];
    let [e, f, g, h] = packets::ADDRESSES[other];
    let configuration = format!(
        "[Interface]\nPrivateKey = {}\nAddress = {a}.{b}.{c}.{d}/24\n[Peer]\nPublicKey = {}\nAllowedIPs = {e}.{f}.{g}.{h}/32\nEndpoint = {}\n",
        KEYS[number].0,
        KEYS[other].1,
        place(other)?,
    );
    Side::open(component, name, configuration, place(number)?)
}

impl World {
    fn links_come_up(&mut self) -> Result<(), String> {
        self.wait_until("the links stay down", |world| {
            for side in &mut world.sides {
                side.answer_keys()?;
            }
            let up = |side: &Side| side.link().state == LinkState::Up && side.link().mtu == 1420;
            Ok(world.sides.iter().all(up))
        })?;
        println!("both tunnels have read their configurations, and the guests' links are up");
        Ok(())
    }

    fn one_packet_each_way(&mut self) -> Result<(), String> {
        let start = self.clock.now();
        self.send(0, [4000, ANSWERS], 100, 1)?;
        self.wait_for(1, 1)?;
        let took = self.clock.duration(self.clock.now() - start);
        println!("the first packet has arrived after {} ms", took.as_millis());
        self.send(1, [ANSWERS, 4000], 100, 2)?;
        self.wait_for(0, 2)?;
        println!("and its answer");
        Ok(())
    }

    /// Packets from left to right, as fast as they are taken; then back.
    fn many(&mut self, length: usize) -> Result<(), String> {
        for from in [0, 1] {
            let ports = if from == 0 {
                [4000, ANSWERS]
            } else {
                [ANSWERS, 4000]
            };
            let start = self.clock.now();
            let (mut sent, mut arrived) = (0, 0);
            self.wait_until("packets are lost", |world| {
                // Fewer on their way than any queue holds.
                while sent < MANY && sent - arrived < 64 {
                    if !world.sides[from].send_frame(&packets::frame(from, ports, length, sent))? {
                        break;
                    }
                    sent += 1;
                }
                while let Some(frame) = world.sides[1 - from].next_frame()? {
                    if let Some((number, body)) = packets::body(&frame) {
                        let expected = packets::frame(from, ports, length, arrived);
                        let expected = packets::body(&expected);
                        if expected != Some((number, body)) {
                            return Err(format!("packet {arrived} has changed: {number}"));
                        }
                        arrived += 1;
                    }
                }
                Ok(arrived == MANY)
            })?;
            let ticks = (self.clock.now() - start).0 / u64::from(MANY);
            for side in &self.sides {
                if side.wire_shows(&MARK[..8])? {
                    return Err("the network could read a packet in the clear".into());
                }
            }
            println!("{MANY} packets of {length} bytes have arrived: {ticks} ticks each");
        }
        Ok(())
    }

    /// Datagrams that no tunnel has made, of every kind and many lengths; then a genuine packet.
    fn noise(&mut self) -> Result<(), String> {
        let from: SocketAddr = "198.51.100.9:9".parse().map_err(text)?;
        for number in 0..1000_usize {
            let kind = u8::try_from(number % 6).map_err(text)?;
            let length = [0, 1, 4, 16, 31, 32, 33, 64, 92, 148, 1452, 2048][number % 12];
            let mut datagram = vec![kind; length];
            datagram
                .iter_mut()
                .skip(1)
                .take(3)
                .for_each(|byte| *byte = 0);
            self.sides[1].deliver(from, &datagram)?;
            if number % 64 == 0 {
                self.pause(Duration::from_millis(20))?;
            }
        }
        self.send(0, [4000, ANSWERS], 200, 77)?;
        self.wait_for(1, 77)?;
        println!("noise from the wire changes nothing");
        Ok(())
    }

    /// A message about a frame that cannot be: the tunnel stops listening, and does not fall.
    fn wild_frame(&mut self) -> Result<(), String> {
        let wild = Frame {
            data: u32::MAX,
            length: 60,
            checksum_start: 0,
            checksum_offset: 0,
            flags: 0,
        };
        self.sides[0].send_message(&wild)?;
        self.pause(Duration::from_secs(1))
    }

    fn send(
        &mut self,
        from: usize,
        ports: [u16; 2],
        length: usize,
        number: u32,
    ) -> Result<(), String> {
        let frame = packets::frame(from, ports, length, number);
        let is_sent = self.sides[from].send_frame(&frame)?;
        is_sent
            .then_some(())
            .ok_or("there is no room for one frame".into())
    }

    /// Waits for the packet of that number to arrive at the guest of a side.
    fn wait_for(&mut self, side: usize, number: u32) -> Result<(), String> {
        self.wait_until("a packet does not arrive", |world| {
            while let Some(frame) = world.sides[side].next_frame()? {
                if packets::body(&frame).is_some_and(|(found, _)| found == number) {
                    return Ok(true);
                }
            }
            Ok(false)
        })
    }

    fn pause(&mut self, span: Duration) -> Result<(), String> {
        let end = self.clock.after(span);
        self.run(end, |_| Ok(false)).map(drop)
    }

    fn wait_until(
        &mut self,
        otherwise: &str,
        condition: impl FnMut(&mut Self) -> Result<bool, String>,
    ) -> Result<(), String> {
        let end = self.clock.after(PATIENCE);
        match self.run(end, condition)? {
            true => Ok(()),
            false => Err(otherwise.into()),
        }
    }

    /// Carries datagrams until `condition` holds or `end` comes. Says which.
    fn run(
        &mut self,
        end: Ticks,
        mut condition: impl FnMut(&mut Self) -> Result<bool, String>,
    ) -> Result<bool, String> {
        self.timer.set(end);
        loop {
            while self.carry()? {}
            if condition(self)? {
                return Ok(true);
            }
            if self.clock.now() >= end {
                return Ok(false);
            }
            let _ = self.notification.wait();
        }
    }

    /// Carries one datagram from each side to the other, and looks at it. Whether there was one.
    fn carry(&mut self) -> Result<bool, String> {
        let mut has_carried = false;
        for from in [0, 1] {
            let Some((to, datagram)) = self.sides[from].next_datagram()? else {
                continue;
            };
            has_carried = true;
            if datagram.windows(8).any(|window| window == &MARK[..8]) {
                return Err("a packet left in the clear".into());
            }
            if to == self.sides[1 - from].place {
                let place = self.sides[from].place;
                self.sides[1 - from].deliver(place, &datagram)?;
            }
        }
        Ok(has_carried)
    }
}
