//! What datagrams cost in the network server and the kernel, counted by a component that uses them.

use std::fs;

use anyhow::Result;

use super::{Figure, images};
use crate::guest::GuestOptions;
use crate::program::{self, KERNEL, Options};
use crate::progress::step;
use crate::qemu::{Ending, Machine, Time};
use crate::scenario::Echoes;
use crate::workspace::{self, Metadata};
use crate::{changed_system, system};

const MANIFEST: &str = "qemu-tests/network-check/system.toml";
const CHANGES: &str = "qemu-tests/network-check/figures.toml";
/// The port of the echo, which the manifest names too.
const ECHO: u16 = 17113;

pub(super) fn measure(metadata: &Metadata) -> Result<Vec<Figure>> {
    step("Measuring the network", || {
        let folder = workspace::path("target/bench/network");
        let image = folder.join("root.img");
        let kernel = program::build_one(metadata, KERNEL, Options::default())?;
        let (guest, options) = (GuestOptions::default(), Options::default());
        fs::create_dir_all(&folder)?;
        let result = folder.join("system.toml");
        let manifest = changed_system::manifest(MANIFEST, Some(CHANGES), result)?;
        let equipment = system::pack(metadata, &manifest, guest, options, &image)?;
        let mut machine = Machine::new(kernel, image);
        machine.network = equipment.network;
        // The clock counts instructions, but does not run ahead while an answer is waited for.
        machine.time = Time::Recorded {
            control_socket: folder.join("control"),
        };
        let _echoes = Echoes::start(&[ECHO])?;
        images::printed(&machine, "the network", Ending::PoweredOff)
    })
}
