//! `cargo xtask check`.

use std::process::ExitCode;

use anyhow::{Result, ensure};
use clap::Args;

use crate::check::{self, Subject};

/// Check the repository's rules: format, lints, dependencies, unsafe code, size, built images.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Only these checks; --list names them.
    names: Vec<String>,
    /// Name the checks and what each means.
    #[arg(long)]
    list: bool,
}

pub(crate) fn execute(arguments: &Arguments) -> Result<ExitCode> {
    if arguments.list {
        for check in &check::ALL {
            println!("{:12} {}", check.name, check.rule);
        }
        return Ok(ExitCode::SUCCESS);
    }
    for name in &arguments.names {
        ensure!(
            check::ALL.iter().any(|check| check.name == name),
            "there is no check {name}; --list names them"
        );
    }
    let subject = Subject::read()?;
    let chosen = |name: &str| {
        arguments.names.is_empty() || arguments.names.iter().any(|wanted| wanted == name)
    };
    let mut all_hold = true;
    for check in check::ALL.iter().filter(|check| chosen(check.name)) {
        all_hold &= check.holds(&subject);
    }
    Ok(if all_hold {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
