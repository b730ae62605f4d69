//! What sending a datagram costs in the server and the kernel, in instructions of a machine whose clock counts them.
//!
//! The server has the higher priority: from a signal to the return from it lies all that it does for what was
//! put into the queue.

use alloc::{format, string::String, vec};
use core::net::SocketAddr;
use core::time::Duration;

use runtime::println;

use crate::net::Net;
use crate::steps::try_echo;

/// Datagrams that are sent at a time.
const BATCH: u64 = 32;
/// Batches, of which the cheapest counts.
const BATCHES: u64 = 16;
/// What has not come back by then is lost.
const PATIENCE: Duration = Duration::from_secs(600);

pub(crate) fn count(net: &mut Net, echo: SocketAddr) -> Result<(), String> {
    // The first asks who is where.
    if !try_echo(net, echo, b"hello")? {
        return Err(format!("nobody answers at {echo}"));
    }
    for length in [64, 1400] {
        let mut least = u64::MAX;
        for _ in 0..BATCHES {
            least = least.min(batch(net, echo, length)?);
        }
        println!("figure net-send-{length} {least} instructions");
    }
    Ok(())
}

/// What each datagram of a batch costs on its way out. The next batch begins when all have come back.
fn batch(net: &mut Net, echo: SocketAddr, length: usize) -> Result<u64, String> {
    let payload = vec![7; length];
    for _ in 0..BATCH {
        net.send(echo, &payload)?;
    }
    let before = net.now();
    net.signal();
    let out = net.now() - before;
    let end = net.in_time(PATIENCE);
    for back in 0..BATCH {
        if net.wait(end)?.is_none() {
            return Err(format!("{} of {BATCH} datagrams are lost", BATCH - back));
        }
    }
    Ok(out / BATCH)
}
