//! Sekisho's build tool: builds the system, boots it in QEMU, tests, checks and measures it.
//!
//! Start reading at [`command_line`], which names every command; each stands in one file under
//! [`commands`]. What the commands share is beside them: [`workspace`] knows the folders,
//! [`program`] how a freestanding program is built, [`qemu`] how a machine is started and judged.
#![forbid(unsafe_code)]

mod bench;
mod changed_system;
mod check;
mod command_line;
mod commands;
mod disc;
mod folders;
mod guest;
mod headless;
mod host;
mod host_tests;
mod mutation;
mod nonce;
mod peer;
mod process;
mod process_tree;
mod products;
mod profile;
mod program;
mod progress;
mod qemu;
mod scenario;
mod system;
mod user_disk;
mod user_tunnel;
mod volume;
mod volumes;
mod workspace;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    match command_line::CommandLine::parse().execute() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
