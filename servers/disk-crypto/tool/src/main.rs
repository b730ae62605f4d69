//! `volume`: creates, inspects and changes encrypted volumes from the host.
//!
//! The format is that of `disk-crypto-core`; this program only finds files, asks for passphrases and says
//! what went wrong. It never writes to a guest's data.

#![forbid(unsafe_code)]

mod backup;
mod command_line;
mod create;
mod image;
mod inspect;
mod keys;
mod locate;
mod passphrase;
mod silent_terminal;
mod size;
mod slots;

use std::process::ExitCode;

use clap::Parser;

use command_line::CommandLine;

fn main() -> ExitCode {
    match CommandLine::parse().execute() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
