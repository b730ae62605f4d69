//! What exits to the monitor cost, by the guest's own counter.
//!
//! The guest is a program of ours in Linux's place; monitor and system are real.

use std::fs;

use anyhow::Result;

use super::{Figure, images, machines};
use crate::guest::{GuestOptions, bare_code, initramfs};
use crate::program::{self, Options};
use crate::progress::step;
use crate::qemu::{Ending, Time};
use crate::workspace::{self, Metadata};

/// The package of the guest.
const GUEST: &str = "exit-guest";

pub(super) fn measure(metadata: &Metadata) -> Result<Vec<Figure>> {
    step("Measuring exits to the monitor", || {
        let elf = fs::read(program::build_one(metadata, GUEST, Options::default())?)?;
        let files = workspace::path("target/bench/exit-guest");
        fs::create_dir_all(&files)?;
        let (kernel, initrd) = (files.join("kernel"), files.join("initrd"));
        fs::write(&kernel, bare_code::program(&elf)?)?;
        // The guest reads none, but the system has one.
        fs::write(&initrd, initramfs::command_archive("", "")?)?;
        let guest = GuestOptions {
            kernel: Some(&kernel),
            initrd: Some(&initrd),
            ..GuestOptions::default()
        };
        let folder = workspace::path("target/bench/exits");
        let mut machine = machines::with_guest(metadata, &folder, guest)?;
        machine.time = Time::Instructions;
        images::printed(&machine, GUEST, Ending::PoweredOff)
    })
}
