//! What bootinfo says, in the terms of `root-core`.

use alloc::vec::Vec;
use core::fmt::Write;

use root_core::{Hardware, Machine, Untyped, WorkingSlot};
use runtime::RootTask;
use sel4_sys::boot_info::{BootInfo, ExtraHeader, SlotRegion, UNTYPED_MAX, extra};

use crate::serial;

/// Slots with the frames and paging structures of the root server's own image.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ImageSlots {
    frames: SlotRegion,
    paging: SlotRegion,
}

impl ImageSlots {
    pub(crate) fn new(boot_info: &BootInfo) -> Self {
        Self {
            frames: boot_info.user_image_frames,
            paging: boot_info.user_image_paging,
        }
    }

    pub(crate) fn contains(self, slot: WorkingSlot) -> bool {
        let within = |region: SlotRegion| (region.start..region.end).contains(&slot.0);
        within(self.frames) || within(self.paging)
    }
}

/// The machine, from bootinfo.
pub(crate) fn machine<'a, H: Hardware>(
    root: &'a RootTask,
    hardware: &'a mut H,
    report: &'a mut dyn Write,
    serial_slot: WorkingSlot,
) -> Machine<'a, H> {
    let info = root.boot_info;
    let (ram, device_memory) = untypeds(info);
    let bytes = root.extra_boot_info;
    let megahertz = chunk(bytes, extra::TSC_FREQUENCY)
        .and_then(|content| content.first_chunk())
        .map_or(0, |word| u64::from(u32::from_le_bytes(*word)));
    Machine {
        ram,
        device_memory,
        free_slots: info.empty.start..info.empty.end,
        archive: chunk(bytes, extra::BOOT_ARCHIVE).and_then(two_words),
        window: root.window,
        window_address: RootTask::WINDOW_ADDRESS,
        tsc_khz: megahertz * 1000,
        boot_bytes: bytes,
        report_ports: (serial_slot, serial::FIRST_PORT, serial::LAST_PORT),
        hardware,
        report,
    }
}

/// The untyped capabilities: RAM, then device memory.
fn untypeds(info: &BootInfo) -> (Vec<Untyped>, Vec<Untyped>) {
    let (mut ram, mut device_memory) = (Vec::new(), Vec::new());
    let slots = info.untyped.start..info.untyped.end;
    for (slot, description) in slots.zip(&info.untyped_list[..UNTYPED_MAX]) {
        let untyped = Untyped {
            slot: WorkingSlot(slot),
            physical: description.physical_address,
            size_bits: description.size_bits,
            used: 0,
        };
        if description.is_device == 0 {
            ram.push(untyped);
        } else {
            device_memory.push(untyped);
        }
    }
    (ram, device_memory)
}

/// The content of the extra chunk `wanted`.
fn chunk(mut bytes: &[u8], wanted: u64) -> Option<&[u8]> {
    const HEADER: usize = size_of::<ExtraHeader>();
    loop {
        let (id, length) = two_words(bytes)?;
        let length = usize::try_from(length).ok()?;
        let content = bytes.get(HEADER..length)?;
        if id == wanted {
            return Some(content);
        }
        bytes = bytes.get(length..)?;
    }
}

fn two_words(bytes: &[u8]) -> Option<(u64, u64)> {
    let (first, rest) = bytes.split_first_chunk()?;
    let second = rest.first_chunk()?;
    Some((u64::from_le_bytes(*first), u64::from_le_bytes(*second)))
}
