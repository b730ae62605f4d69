//! What a datagram costs in the server and the kernel, in instructions of a machine whose clock counts them.
//!
//! The server has the higher priority: from a signal to the return from it lies all that it does for what was
//! put into the queue. On the way back it interrupts a loop; what the loop takes longer than undisturbed is the server's.

use alloc::{format, string::String, vec, vec::Vec};
use core::net::SocketAddr;

use runtime::println;

use crate::net::Net;
use crate::steps::try_echo;

/// Datagrams that are sent at a time.
const BATCH: u64 = 32;
/// Batches, of which the cheapest counts for the way out, and the median for both ways: some come back at once.
const BATCHES: u64 = 16;
/// Rounds of a loop: so many that the server seldom comes between two loops.
const ROUNDS: u64 = 100_000;
/// Loops after which what has not come is lost.
const LONGEST: u64 = 10_000;

pub(crate) fn count(net: &mut Net, echo: SocketAddr) -> Result<(), String> {
    // The first asks who is where.
    if !try_echo(net, echo, b"hello")? {
        return Err(format!("nobody answers at {echo}"));
    }
    for length in [64, 1400] {
        let mut least_out = u64::MAX;
        let mut both = Vec::new();
        for _ in 0..BATCHES {
            let (out, back) = batch(net, echo, length)?;
            least_out = least_out.min(out);
            both.push(out + back);
        }
        both.sort_unstable();
        let median = both.get(both.len() / 2).copied().unwrap_or(0);
        let back = median.saturating_sub(least_out);
        println!("figure net-send-{length} {least_out} instructions");
        println!("figure net-receive-{length} {back} instructions");
    }
    Ok(())
}

/// What each datagram of a batch costs on its way out, and on its way back.
fn batch(net: &mut Net, echo: SocketAddr, length: usize) -> Result<(u64, u64), String> {
    let payload = vec![7; length];
    for _ in 0..BATCH {
        net.send(echo, &payload)?;
    }
    let before = net.now();
    net.signal();
    let out = net.now() - before;

    let undisturbed = least_loop(net);
    let (mut came, mut back) = (0, 0);
    for _ in 0..LONGEST {
        back += a_loop(net).saturating_sub(undisturbed);
        came += net.take_all()?;
        if came >= BATCH {
            return Ok((out / BATCH, back / BATCH));
        }
    }
    Err(format!("{} of {BATCH} datagrams are lost", BATCH - came))
}

/// What a loop takes when nobody interrupts it.
fn least_loop(net: &Net) -> u64 {
    let loops = (0..8).map(|_| a_loop(net));
    loops.min().unwrap_or(0)
}

/// What a loop takes that does nothing.
#[inline(never)]
fn a_loop(net: &Net) -> u64 {
    let start = net.now();
    for round in 0..ROUNDS {
        core::hint::black_box(round);
    }
    net.now() - start
}
