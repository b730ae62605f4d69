//! Guests: a virtual CPU, a guest-physical address space, and RAM that guest and monitor share.

use compiled_manifest::{Content, Kind, Rights, Sharing, VirtualCpu};

use super::builder::{Builder, NewRegion};
use super::{bytes, layout};

pub(super) fn add(builder: &mut Builder<'_>) {
    let sources = builder.sources;
    for (index, (component, _)) in sources.components().enumerate() {
        for grant in &component.guest {
            let (role, why) = (grant.need.get_ref(), grant.why.get_ref());
            let owner = builder.name(index);
            let cpu = builder.object(format!("{owner}.{role}.vcpu"), Kind::VirtualCpu, why);
            let space = builder.object(format!("{owner}.{role}.space"), Kind::NestedRoot, why);
            let size = bytes(&grant.memory);
            let run = layout::frames(size, Content::Zero);
            let frames = builder.frames(format!("{owner}.{role}.ram"), run, why);
            let region = NewRegion {
                name: &format!("{role}.ram"),
                frames,
                size,
                rights: Rights::READ_WRITE,
                sharing: Sharing::Shared,
                tells_physical: false,
            };
            builder.region(index, &region);
            builder.map_in_guest(space, frames, 0);
            let target = (cpu, Rights::ALL, 0);
            builder.capability(index, format!("{role}.vcpu"), target, why);
            let cpus = &mut builder.system.components[index].virtual_cpus;
            cpus.push(VirtualCpu { object: cpu, space });
        }
    }
}
