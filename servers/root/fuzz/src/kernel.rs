//! A kernel that grants everything, shows the archive in the window, and has strange devices.

use std::collections::BTreeMap;

use compiled_manifest::{Caching, PciAddress, Rights};
use root_core::{IoApicInput, Kernel, SchedParams, Slot, Thread, Untyped, WorkingSlot};
use sel4_sys::{Error, object::ObjectType, slot};
use shared_memory::RegionWriter;

use crate::pci::Pci;

type Done = Result<(), Error>;

/// Where frames lie, so that mapping one of the archive in the root server's window shows what it holds.
pub struct Grantor<'a> {
    untypeds: BTreeMap<WorkingSlot, u64>,
    frames: BTreeMap<Slot, u64>,
    archive: (&'a [u8], u64),
    window: (RegionWriter, u64),
    /// What the clock answers, one after the other.
    answers: &'a [u8],
    pci: Pci,
}

impl<'a> Grantor<'a> {
    /// A kernel with an archive at a physical address, the window at an address, what the clock answers, and
    /// what is strange in PCI configuration.
    pub fn new(
        untypeds: &[Untyped],
        archive: (&'a [u8], u64),
        window: (RegionWriter, u64),
        answers: &'a [u8],
        changes: &[(u8, u32)],
    ) -> Self {
        let untypeds = untypeds.iter().map(|one| (one.slot, one.physical));
        Self {
            untypeds: untypeds.collect(),
            frames: BTreeMap::new(),
            archive,
            window,
            answers,
            pci: Pci::new(changes),
        }
    }

    fn answer(&mut self) -> u8 {
        match self.answers.split_first() {
            Some((answer, rest)) => {
                self.answers = rest;
                *answer
            }
            None => 0,
        }
    }
}

/// The slot `count` behind `first`.
fn behind(first: Slot, count: u32) -> Slot {
    match first {
        Slot::Working(WorkingSlot(slot)) => Slot::Working(WorkingSlot(slot + u64::from(count))),
        Slot::Vault(slot) => Slot::Vault(slot + count),
        component @ Slot::Component { .. } => component,
    }
}

impl Kernel for Grantor<'_> {
    fn retype(
        &mut self,
        untyped: WorkingSlot,
        (object, argument): (ObjectType, u8),
        first: Slot,
        count: u32,
    ) -> Done {
        let size = 1u64 << object.size_bits(u64::from(argument));
        let place = self.untypeds.get_mut(&untyped).expect("an untyped");
        let start = place.next_multiple_of(size);
        *place = start + u64::from(count) * size;
        for index in 0..count {
            let physical = start + u64::from(index) * size;
            self.frames.insert(behind(first, index), physical);
        }
        Ok(())
    }

    fn map_frame(&mut self, frame: Slot, space: Slot, at: u64, _: (Rights, Caching)) -> Done {
        let physical = self.frames.get(&frame).copied();
        let (bytes, start) = self.archive;
        let page = physical
            .and_then(|physical| usize::try_from(physical.checked_sub(start)?).ok())
            .and_then(|offset| bytes.get(offset..offset + 4096));
        if space == Slot::Working(WorkingSlot(slot::VSPACE))
            && let Some(page) = page
        {
            let offset = usize::try_from(at - self.window.1).expect("in the window");
            self.window.0.write_at(offset, page).expect("in the window");
        }
        Ok(())
    }

    fn frame_address(&mut self, frame: Slot) -> Result<u64, Error> {
        self.frames.get(&frame).copied().ok_or(Error::FailedLookup)
    }

    fn port_in8(&mut self, _: Slot, _: u16) -> Result<u8, Error> {
        Ok(self.answer())
    }

    fn port_in32(&mut self, _: Slot, _: u16) -> Result<u32, Error> {
        Ok(self.pci.read())
    }

    fn enter(&mut self, _: WorkingSlot, _: WorkingSlot, _: u8) -> Done {
        Ok(())
    }

    fn leave(&mut self) -> Done {
        Ok(())
    }

    fn copy(&mut self, to: Slot, from: Slot, _: Rights) -> Done {
        if let Some(place) = self.frames.get(&from).copied() {
            self.frames.insert(to, place);
        }
        Ok(())
    }

    fn mint(&mut self, _: Slot, _: Slot, _: Rights, _: u64) -> Done {
        Ok(())
    }

    fn delete(&mut self, _: Slot) -> Done {
        Ok(())
    }

    fn assign_space(&mut self, _: Slot) -> Done {
        Ok(())
    }

    fn map_table(&mut self, _: ObjectType, _: Slot, _: Slot, _: u64) -> Done {
        Ok(())
    }

    fn map_in_guest(&mut self, _: Slot, _: Slot, _: u64) -> Done {
        Ok(())
    }

    fn unmap_frame(&mut self, _: Slot) -> Done {
        Ok(())
    }

    fn issue_ports(&mut self, _: u16, _: u16, _: Slot) -> Done {
        Ok(())
    }

    fn issue_io_apic(&mut self, _: IoApicInput, _: Slot) -> Done {
        Ok(())
    }

    fn issue_message(&mut self, _: PciAddress, _: u8, _: Slot) -> Done {
        Ok(())
    }

    fn set_notification(&mut self, _: Slot, _: Slot) -> Done {
        Ok(())
    }

    fn configure_time(&mut self, _: Slot, _: SchedParams) -> Done {
        Ok(())
    }

    fn configure_thread(&mut self, _: &Thread) -> Done {
        Ok(())
    }

    fn set_registers(&mut self, _: Slot, _: u64, _: u64, _: u64) -> Done {
        Ok(())
    }

    fn resume(&mut self, _: Slot) -> Done {
        Ok(())
    }

    fn set_guest_space(&mut self, _: Slot, _: Slot) -> Done {
        Ok(())
    }

    fn port_out8(&mut self, _: Slot, _: u16, _: u8) -> Done {
        Ok(())
    }

    fn port_out32(&mut self, _: Slot, port: u16, value: u32) -> Done {
        self.pci.out(port, value);
        Ok(())
    }
}
