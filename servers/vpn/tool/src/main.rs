//! `peer`: the other end of a guest's tunnel, on the host, for trying and testing.
//!
//! It speaks WireGuard on a UDP port of the loopback interface, needs no privilege, and is what the guest's
//! Internet consists of: it answers pings, serves a name and a page of its own, and relays TCP and UDP to wherever
//! the host itself gets.
//!
//! | What the guest sends | What the peer does |
//! |---|---|
//! | ping of the peer | answers |
//! | UDP 53 to the peer | answers for `peer.sekisho.test`, passes other names on to the host's resolver |
//! | TCP 80 to the peer | serves a page |
//! | TCP or UDP to the peer, a port given with `--forward` | relays to the same port of the host's loopback interface |
//! | TCP or UDP to others | relays, as QEMU's user network does; pings of others stay unanswered |

#![forbid(unsafe_code)]

mod adopt;
mod blocklist;
mod capture;
mod command_line;
mod create;
mod event;
mod host;
mod link;
mod names;
mod network;
mod page;
mod places;
mod serve;
mod tcp_connection;
mod tcp_relay;
mod udp_relay;
mod wire;

use std::process::ExitCode;

use clap::Parser;

use command_line::CommandLine;

fn main() -> ExitCode {
    match CommandLine::parse().execute() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
