//! Writes each component's environment: what the manifest says, the physical addresses, the seed.

use alloc::{vec, vec::Vec};

use compiled_manifest::{Component, Sharing, System, Value};
use environment::Description;

use crate::{
    BuildError, Kernel, Seeds,
    error::Naming,
    own_window::{OwnWindow, PAGE},
    spaces::object,
};

/// What environments tell besides the manifest.
pub(crate) struct Facts<'a> {
    pub(crate) seeds: &'a Seeds,
    pub(crate) tsc_khz: u64,
    /// Nanoseconds since 1970 when the time-stamp counter stood at zero, 0 if unknown or of no interest.
    pub(crate) boot_time: u64,
    /// Physical addresses of the objects' first bytes.
    pub(crate) addresses: &'a [u64],
}

/// Writes all environments.
pub(crate) fn write_all(
    kernel: &mut impl Kernel,
    window: &mut OwnWindow,
    system: &System,
    facts: &Facts<'_>,
) -> Result<(), BuildError> {
    check_addresses(kernel, system, facts)?;
    let mut bytes = vec![0; environment::SIZE];
    for component in &system.components {
        bytes.fill(0);
        let used = describe(component, facts, &mut bytes)?;
        let frames = object(system, component.environment).1;
        let pages = u32::try_from(used.div_ceil(PAGE)).map_err(|_| BuildError::Window)?;
        window.with(kernel, frames, pages, |region| {
            region
                .write_at(0, &bytes[..used])
                .map_err(|_| BuildError::Window)
        })?;
    }
    // The last seed written is the only one left here.
    bytes.fill(0);
    Ok(())
}

/// Codes one environment; answers the bytes used.
fn describe(
    component: &Component,
    facts: &Facts<'_>,
    bytes: &mut [u8],
) -> Result<usize, BuildError> {
    let capabilities = component.capabilities.iter();
    let capabilities: Vec<_> = capabilities
        .map(|capability| environment::Capability {
            name: &capability.name,
            slot: u64::from(capability.slot),
        })
        .collect();
    let regions = component.regions.iter();
    let regions: Vec<_> = regions
        .map(|region| describe_region(region, facts))
        .collect();
    let parameters = component.parameters.iter();
    let parameters: Vec<_> = parameters
        .map(|parameter| environment::Parameter {
            name: &parameter.name,
            value: match &parameter.value {
                Value::Integer(number) => environment::Value::Integer(*number),
                Value::Text(text) => environment::Value::Text(text),
                Value::BootTime => environment::Value::Integer(facts.boot_time),
            },
        })
        .collect();
    let description = Description {
        component: &component.name,
        seed: facts.seeds.seed(&component.name),
        tsc_khz: facts.tsc_khz,
        capabilities: &capabilities,
        regions: &regions,
        parameters: &parameters,
    };
    let too_long = |_| BuildError::Environment(component.name.clone());
    description.encode(bytes).map_err(too_long)
}

fn describe_region<'a>(
    region: &'a compiled_manifest::Region,
    facts: &Facts<'_>,
) -> environment::Region<'a> {
    let index = usize::try_from(region.frames.0).unwrap_or(usize::MAX);
    let physical = facts.addresses.get(index).copied();
    environment::Region {
        name: &region.name,
        address: region.address,
        size: region.size,
        writable: region.writable,
        sharing: match region.sharing {
            Sharing::Private => environment::Sharing::Private,
            Sharing::Shared => environment::Sharing::Shared,
            Sharing::Registers => environment::Sharing::Registers,
        },
        physical: physical.filter(|_| region.tells_physical),
    }
}

/// What devices are told must be true: the kernel confirms the first and the last frame of each region.
fn check_addresses(
    kernel: &mut impl Kernel,
    system: &System,
    facts: &Facts<'_>,
) -> Result<(), BuildError> {
    let regions = system.components.iter().flat_map(|c| &c.regions);
    for region in regions.filter(|region| region.tells_physical) {
        let (name, first) = object(system, region.frames);
        let kind = system.kind(region.frames);
        let Some(run) = kind.and_then(compiled_manifest::Kind::frames) else {
            continue;
        };
        let index = usize::try_from(region.frames.0).unwrap_or(usize::MAX);
        let expected = facts.addresses.get(index).copied().unwrap_or(0);
        for frame in [0, run.count - 1] {
            let found = kernel
                .frame_address(first.behind(frame))
                .naming(name, "does not tell its address")?;
            if found != expected + u64::from(frame) * run.size.bytes() {
                return Err(BuildError::Misplaced(name.into()));
            }
        }
    }
    Ok(())
}
