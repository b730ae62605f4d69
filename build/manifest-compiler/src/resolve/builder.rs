//! The system as it grows: objects get slots of the vault, mappings get their paging structures.

use std::collections::BTreeMap;

use compiled_manifest::{
    Caching, Capability, Component, Content, File, FrameSize, Frames, GuestMapping, Kind, Mapping,
    Object, ObjectId, Parameter, PciTopology, Region, Rights, Sharing, System, Table, Value,
};

use super::layout;
use crate::pack::ArchiveEntry;
use crate::source::Sources;

/// Set in every notification word, so that a thread that waits on an endpoint can tell signals from messages.
pub(super) const SIGNAL_MARK: u64 = 1 << 63;

/// A system in the making.
pub(super) struct Builder<'a> {
    pub(super) sources: &'a Sources,
    pub(super) system: System,
    pub(super) entries: Vec<ArchiveEntry>,
    pub(super) states: Vec<State>,
    next_slot: u32,
    tables: BTreeMap<(ObjectId, u8, u64), ObjectId>,
}

/// What is known of a component besides its compiled form.
pub(super) struct State {
    /// Its endpoint and reply object, once it has some.
    pub(super) endpoint: Option<(ObjectId, ObjectId)>,
    next_region: u64,
    next_bit: u32,
}

/// A region that is to be mapped.
pub(super) struct NewRegion<'a> {
    pub(super) name: &'a str,
    pub(super) frames: ObjectId,
    /// Bytes that count.
    pub(super) size: u64,
    pub(super) rights: Rights,
    pub(super) sharing: Sharing,
    pub(super) tells_physical: bool,
}

/// Logarithms of what a page table, a page directory and a PDPT cover.
const PAGE_TABLE: u8 = 21;
const PAGE_DIRECTORY: u8 = 30;
const PDPT: u8 = 39;

impl<'a> Builder<'a> {
    /// An empty system.
    pub(super) fn new(sources: &'a Sources) -> Self {
        let system = System {
            name: sources.system.name.get_ref().clone(),
            hardware: sources.hardware.name.get_ref().clone(),
            vault_radix: 1,
            boot_console: None,
            files: Vec::new(),
            objects: Vec::new(),
            tables: Vec::new(),
            mappings: Vec::new(),
            guest_mappings: Vec::new(),
            components: Vec::new(),
            pci: PciTopology {
                buses: *sources.hardware.pci_buses.get_ref(),
                functions: Vec::new(),
            },
        };
        Self {
            sources,
            system,
            entries: Vec::new(),
            states: Vec::new(),
            next_slot: System::VAULT_FIRST,
            tables: BTreeMap::new(),
        }
    }

    /// Adds an object.
    pub(super) fn object(&mut self, name: String, kind: Kind, why: &str) -> ObjectId {
        let id = ObjectId(count_of(self.system.objects.len()));
        let slot = self.take_slots(kind.capability_count());
        self.system.objects.push(Object {
            name,
            kind,
            slot,
            why: why.to_owned(),
        });
        id
    }

    /// Adds frames.
    pub(super) fn frames(&mut self, name: String, frames: Frames, why: &str) -> ObjectId {
        self.object(name, Kind::Frames(frames), why)
    }

    /// Adds frames, or finds the same ones: the archive's own memory exists once.
    pub(super) fn archive_frames(&mut self, name: String, frames: Frames, why: &str) -> ObjectId {
        let objects = (0..).map(ObjectId).zip(&self.system.objects);
        let mut known = objects.filter(|(_, object)| object.kind == Kind::Frames(frames));
        match known.next() {
            Some((id, _)) => id,
            None => self.frames(name, frames, why),
        }
    }

    /// Adds a component.
    pub(super) fn component(&mut self, component: Component) {
        self.system.components.push(component);
        self.states.push(State {
            endpoint: None,
            next_region: layout::REGIONS,
            next_bit: 0,
        });
    }

    /// Name of the component.
    pub(super) fn name(&self, component: usize) -> String {
        self.system.components[component].name.clone()
    }

    /// Maps frames at `address` of the component.
    pub(super) fn map(&mut self, component: usize, frames: ObjectId, address: u64, rights: Rights) {
        let space = self.system.components[component].space;
        let (slot, run) = self.mapped_capabilities(frames);
        self.cover(space, address, &run);
        let caching = match run.content {
            Content::Device { .. } => Caching::Uncached,
            _ => Caching::WriteBack,
        };
        self.system.mappings.push(Mapping {
            space,
            frames,
            slot,
            address,
            rights,
            caching,
        });
    }

    /// Maps frames at `address` of a guest.
    pub(super) fn map_in_guest(&mut self, space: ObjectId, frames: ObjectId, address: u64) {
        let (slot, run) = self.mapped_capabilities(frames);
        self.cover(space, address, &run);
        self.system.guest_mappings.push(GuestMapping {
            space,
            frames,
            slot,
            address,
        });
    }

    /// Maps a region at the component's next free address and tells the component.
    pub(super) fn region(&mut self, component: usize, region: &NewRegion<'_>) {
        let address = self.states[component].next_region;
        let bytes = self.run(region.frames).bytes();
        self.states[component].next_region = layout::next_region(address, bytes);
        self.region_at(component, address, region);
    }

    /// Maps a region at `address` and tells the component.
    pub(super) fn region_at(&mut self, component: usize, address: u64, region: &NewRegion<'_>) {
        self.map(component, region.frames, address, region.rights);
        self.system.components[component].regions.push(Region {
            name: region.name.to_owned(),
            frames: region.frames,
            address,
            size: region.size,
            writable: region.rights.contains(Rights::WRITE),
            sharing: region.sharing,
            tells_physical: region.tells_physical,
        });
    }

    /// Gives the component a capability in its next slot.
    pub(super) fn capability(
        &mut self,
        component: usize,
        name: String,
        target: (ObjectId, Rights, u64),
        why: &str,
    ) {
        let capabilities = &mut self.system.components[component].capabilities;
        let slot = count_of(capabilities.len()) + 1;
        let (object, rights, badge) = target;
        capabilities.push(Capability {
            name,
            slot,
            object,
            rights,
            badge,
            why: why.to_owned(),
        });
    }

    /// Tells the component a number.
    pub(super) fn number(&mut self, component: usize, name: String, value: u64) {
        self.setting(component, name, Value::Integer(value));
    }

    /// Tells the component something.
    pub(super) fn setting(&mut self, component: usize, name: String, value: Value) {
        let parameters = &mut self.system.components[component].parameters;
        parameters.push(Parameter { name, value });
    }

    /// A bit of the component's notification word that nobody else sets.
    pub(super) fn signal_bit(&mut self, component: usize) -> u64 {
        let state = &mut self.states[component];
        let bit = 1 << state.next_bit;
        // Bit 63 marks every signal. A component with more than 63 peers shares the last bit; it then
        // looks at all of them.
        state.next_bit = (state.next_bit + 1).min(62);
        bit
    }

    /// The component's endpoint, made when it is first needed together with its reply object.
    pub(super) fn endpoint(&mut self, component: usize, why: &str) -> ObjectId {
        if let Some((endpoint, _)) = self.states[component].endpoint {
            return endpoint;
        }
        let name = self.name(component);
        let endpoint = self.object(format!("{name}.endpoint"), Kind::Endpoint, why);
        let reply = self.object(format!("{name}.reply"), Kind::Reply, why);
        self.states[component].endpoint = Some((endpoint, reply));
        let receive = (endpoint, Rights::READ, 0);
        self.capability(component, "endpoint".into(), receive, why);
        self.capability(component, "reply".into(), (reply, Rights::ALL, 0), why);
        endpoint
    }

    /// Adds a file to the archive; a second one of the same name is the same file.
    pub(super) fn file(&mut self, entry: ArchiveEntry) -> u32 {
        let known = self
            .entries
            .iter()
            .position(|other| other.name == entry.name);
        let index = known.unwrap_or_else(|| {
            self.system.files.push(File {
                name: entry.name.clone(),
                length: entry.contents.len() as u64,
                sha256: entry.sha256(),
            });
            self.entries.push(entry);
            self.entries.len() - 1
        });
        count_of(index)
    }

    /// The run of frames `id`.
    pub(super) fn run(&self, id: ObjectId) -> Frames {
        let kind = self.system.kind(id).and_then(Kind::frames);
        // Only ids of frames that this builder made come here.
        *kind.unwrap_or(&Frames {
            size: FrameSize::Small,
            count: 0,
            content: Content::Zero,
        })
    }

    /// Settles the sizes of CNodes and the vault.
    pub(super) fn finish(mut self) -> (System, Vec<ArchiveEntry>) {
        for index in 0..self.system.components.len() {
            let component = &self.system.components[index];
            let slots = count_of(component.capabilities.len()) + 1;
            let radix = radix_for(slots);
            let cnode = usize::try_from(component.cnode.0).ok();
            if let Some(object) = cnode.and_then(|at| self.system.objects.get_mut(at)) {
                object.kind = Kind::CNode { radix };
            }
        }
        self.system.vault_radix = radix_for(self.next_slot);
        (self.system, self.entries)
    }

    fn take_slots(&mut self, count: u32) -> u32 {
        let first = self.next_slot;
        self.next_slot += count;
        first
    }

    /// Capabilities for one more mapping: the object's own for the first one, copies for others.
    fn mapped_capabilities(&mut self, frames: ObjectId) -> (u32, Frames) {
        let run = self.run(frames);
        let in_components = self.system.mappings.iter().map(|m| m.frames);
        let in_guests = self.system.guest_mappings.iter().map(|m| m.frames);
        let slot = if in_components.chain(in_guests).any(|other| other == frames) {
            self.take_slots(run.count)
        } else {
            self.system.object(frames).map_or(0, |object| object.slot)
        };
        (slot, run)
    }

    /// Adds the paging structures that a mapping still lacks.
    fn cover(&mut self, space: ObjectId, address: u64, run: &Frames) {
        let lowest = match run.size {
            FrameSize::Small => PAGE_TABLE,
            FrameSize::Large => PAGE_DIRECTORY,
        };
        let end = address + run.bytes();
        let mut at = address;
        while at < end {
            for level in [PDPT, PAGE_DIRECTORY, PAGE_TABLE] {
                if level >= lowest {
                    self.ensure_table(space, level, at >> level << level);
                }
            }
            at = ((at >> lowest) + 1) << lowest;
        }
    }

    fn ensure_table(&mut self, space: ObjectId, level: u8, address: u64) {
        if self.tables.contains_key(&(space, level, address)) {
            return;
        }
        let nested = self.system.kind(space) == Some(&Kind::NestedRoot);
        let (kind, word) = match level {
            _ if nested => (Kind::NestedTable, format!("nested-table-{level}")),
            PDPT => (Kind::Pdpt, "pdpt".into()),
            PAGE_DIRECTORY => (Kind::PageDirectory, "page-directory".into()),
            _ => (Kind::PageTable, "page-table".into()),
        };
        let owner = self.system.object(space).map(|space| space.name.clone());
        let name = format!("{}.{word}.{address:#x}", owner.unwrap_or_default());
        let object = self.object(name, kind, "Holds mappings of the address space.");
        self.tables.insert((space, level, address), object);
        self.system.tables.push(Table {
            object,
            space,
            address,
        });
    }
}

/// Logarithm of the least number of slots that holds `slots`, at least 1.
fn radix_for(slots: u32) -> u8 {
    let radix = slots.next_power_of_two().trailing_zeros().max(1);
    u8::try_from(radix).unwrap_or(u8::MAX)
}

/// A length as the compiled manifest counts.
pub(super) fn count_of(length: usize) -> u32 {
    // Four thousand million objects do not fit into this machine's memory.
    u32::try_from(length).unwrap_or(u32::MAX)
}
