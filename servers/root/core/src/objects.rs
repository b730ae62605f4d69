//! Makes every object, each into its slots of the vault.

use alloc::vec::Vec;

use compiled_manifest::{Content, Kind, Object, System};

use crate::{
    BuildError, IoApicInput, Kernel, Slot, WorkingSlot,
    device_memory::Request,
    error::Naming,
    ram::{Placement, Ram, Run},
    shape::object_type,
};

/// Makes all objects of RAM; answers the physical address of each object's first byte, 0 for others.
pub(crate) fn make_ram_objects(
    kernel: &mut impl Kernel,
    ram: &mut Ram,
    system: &System,
) -> Result<Vec<u64>, BuildError> {
    let mut addresses = alloc::vec![0; system.objects.len()];
    let mut order: Vec<(usize, &Object, u8)> = Vec::new();
    for (index, object) in system.objects.iter().enumerate() {
        if let Some(bits) = object.kind.size_bits() {
            order.push((index, object, bits));
        }
    }
    // Large ones first, and of equal ones the longest runs first.
    order.sort_by_key(|(_, object, bits)| {
        core::cmp::Reverse((*bits, object.kind.capability_count()))
    });
    for (index, object, bits) in order {
        let Some(shape) = object_type(&object.kind) else {
            continue;
        };
        let run = Run {
            name: &object.name,
            object: shape,
            bits,
            first: Slot::Vault(object.slot),
            count: object.kind.capability_count(),
            placement: placement(&object.kind),
        };
        addresses[index] = ram.make(kernel, run)?;
    }
    Ok(addresses)
}

fn placement(kind: &Kind) -> Placement {
    match kind.frames().map(|frames| frames.content) {
        Some(Content::Contiguous) => Placement::Contiguous,
        _ => Placement::Anywhere,
    }
}

/// What has to be made at given physical addresses: device registers and the archive's own frames.
/// `files` are the physical addresses of the manifest's files.
pub(crate) fn device_requests<'a>(system: &'a System, files: &[u64]) -> Vec<Request<'a>> {
    let mut requests = Vec::new();
    for object in &system.objects {
        let Some(frames) = object.kind.frames() else {
            continue;
        };
        let physical = match frames.content {
            Content::Device { physical } => physical,
            Content::Archive { file, offset } => file_address(files, file) + offset,
            _ => continue,
        };
        requests.push(Request {
            name: &object.name,
            physical,
            bits: frames.size.bits(),
            count: frames.count,
            first: Slot::Vault(object.slot),
        });
    }
    requests
}

/// Physical address of the manifest's file number `file`, which a checked manifest has.
pub(crate) fn file_address(files: &[u64], file: u32) -> u64 {
    let index = usize::try_from(file).unwrap_or(usize::MAX);
    files.get(index).copied().unwrap_or(0)
}

/// Issues ports and interrupt handlers. `report_ports` were issued to the root server before.
pub(crate) fn issue(
    kernel: &mut impl Kernel,
    system: &System,
    report_ports: (WorkingSlot, u16, u16),
) -> Result<(), BuildError> {
    for object in &system.objects {
        let to = Slot::Vault(object.slot);
        let issued = match object.kind {
            Kind::IoPorts { first, last } => {
                let (slot, reported_first, reported_last) = report_ports;
                if (first, last) == (reported_first, reported_last) {
                    let all = compiled_manifest::Rights::ALL;
                    kernel.copy(to, Slot::Working(slot), all)
                } else {
                    kernel.issue_ports(first, last, to)
                }
            }
            Kind::IoApicInterrupt {
                io_apic,
                pin,
                trigger,
                vector,
            } => {
                let input = IoApicInput {
                    io_apic,
                    pin,
                    trigger,
                    vector,
                };
                kernel.issue_io_apic(input, to)
            }
            Kind::MessageInterrupt { source, vector } => kernel.issue_message(source, vector, to),
            _ => continue,
        };
        issued.naming(&object.name, "cannot be issued")?;
    }
    Ok(())
}
