//! How soon a guest has its network.

use anyhow::{Result, bail};

use super::{Figure, guest, machines};
use crate::progress::step;
use crate::workspace::{self, Metadata};

/// Until the peer answers; what the guest sleeps meanwhile is not counted.
const SCRIPT: &str = "until ping -c 1 -W 1 10.66.0.1; do sleep 0.05; done\necho mark >/dev/ttyS0\n";

/// From power-on to the first answer through the tunnel.
pub(super) fn measure(metadata: &Metadata) -> Result<Figure> {
    let folder = workspace::path("target/bench/tunnel");
    let (machine, _peer) = machines::with_tunnel(metadata, &folder, SCRIPT)?;
    let counts = step(
        "Measuring the way to the first answer from the peer",
        || guest::marks(&machine, &folder, &guest::BEGINNINGS),
    )?;
    let [_, _, answered] = counts[..] else {
        bail!("the guest took {} steps", counts.len());
    };
    Ok(Figure::new("start-to-first-ping", answered, "instructions"))
}
