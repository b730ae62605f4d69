//! The root server as boot makes it.

use core::mem::offset_of;

use sel4_sys::boot_info::BootInfo;
use sel4_sys::slot;

use super::host::Event;
use super::invariants;
use super::world::{DEVICES, IMAGE, MEMORY, World};
use crate::Register;
use crate::capability::{Capability, FrameSize, Level};

#[test]
fn fixed_slots_hold_what_the_interface_says() {
    let world = World::new();
    assert_eq!(world.capability(slot::NULL), Capability::Null);
    assert_eq!(world.capability(slot::TCB), Capability::Thread(world.root));
    assert_eq!(world.capability(slot::IRQ_CONTROL), Capability::IrqControl);
    assert_eq!(
        world.capability(slot::ASID_CONTROL),
        Capability::AsidControl
    );
    assert!(
        matches!(world.capability(slot::ASID_POOL), Capability::AsidPool(pool) if pool.base == 0)
    );
    assert_eq!(
        world.capability(slot::IO_PORT_CONTROL),
        Capability::IoPortControl
    );
    assert_eq!(world.capability(slot::DOMAIN), Capability::Domain);
    assert!(matches!(
        world.capability(slot::SCHED_CONTEXT),
        Capability::SchedContext(_)
    ));
    assert!(
        matches!(world.capability(slot::VSPACE), Capability::Table(root)
        if root.level == Level::Root && root.mapping.is_some())
    );
    for empty in [8, 12, 13, 15] {
        assert_eq!(world.capability(empty), Capability::Null);
    }
    invariants::check(&world);
}

#[test]
fn the_thread_starts_at_the_entry_with_bootinfo() {
    let world = World::new();
    let context = &world.kernel.tcb(world.root).context;
    assert_eq!(context.get(Register::Rip), IMAGE.entry);
    assert_eq!(context.get(Register::Rdi), IMAGE.virtual_end + 0x1000);
    assert_eq!(context.get(Register::Rflags), 0x202);
    for register in [
        Register::Rsp,
        Register::Rax,
        Register::R15,
        Register::FsBase,
    ] {
        assert_eq!(context.get(register), 0);
    }
    let events = world.kernel.machine().take_events();
    assert!(
        events
            .iter()
            .any(|event| matches!(event, Event::Activate(Some(_))))
    );
}

#[test]
fn image_frames_are_mapped_where_the_image_says() {
    let world = World::new();
    let Capability::Table(root) = world.capability(slot::VSPACE) else {
        panic!("no root");
    };
    let first = world.boot_info(offset_of!(BootInfo, user_image_frames));
    let end = world.boot_info(offset_of!(BootInfo, user_image_frames) + 8);
    assert_eq!(end - first, 3);
    for (slot, page) in (first..end).zip(0..) {
        let Capability::Frame(frame) = world.capability(slot) else {
            panic!("no frame");
        };
        assert_eq!(frame.size, FrameSize::Small);
        assert_eq!(frame.start.0, IMAGE.physical_start.0 + page * 0x1000);
        let address = IMAGE.virtual_start + page * 0x1000;
        assert_eq!(frame.mapping.map(|mapping| mapping.address), Some(address));
        let entry = world.kernel.entry(root.object, address, Level::Table);
        let entry = entry.expect("tables are there").get();
        assert_eq!(entry.as_frame(Level::Table), Some(frame.start));
    }
}

#[test]
fn untypeds_cover_memory_without_overlap_and_stay_inside() {
    let world = World::new();
    let first = world.boot_info(offset_of!(BootInfo, untyped));
    let end = world.boot_info(offset_of!(BootInfo, untyped) + 8);
    let mut spans = std::vec::Vec::new();
    for slot in first..end {
        let Capability::Untyped(untyped) = world.capability(slot) else {
            panic!("no untyped");
        };
        let region = if untyped.device { DEVICES } else { MEMORY };
        assert!(region.start <= untyped.start);
        assert!(untyped.start.0 + untyped.size() <= region.end.0);
        assert!(untyped.start.0.is_multiple_of(untyped.size()));
        spans.push((untyped.start.0, untyped.size()));
    }
    spans.sort_unstable();
    for pair in spans.windows(2) {
        assert!(pair[0].0 + pair[0].1 <= pair[1].0, "{pair:x?}");
    }
    let total: u64 = spans.iter().map(|(_, size)| size).sum();
    let taken = (1 << 18) + (1 << 20);
    let memory = MEMORY.end.0 - MEMORY.start.0 + DEVICES.end.0 - DEVICES.start.0;
    assert!(total <= memory && total > memory - taken, "{total:x}");
}

#[test]
fn extra_chunks_follow_bootinfo() {
    let world = World::new();
    assert_eq!(world.boot_info(offset_of!(BootInfo, extra_length)), 24);
    assert_eq!(world.boot_info(4096), 5);
    assert_eq!(world.boot_info(4104), 24);
    assert_eq!(world.boot_info(4112), 0x0403_0201);
    let extra = world.boot_info(offset_of!(BootInfo, extra_pages));
    let Capability::Frame(frame) = world.capability(extra) else {
        panic!("no frame");
    };
    assert_eq!(frame.start.0, world.boot_info_frame() + 4096);
}
