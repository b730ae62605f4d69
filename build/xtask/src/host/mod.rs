//! The host: what it must have, and how it gets it.

mod install;
mod need;

pub(crate) use install::ensure;
pub(crate) use need::{
    ALL, BORINGTUN, DISC, IPERF3, Need, OVMF, Presence, QEMU, TSHARK, WIREGUARD,
};
