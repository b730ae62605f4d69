//! What a hostile gateway does to the guest's monitor.

use alloc::string::String;

use frame_api::{Checksum, Frame, LinkState, MAX_FRAME, MIN_FRAME, QUEUE_LENGTH};
use runtime::println;

use crate::{link::Link, text};

/// Frames that the rules allow and no gateway would send: 10.9.0.101.
const NOISE: u8 = 101;
/// A message that describes no frame: 10.9.0.102.
const WILD_MESSAGE: u8 = 102;
/// A count of frames that were never sent: 10.9.0.103.
const WILD_PRODUCED: u8 = 103;
/// A count of frames taken that were never there: 10.9.0.104.
const WILD_CONSUMED: u8 = 104;

/// Rounds of noise; each fills the queue.
const ROUNDS: usize = 20;
/// Where the counts stand in a side's region (shared-memory's channels).
const PRODUCED: usize = 0;
const CONSUMED: usize = 64;

/// What the gateway does after a misdeed.
pub(crate) enum Afterwards {
    /// It is honest again, as far as the monitor still listens.
    Honest,
    /// It touches the channel no more, so that its wrong counts stay.
    Silent,
}

/// Misbehaves as host `host` of the network stands for.
pub(crate) fn act(host: u8, link: &mut Link) -> Result<Afterwards, String> {
    match host {
        NOISE => noise(link)?,
        WILD_MESSAGE => {
            println!("the gateway sends a wild message");
            let wild = Frame {
                data: u32::MAX,
                length: u32::MAX,
                checksum_start: u16::MAX,
                checksum_offset: u16::MAX,
                flags: u32::MAX,
            };
            link.sender.push(&wild).map_err(text)?;
            link.channel.signal();
        }
        WILD_PRODUCED => return wild_count(link, PRODUCED),
        WILD_CONSUMED => return wild_count(link, CONSUMED),
        _ => {}
    }
    Ok(Afterwards::Honest)
}

/// Frames of every kind, faster than any guest takes them; a link that goes up and down and changes its size;
/// signals without reason.
fn noise(link: &mut Link) -> Result<(), String> {
    println!("the gateway makes noise");
    let bytes = [0x5a; MAX_FRAME];
    let checksums = [
        Checksum::Unchecked,
        Checksum::Good,
        Checksum::Missing {
            start: 12,
            offset: 0,
        },
    ];
    for round in 0..ROUNDS {
        for number in 0..QUEUE_LENGTH {
            let length = MIN_FRAME + (round * QUEUE_LENGTH + number) * 7 % (MAX_FRAME - MIN_FRAME);
            link.send(&bytes[..length], checksums[number % checksums.len()])?;
            link.channel.set_attention(u64::MAX >> (number % 64));
            link.channel.signal();
        }
    }
    let good = frame_api::Link {
        state: LinkState::Up,
        mtu: frame_api::DEFAULT_MTU,
    };
    link.channel.set_attention(good.to_word());
    link.channel.signal();
    Ok(())
}

fn wild_count(link: &Link, offset: usize) -> Result<Afterwards, String> {
    println!("the gateway counts wrong");
    let output = link.channel.output();
    output.write_u64_at(offset, u64::MAX).map_err(text)?;
    link.channel.signal();
    Ok(Afterwards::Silent)
}
