//! What a user can type after `cargo xtask`.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::commands::{
    bench, boot, build, check, clean, doctor, guest, image, mutate, page, pour, profile, run, test,
    volume,
};

/// Builds, runs, tests and checks Sekisho.
///
/// New here? `cargo xtask run` boots the system in QEMU, `cargo xtask test` runs every test.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", max_term_width = 100)]
pub(crate) struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Run(run::Arguments),
    Test(test::Arguments),
    Build(build::Arguments),
    Image(image::Arguments),
    Check(check::Arguments),
    Bench(bench::Arguments),
    Mutate(mutate::Arguments),
    Profile(profile::Arguments),
    Volume(volume::Arguments),
    Doctor(doctor::Arguments),
    Clean(clean::Arguments),
    #[command(hide = true)]
    Boot(boot::Arguments),
    #[command(hide = true)]
    Guest(guest::Arguments),
    #[command(hide = true)]
    Page(page::Arguments),
    #[command(hide = true)]
    Pour(pour::Arguments),
}

impl CommandLine {
    /// Carries out the command; the exit code is the process's.
    pub(crate) fn execute(self) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::Run(arguments) => run::execute(&arguments),
            Command::Test(arguments) => test::execute(&arguments),
            Command::Build(arguments) => build::execute(&arguments),
            Command::Image(arguments) => image::execute(&arguments),
            Command::Check(arguments) => check::execute(&arguments),
            Command::Mutate(arguments) => mutate::execute(&arguments),
            Command::Bench(arguments) => bench::execute(&arguments),
            Command::Profile(arguments) => profile::execute(&arguments),
            Command::Volume(arguments) => volume::execute(&arguments),
            Command::Doctor(arguments) => doctor::execute(&arguments),
            Command::Clean(arguments) => clean::execute(&arguments),
            Command::Boot(arguments) => boot::execute(&arguments),
            Command::Guest(arguments) => guest::execute(&arguments),
            Command::Page(arguments) => page::execute(&arguments),
            Command::Pour(arguments) => pour::execute(&arguments),
        }
    }
}
