//! A kernel that keeps books: who holds what, which memory became which object, what is mapped where.
//!
//! It obeys the rules of seL4's untyped memory (objects in rising order, aligned to their size; frames of device
//! memory keep their contents) and refuses what seL4 refuses: filled slots, missing rights, missing paging, double mappings.

use std::collections::{BTreeMap, BTreeSet};

use compiled_manifest::{Caching, PciAddress, Rights};
use sel4_sys::{Error, object::ObjectType, slot};
use shared_memory::RegionWriter;

use super::fake_pci::FakePci;
use crate::{IoApicInput, Kernel, SchedParams, Slot, Thread, Untyped, WorkingSlot};

/// What a capability stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Object {
    /// An object of memory, by physical address.
    Memory(ObjectType, u64),
    Ports(u16, u16),
    Line(u8),
    Message(u8),
    /// What the kernel gives at the start.
    Initial(u64),
}

impl Object {
    /// Orders objects, for maps.
    fn key(self) -> (u8, u64, u64) {
        match self {
            Self::Memory(kind, physical) => (0, kind as u64, physical),
            Self::Ports(first, last) => (1, u64::from(first), u64::from(last)),
            Self::Line(vector) => (2, u64::from(vector), 0),
            Self::Message(vector) => (3, u64::from(vector), 0),
            Self::Initial(slot) => (4, slot, 0),
        }
    }
}

impl PartialOrd for Object {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Object {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Capability {
    pub(super) object: Object,
    pub(super) rights: Rights,
    pub(super) badge: u64,
    /// Where the frame is mapped: the space's object and the address.
    pub(super) mapping: Option<(Object, u64)>,
}

type Done = Result<(), Error>;

pub(super) struct FakeKernel {
    pub(super) slots: BTreeMap<Slot, Capability>,
    untypeds: BTreeMap<WorkingSlot, (Untyped, bool)>,
    /// Contents by page; pages that are not listed are zero.
    pub(super) pages: BTreeMap<u64, Vec<u8>>,
    pub(super) objects: BTreeMap<u64, u64>,
    pub(super) mapped: BTreeMap<(Object, u64), (Object, Rights)>,
    tables: BTreeSet<(Object, u8, u64)>,
    pub(super) started: Vec<Object>,
    pub(super) threads: Vec<(Thread, Option<Capability>)>,
    pub(super) registers: Vec<(u64, u64, u64)>,
    pub(super) interrupts: Vec<(Object, u64)>,
    pub(super) pci: FakePci,
    window: RegionWriter,
    window_address: u64,
    pub(super) has_left: bool,
}

const OWN_SPACE: Object = Object::Initial(slot::VSPACE);

impl FakeKernel {
    pub(super) fn new(
        ram: &[Untyped],
        device_memory: &[Untyped],
        window: RegionWriter,
        window_address: u64,
    ) -> Self {
        let mut kernel = Self {
            slots: BTreeMap::new(),
            untypeds: BTreeMap::new(),
            pages: BTreeMap::new(),
            objects: BTreeMap::new(),
            mapped: BTreeMap::new(),
            tables: BTreeSet::from([(OWN_SPACE, 39, 0)]),
            started: Vec::new(),
            threads: Vec::new(),
            registers: Vec::new(),
            interrupts: Vec::new(),
            pci: FakePci::new(),
            window,
            window_address,
            has_left: false,
        };
        for number in 1..16 {
            kernel.give(Slot::Working(WorkingSlot(number)), Object::Initial(number));
        }
        for (list, is_device) in [(ram, false), (device_memory, true)] {
            for untyped in list {
                let object = Object::Memory(ObjectType::Untyped, untyped.physical);
                kernel.give(Slot::Working(untyped.slot), object);
                kernel.untypeds.insert(untyped.slot, (*untyped, is_device));
            }
        }
        kernel
    }

    /// Puts a capability into an empty slot, as the kernel does before the root server starts.
    pub(super) fn give(&mut self, slot: Slot, object: Object) {
        let capability = Capability {
            object,
            rights: Rights::ALL,
            badge: 0,
            mapping: None,
        };
        assert!(self.slots.insert(slot, capability).is_none());
    }

    fn get(&self, slot: Slot) -> Result<Capability, Error> {
        let found = self.slots.get(&slot).copied();
        found.ok_or(Error::InvalidCapability)
    }

    fn put(&mut self, slot: Slot, capability: Capability) -> Done {
        if self.slots.contains_key(&slot) {
            return Err(Error::DeleteFirst);
        }
        self.slots.insert(slot, capability);
        Ok(())
    }

    fn issue(&mut self, to: Slot, object: Object) -> Done {
        if self
            .slots
            .values()
            .any(|capability| capability.object == object)
        {
            return Err(Error::RevokeFirst);
        }
        self.put(
            to,
            Capability {
                object,
                rights: Rights::ALL,
                badge: 0,
                mapping: None,
            },
        )
    }

    fn has_table(&self, space: Object, covered: u8, address: u64) -> bool {
        self.tables
            .contains(&(space, covered, address >> covered << covered))
    }

    /// Copies a page between the simulated memory and the window.
    fn show(&mut self, physical: u64, address: u64) {
        let offset = usize::try_from(address - self.window_address).expect("in the window");
        let page = self.pages.entry(physical).or_insert_with(|| vec![0; 4096]);
        self.window.write_at(offset, page).expect("in the window");
    }

    fn keep(&mut self, physical: u64, address: u64) {
        let offset = usize::try_from(address - self.window_address).expect("in the window");
        let mut page = vec![0; 4096];
        self.window
            .read_at(offset, &mut page)
            .expect("in the window");
        self.pages.insert(physical, page);
    }

    fn map(&mut self, frame: Slot, space: Slot, address: u64, rights: Rights) -> Done {
        let (capability, space) = (self.get(frame)?, self.get(space)?.object);
        let (lowest, bytes) = match capability.object {
            Object::Memory(ObjectType::Page, _) => (21, 4096),
            Object::Memory(ObjectType::LargePage, _) => (30, 2 << 20),
            _ => return Err(Error::InvalidCapability),
        };
        if capability.mapping.is_some() || self.mapped.contains_key(&(space, address)) {
            return Err(Error::DeleteFirst);
        }
        if !self.has_table(space, lowest, address) || !address.is_multiple_of(bytes) {
            return Err(Error::FailedLookup);
        }
        self.mapped
            .insert((space, address), (capability.object, rights));
        self.slots.entry(frame).and_modify(|capability| {
            capability.mapping = Some((space, address));
        });
        if let (OWN_SPACE, Object::Memory(_, physical)) = (space, capability.object) {
            self.show(physical, address);
        }
        Ok(())
    }
}

impl Kernel for FakeKernel {
    fn retype(
        &mut self,
        untyped: WorkingSlot,
        (object, argument): (ObjectType, u8),
        first: Slot,
        count: u32,
    ) -> Done {
        let bits = u8::try_from(object.size_bits(u64::from(argument))).expect("small");
        let (memory, is_device) = self
            .untypeds
            .get_mut(&untyped)
            .ok_or(Error::InvalidCapability)?;
        let may_be = [ObjectType::Untyped, ObjectType::Page, ObjectType::LargePage];
        if *is_device && !may_be.contains(&object) {
            return Err(Error::InvalidArgument);
        }
        if count == 0 || count > 256 || memory.room(bits) < u64::from(count) {
            return Err(Error::NotEnoughMemory);
        }
        let start = memory.note(bits, count);
        for index in 0..count {
            let physical = start + (u64::from(index) << bits);
            assert!(physical.is_multiple_of(1 << bits), "objects are aligned");
            let before = self.objects.range(..=physical).next_back();
            assert!(
                before.is_none_or(|(_, end)| *end <= physical),
                "objects are disjoint"
            );
            self.objects.insert(physical, physical + (1 << bits));
            self.put(
                first.behind(index),
                Capability {
                    object: Object::Memory(object, physical),
                    rights: Rights::ALL,
                    badge: 0,
                    mapping: None,
                },
            )?;
        }
        Ok(())
    }

    fn enter(&mut self, _: WorkingSlot, vault: WorkingSlot, radix: u8) -> Done {
        assert!(radix > 1);
        self.copy(Slot::Vault(1), Slot::Working(vault), Rights::ALL)?;
        let pool = Slot::Working(WorkingSlot(slot::ASID_POOL));
        self.copy(Slot::Vault(2), pool, Rights::ALL)
    }

    fn leave(&mut self) -> Done {
        self.has_left = true;
        Ok(())
    }

    fn copy(&mut self, to: Slot, from: Slot, rights: Rights) -> Done {
        self.mint(to, from, rights, self.get(from)?.badge)
    }

    fn mint(&mut self, to: Slot, from: Slot, rights: Rights, badge: u64) -> Done {
        let original = self.get(from)?;
        self.put(
            to,
            Capability {
                rights: Rights(original.rights.0 & rights.0),
                badge,
                mapping: None,
                ..original
            },
        )
    }

    fn delete(&mut self, slot: Slot) -> Done {
        if let Some(capability) = self.slots.remove(&slot)
            && let Some(place) = capability.mapping
        {
            self.mapped.remove(&place);
        }
        Ok(())
    }

    fn assign_space(&mut self, _: Slot) -> Done {
        self.get(Slot::Working(WorkingSlot(slot::ASID_POOL)))
            .map(drop)
    }

    fn map_table(&mut self, object: ObjectType, table: Slot, space: Slot, address: u64) -> Done {
        let space = self.get(space)?.object;
        let covered = match object {
            ObjectType::Pdpt => 39,
            ObjectType::PageDirectory => 30,
            ObjectType::PageTable => 21,
            _ => *[39, 30, 21]
                .iter()
                .find(|covered| !self.has_table(space, **covered, address))
                .ok_or(Error::DeleteFirst)?,
        };
        self.get(table)?;
        let parents = [39, 30].into_iter().filter(|&parent| parent > covered);
        if !parents
            .clone()
            .all(|parent| self.has_table(space, parent, address))
        {
            return Err(Error::FailedLookup);
        }
        if !self
            .tables
            .insert((space, covered, address >> covered << covered))
        {
            return Err(Error::DeleteFirst);
        }
        Ok(())
    }

    fn map_frame(
        &mut self,
        frame: Slot,
        space: Slot,
        address: u64,
        (rights, _): (Rights, Caching),
    ) -> Done {
        self.map(frame, space, address, rights)
    }

    fn map_in_guest(&mut self, frame: Slot, space: Slot, address: u64) -> Done {
        self.map(frame, space, address, Rights::READ_WRITE)
    }

    fn unmap_frame(&mut self, frame: Slot) -> Done {
        let capability = self.get(frame)?;
        if let (Some((space, address)), Object::Memory(_, physical)) =
            (capability.mapping, capability.object)
        {
            let (_, rights) = self
                .mapped
                .remove(&(space, address))
                .ok_or(Error::FailedLookup)?;
            if space == OWN_SPACE && rights.contains(Rights::WRITE) {
                self.keep(physical, address);
            }
        }
        self.slots
            .entry(frame)
            .and_modify(|capability| capability.mapping = None);
        Ok(())
    }

    fn frame_address(&mut self, frame: Slot) -> Result<u64, Error> {
        match self.get(frame)?.object {
            Object::Memory(_, physical) => Ok(physical),
            _ => Err(Error::InvalidCapability),
        }
    }

    fn issue_ports(&mut self, first: u16, last: u16, to: Slot) -> Done {
        let overlap = self
            .slots
            .values()
            .any(|capability| match capability.object {
                Object::Ports(other_first, other_last) => {
                    first <= other_last && other_first <= last
                }
                _ => false,
            });
        if overlap {
            return Err(Error::RevokeFirst);
        }
        self.issue(to, Object::Ports(first, last))
    }

    fn issue_io_apic(&mut self, input: IoApicInput, to: Slot) -> Done {
        self.issue(to, Object::Line(input.vector))
    }

    fn issue_message(&mut self, _: PciAddress, vector: u8, to: Slot) -> Done {
        self.issue(to, Object::Message(vector))
    }

    fn set_notification(&mut self, handler: Slot, notification: Slot) -> Done {
        let (handler, notification) = (self.get(handler)?, self.get(notification)?);
        self.interrupts.push((handler.object, notification.badge));
        Ok(())
    }

    fn configure_time(&mut self, context: Slot, _: SchedParams) -> Done {
        self.get(context).map(drop)
    }

    fn configure_thread(&mut self, thread: &Thread) -> Done {
        for part in [
            thread.tcb,
            thread.cnode.0,
            thread.space,
            thread.ipc_buffer.0,
            thread.sched_context,
            thread.notification,
        ] {
            self.get(part)?;
        }
        let handler = thread
            .fault_endpoint
            .map(|slot| self.get(slot))
            .transpose()?;
        self.threads.push((*thread, handler));
        Ok(())
    }

    fn set_registers(&mut self, tcb: Slot, entry: u64, stack: u64, argument: u64) -> Done {
        self.get(tcb)?;
        self.registers.push((entry, stack, argument));
        Ok(())
    }

    fn resume(&mut self, tcb: Slot) -> Done {
        let thread = self.get(tcb)?.object;
        self.started.push(thread);
        Ok(())
    }

    fn set_guest_space(&mut self, cpu: Slot, space: Slot) -> Done {
        self.get(cpu).and(self.get(space)).map(drop)
    }

    fn port_in8(&mut self, ports: Slot, _: u16) -> Result<u8, Error> {
        self.get(ports).map(|_| 0)
    }

    fn port_out8(&mut self, ports: Slot, _: u16, _: u8) -> Done {
        self.get(ports).map(drop)
    }

    fn port_in32(&mut self, ports: Slot, _: u16) -> Result<u32, Error> {
        self.get(ports)?;
        Ok(self.pci.read())
    }

    fn port_out32(&mut self, ports: Slot, port: u16, value: u32) -> Done {
        self.get(ports)?;
        if port == 0xcf8 {
            self.pci.select(value);
        } else {
            self.pci.write(value);
        }
        Ok(())
    }
}
