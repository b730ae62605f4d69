//! The monitor of one guest: a process that holds the guest's memory and virtual CPU and plays its PC.
//!
//! This file and its siblings only connect [`vmm_partition_core`] with the kernel and with the
//! channels that the manifest grants.

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

mod failure;
mod file;
mod guest_ram;
mod network;
mod report;
mod system;
mod virtual_cpu;
mod volume;

use core::convert::Infallible;

use runtime::{Component, println};
use vmm_partition_core::{
    Ending, Machine,
    boot::{self, Files},
    host::Host,
    machine::MachineParameters,
};

use crate::{failure::Failure, file::File, system::System, virtual_cpu::KernelVirtualCpu};

runtime::component!(main);

fn main(mut component: Component) -> Result<Infallible, Failure> {
    let ending = run(&mut component)?;
    println!("{ending}");
    report::report(&component, ending)?;
    // The supervisor decides what comes next; until it stops this thread, there is nothing to do.
    let notification = component.notification()?;
    loop {
        let _ = notification.wait();
    }
}

/// Boots the guest and runs it to its end.
fn run(component: &mut Component) -> Result<Ending, Failure> {
    let environment = component.environment;
    let mut place_seed = [0; 8];
    component.random.fill(&mut place_seed);
    let mut entropy_seed = [0; 32];
    component.random.fill(&mut entropy_seed);
    let parameters = MachineParameters {
        tsc_khz: component.clock.tsc_khz(),
        unix_ns: environment.integer("boot-unix-nanoseconds").unwrap_or(0),
        entropy_seed,
    };
    let system = System::open(component)?;
    if component.life > 0 {
        // What the guest before it held in memory is nobody's any more.
        system.memory().erase()?;
    }
    let mut vcpu = KernelVirtualCpu::new(component.ipc, environment.capability("guest.vcpu")?);
    let files = Files {
        kernel: &File::open(component, "guest-kernel")?,
        initrd: &File::open(component, "guest-initrd")?,
        command_line: environment.text("command-line")?.as_bytes(),
        random: u64::from_le_bytes(place_seed),
    };
    boot::load(&files, system.memory(), &mut vcpu)?;
    let mut machine = Machine::new(system, &parameters);
    println!("the guest starts");
    let ending = machine.run(&mut vcpu);
    machine.host().settle();
    Ok(ending)
}
