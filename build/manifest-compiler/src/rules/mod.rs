//! What manifests must obey, one rule a file.

mod address_overlaps;
mod channel_ends;
mod crossings;
mod dangling_names;
mod device_parts;
mod fault_handlers;
mod guest_separation;
mod interrupt_overlaps;
pub(crate) mod memory;
mod names;
mod needs_met;
mod network_holders;
mod network_paths;
mod parameter_types;
mod pci_registers;
mod port_overlaps;
mod quantities;
mod reasons;
mod schedule;
mod shared_devices;
mod unused_grants;

use crate::diagnostic::{Failure, Report};
use crate::source::Sources;

type Rule = fn(&Sources, &mut Report);

/// Rules about names. If one is broken, the others would report its consequences and are left out.
const NAMES: [Rule; 5] = [
    names::check,
    reasons::check,
    dangling_names::check,
    unused_grants::check,
    crossings::check,
];

/// All further rules that need no program to be built.
const RULES: [Rule; 15] = [
    needs_met::check,
    channel_ends::check,
    parameter_types::check,
    device_parts::check,
    shared_devices::check,
    port_overlaps::check,
    interrupt_overlaps::check,
    address_overlaps::check,
    pci_registers::check,
    quantities::check,
    schedule::check,
    fault_handlers::check,
    network_paths::check,
    network_holders::check,
    guest_separation::check,
];

/// Applies every rule.
pub(crate) fn check(sources: &Sources) -> Result<(), Failure> {
    for rules in [&NAMES[..], &RULES[..]] {
        let mut report = Report::default();
        for rule in rules {
            rule(sources, &mut report);
        }
        report.finish()?;
    }
    Ok(())
}
