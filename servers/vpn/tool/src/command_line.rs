//! The command line.

use std::net::IpAddr;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use vpn_core::tunnel::Policy;

use crate::create::Places;
use crate::{adopt, blocklist, create, serve};

/// The other end of a guest's tunnel, on the host.
#[derive(Parser)]
pub(crate) struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make keys for both ends: FOLDER/guest.conf goes into the guest's volume, FOLDER/peer.conf is for `serve`.
    Create {
        /// Made if it is not there; files that are there stay as they are, and the command fails.
        folder: PathBuf,
        /// The UDP port that the peer will have on the host; without it, one that is free now.
        #[arg(long)]
        port: Option<u16>,
        /// Where the guest's machine reaches the host: QEMU's user network has it at this address.
        #[arg(long, default_value = "10.0.2.2")]
        host: IpAddr,
        /// The tunnel's number: inside, the peer is 10.66.NUMBER.1 and the guest 10.66.NUMBER.2, and alike for IPv6.
        #[arg(long, value_name = "NUMBER", default_value_t = 0)]
        tunnel: u8,
    },
    /// Check a configuration for the guest's end, made elsewhere, and put it into FOLDER/guest.conf for the guest's
    /// volume: names of endpoints are looked up, and no peer of this host's stands in the folder any more.
    Adopt {
        /// A configuration as wg-quick reads it.
        configuration: PathBuf,
        /// Made if it is not there.
        folder: PathBuf,
    },
    /// Be the other end, until interrupted.
    Serve {
        /// A configuration as wg-quick reads it, with a ListenPort.
        configuration: PathBuf,
        /// How much post-quantum exchanges matter: require, prefer or off.
        #[arg(long, default_value = "prefer", value_parser = policy)]
        post_quantum: Policy,
        /// Relay this port of the peer to the same port of the host's loopback interface, TCP and UDP.
        #[arg(long, value_name = "PORT")]
        forward: Vec<u16>,
        /// Listen on all of the host's addresses, not only on the loopback interface.
        #[arg(long)]
        everywhere: bool,
        /// Write every packet inside the tunnel to this file, in tcpdump's format.
        #[arg(long, value_name = "FILE")]
        capture: Option<PathBuf>,
        /// End when standard input does, as it does when whoever started the peer ends. Until then, each line there
        /// that says `renew` begins a new session.
        #[arg(long)]
        until_input_ends: bool,
    },
    /// Make a key for signing blocklists; prints the public key, which a system's manifest names.
    BlocklistKey {
        /// Where the secret key goes; must not be there yet.
        file: PathBuf,
    },
    /// Sign a list of forbidden names and addresses.
    SignBlocklist {
        /// The list, which gets its signature as the last line.
        list: PathBuf,
        /// The secret key.
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
    },
}

impl CommandLine {
    pub(crate) fn execute(self) -> Result<()> {
        match self.command {
            Command::Create {
                folder,
                port,
                host,
                tunnel,
            } => create::create(&folder, &Places { tunnel, host, port }),
            Command::Adopt {
                configuration,
                folder,
            } => adopt::adopt(&configuration, &folder),
            Command::BlocklistKey { file } => blocklist::make_key(&file),
            Command::SignBlocklist { list, key } => blocklist::sign(&list, &key),
            Command::Serve {
                configuration,
                post_quantum,
                forward,
                everywhere,
                capture,
                until_input_ends,
            } => serve::serve(&serve::Options {
                configuration,
                post_quantum,
                forward,
                everywhere,
                capture,
                until_input_ends,
            }),
        }
    }
}

fn policy(name: &str) -> Result<Policy> {
    Policy::from_name(name).context("it is require, prefer or off")
}
