//! Figures: how large the system is, and how many instructions it takes for what.
//!
//! Instructions, because they repeat exactly under `-icount shift=0`, on any host; time in an
//! emulator says little about time on a computer.

mod comparison;
mod exits;
mod figure;
mod guest;
mod images;
mod machines;
mod memory;
mod network;
mod page;
mod side_by_side;
mod sizes;
mod throughput;
mod tunnel;

use anyhow::{Result, ensure};

use self::guest::Between;
use self::throughput::Tunnel;
use crate::workspace::Metadata;

pub(crate) use figure::{Figure, to_json, to_table};
pub(crate) use machines::{PASSPHRASE, encrypted as guest_machine};
pub(crate) use page::write as write_page;
pub(crate) use side_by_side::side_by_side;
pub(crate) use throughput::Abroad;

/// Measures everything, or the parts that are named.
pub(crate) fn measure(metadata: &Metadata, parts: &[String]) -> Result<Vec<Figure>> {
    let images = images::packages(metadata);
    let known = [
        SIZES,
        MEMORY,
        EXITS,
        GUEST,
        PASS_THROUGH,
        NETWORK,
        TUNNEL,
        THROUGHPUT,
        LINUX_TUNNEL,
        WIREGUARD_GO,
    ];
    for part in parts {
        let is_known = known.contains(&part.as_str()) || images.contains(&part.as_str());
        let names = || [known.as_slice(), &images].concat().join(", ");
        ensure!(is_known, "there is no part {part}; there are {}", names());
    }
    let wanted = |part: &str| parts.is_empty() || parts.iter().any(|name| name == part);
    let mut figures = Vec::new();
    if wanted(SIZES) {
        figures.extend(sizes::measure(metadata)?);
    }
    if wanted(MEMORY) {
        figures.push(memory::measure(metadata)?);
        figures.push(memory::measure_tunnel(metadata)?);
    }
    for image in images.iter().filter(|image| wanted(image)) {
        figures.extend(images::measure(metadata, image)?);
    }
    if wanted(EXITS) {
        figures.extend(exits::measure(metadata)?);
    }
    if wanted(GUEST) {
        figures.extend(guest::measure(metadata, Between::Encryption)?);
    }
    if wanted(PASS_THROUGH) {
        figures.extend(guest::measure(metadata, Between::PassThrough)?);
    }
    if wanted(NETWORK) {
        figures.extend(network::measure(metadata)?);
    }
    if wanted(TUNNEL) {
        figures.push(tunnel::measure(metadata)?);
    }
    if wanted(THROUGHPUT) {
        figures.extend(throughput::measure(metadata, Tunnel::Ours)?);
    }
    if wanted(LINUX_TUNNEL) {
        figures.extend(throughput::measure(metadata, Tunnel::Linux)?);
    }
    if wanted(WIREGUARD_GO) {
        figures.extend(throughput::measure(metadata, Tunnel::WireguardGo)?);
    }
    Ok(figures)
}

/// Parts beside the bench images.
const SIZES: &str = "sizes";
const MEMORY: &str = "memory";
const EXITS: &str = "exits";
const GUEST: &str = "guest";
const PASS_THROUGH: &str = "pass-through";
const NETWORK: &str = "network";
const TUNNEL: &str = "tunnel";
const THROUGHPUT: &str = "network-throughput";
const LINUX_TUNNEL: &str = "linux-tunnel";
const WIREGUARD_GO: &str = "wireguard-go";
