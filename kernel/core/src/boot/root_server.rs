//! The root server: its objects, its capabilities, its address space.

use core::mem::offset_of;

use sel4_sys::boot_info::{BootInfo, SlotRegion, UNTYPED_MAX, UntypedDescription};
use sel4_sys::object::ObjectType;
use sel4_sys::slot;

use super::boot_info::{Writer, chunk_bytes};
use super::memory::FreeMemory;
use super::untyped::pieces;
use super::{BootError, BootInformation, Region};
use crate::address::TcbSlot;
use crate::capability::{AsidPool, CNode, Capability, Frame, Level, Mapping, Table};
use crate::core_state::Decision;
use crate::object::{Register, ThreadState};
use crate::schedule::{MIN_REFILLS, Parameters};
use crate::space::{Attributes, Entry};
use crate::{AsidPoolRef, Kernel, Machine, PhysicalAddress, Resume, SlotRef};

/// The root server's time slice, in microseconds.
const TIME_SLICE_US: u64 = 5_000;
/// The root server's address-space identifier.
const ROOT_ASID: u16 = 1;
const PAGE_BYTES: u64 = 4096;
/// Size of the root server's scheduling context.
const SCHED_CONTEXT_BITS: u64 = 8;

/// The root server under construction.
struct Builder<'a, M: Machine> {
    kernel: &'a Kernel<M>,
    memory: FreeMemory,
    cnode: CNode,
    root: Table,
    next_slot: u64,
}

impl<M: Machine> Kernel<M> {
    /// Builds the root server from what the machine found, and starts it.
    pub fn boot(&self, information: &BootInformation) -> Result<Resume, BootError> {
        self.core.now.set(self.machine().now());
        let mut builder = Builder::new(self, information)?;
        builder.build(information)?;
        Ok(self.leave())
    }
}

impl<'a, M: Machine> Builder<'a, M> {
    fn new(kernel: &'a Kernel<M>, information: &BootInformation) -> Result<Self, BootError> {
        let mut memory = FreeMemory::new(information.memory);
        let node = make(
            kernel,
            &mut memory,
            ObjectType::CNode,
            slot::ROOT_CNODE_BITS,
        )?;
        let root = make(kernel, &mut memory, ObjectType::Pml4, 0)?;
        let (Capability::CNode(cnode), Capability::Table(root)) = (node, root) else {
            return Err(BootError::NotEnoughMemory);
        };
        let builder = Self {
            kernel,
            memory,
            cnode: CNode {
                guard_size: 64 - cnode.radix,
                ..cnode
            },
            root,
            next_slot: slot::FIRST_DYNAMIC,
        };
        builder.put(slot::CNODE, &Capability::CNode(builder.cnode));
        Ok(builder)
    }

    fn build(&mut self, information: &BootInformation) -> Result<(), BootError> {
        let extra_bytes: u64 = information.extra.iter().map(chunk_bytes).sum();
        let extra_pages = extra_bytes.div_ceil(PAGE_BYTES);
        let image = information.image;
        let buffer_address = image.virtual_end;
        let info_address = buffer_address + PAGE_BYTES;
        let end_address = info_address + PAGE_BYTES * (1 + extra_pages);

        self.add_control_capabilities()?;
        let paging = self.add_paging(image.virtual_start, end_address)?;
        // Bootinfo and its extra pages lie in one run of frames.
        let info_bits = (PAGE_BYTES * (1 + extra_pages)).next_power_of_two().ilog2();
        let info_frame = self.take_zeroed(info_bits)?;
        self.add_frame_at(slot::BOOT_INFO_FRAME, info_frame, info_address)?;
        let extra = self.add_frames(
            PhysicalAddress(info_frame.0 + PAGE_BYTES),
            info_address + PAGE_BYTES,
            extra_pages,
        )?;
        let buffer_frame = self.take_zeroed(12)?;
        self.add_frame_at(slot::IPC_BUFFER, buffer_frame, buffer_address)?;
        let pages = (image.virtual_end - image.virtual_start) / PAGE_BYTES;
        let frames = self.add_frames(image.physical_start, image.virtual_start, pages)?;
        let sched_control = self.next_slot;
        self.add(&Capability::SchedControl)?;
        let sched_control = self.region_from(sched_control);
        self.add_thread(image.entry, info_address, buffer_address)?;

        let writer = Writer {
            kernel: self.kernel,
            frame: info_frame,
        };
        let untyped = self.add_untypeds(information.devices, &writer)?;
        let empty = SlotRegion {
            start: self.next_slot,
            end: self.cnode.slots(),
        };
        writer.word(offset_of!(BootInfo, extra_length), extra_bytes);
        writer.word(offset_of!(BootInfo, node_count), 1);
        writer.word(offset_of!(BootInfo, ipc_buffer), buffer_address);
        writer.region(offset_of!(BootInfo, empty), empty);
        writer.region(offset_of!(BootInfo, user_image_frames), frames);
        writer.region(offset_of!(BootInfo, user_image_paging), paging);
        writer.region(offset_of!(BootInfo, extra_pages), extra);
        writer.word(offset_of!(BootInfo, root_cnode_bits), slot::ROOT_CNODE_BITS);
        writer.region(offset_of!(BootInfo, sched_control), sched_control);
        writer.region(offset_of!(BootInfo, untyped), untyped);
        let after_info = 4096;
        writer.chunks(after_info, information.extra);
        Ok(())
    }

    /// Capabilities to no object of memory, the address space, and the first ASID pool.
    fn add_control_capabilities(&mut self) -> Result<(), BootError> {
        self.put(slot::IRQ_CONTROL, &Capability::IrqControl);
        self.put(slot::ASID_CONTROL, &Capability::AsidControl);
        self.put(slot::IO_PORT_CONTROL, &Capability::IoPortControl);
        self.put(slot::DOMAIN, &Capability::Domain);
        let pool = self.take_zeroed(12)?;
        let object = AsidPoolRef::new(self.kernel.machine().kernel_address(pool))
            .ok_or(BootError::NotEnoughMemory)?;
        let pool = AsidPool { object, base: 0 };
        self.put(slot::ASID_POOL, &Capability::AsidPool(pool));
        self.kernel.install_asid_pool(&pool);
        let slot = self.slot(slot::VSPACE);
        self.put(slot::VSPACE, &Capability::Table(self.root));
        self.kernel.assign_root(slot, self.root, ROOT_ASID);
        Ok(())
    }

    /// The paging structures for a range of addresses, the higher levels first.
    fn add_paging(&mut self, start: u64, end: u64) -> Result<SlotRegion, BootError> {
        let first = self.next_slot;
        let levels = [
            (Level::Pointers, ObjectType::Pdpt),
            (Level::Directory, ObjectType::PageDirectory),
            (Level::Table, ObjectType::PageTable),
        ];
        for (level, object) in levels {
            let step = 1u64 << level.table_bits();
            let mut address = start & !(step - 1);
            while address < end {
                self.add_table(level, object, address)?;
                address += step;
            }
        }
        Ok(self.region_from(first))
    }

    fn add_table(
        &mut self,
        level: Level,
        object: ObjectType,
        address: u64,
    ) -> Result<(), BootError> {
        let new = make(self.kernel, &mut self.memory, object, 0)?;
        let Capability::Table(table) = new else {
            return Err(BootError::NotEnoughMemory);
        };
        let physical = self.kernel.machine().physical(table.object.address());
        let mapping = self.map(address, level.above(), Entry::table(physical))?;
        self.add(&Capability::Table(Table { mapping, ..table }))?;
        Ok(())
    }

    fn add_frames(
        &mut self,
        start: PhysicalAddress,
        address: u64,
        count: u64,
    ) -> Result<SlotRegion, BootError> {
        let first = self.next_slot;
        for offset in (0..count).map(|index| index * PAGE_BYTES) {
            let slot = self.reserve()?;
            self.add_frame_at(slot, PhysicalAddress(start.0 + offset), address + offset)?;
        }
        Ok(self.region_from(first))
    }

    /// Maps a 4 KiB frame and puts its capability into a slot.
    fn add_frame_at(
        &self,
        slot: u64,
        start: PhysicalAddress,
        address: u64,
    ) -> Result<(), BootError> {
        let new = self.kernel.new_object(ObjectType::Page, 0, start, false);
        let Capability::Frame(frame) = new else {
            return Err(BootError::NotEnoughMemory);
        };
        let entry = Entry::frame(start, Level::Table, frame.rights, Attributes::of(0, false));
        let mapping = self.map(address, Level::Table, entry)?;
        self.put(slot, &Capability::Frame(Frame { mapping, ..frame }));
        Ok(())
    }

    /// Fills the entry for an address in the root server's tables.
    fn map(
        &self,
        address: u64,
        level: Level,
        content: Entry,
    ) -> Result<Option<Mapping>, BootError> {
        let entry = self.kernel.entry(self.root.object, address, level);
        entry.map_err(|_| BootError::NotEnoughMemory)?.set(content);
        let asid = ROOT_ASID;
        Ok(Some(Mapping { asid, address }))
    }

    fn add_thread(
        &mut self,
        entry: u64,
        info_address: u64,
        buffer_address: u64,
    ) -> Result<(), BootError> {
        let kernel = self.kernel;
        let thread = make(kernel, &mut self.memory, ObjectType::Tcb, 0)?;
        let context = make(
            kernel,
            &mut self.memory,
            ObjectType::SchedContext,
            SCHED_CONTEXT_BITS,
        )?;
        self.put(slot::TCB, &thread);
        self.put(slot::SCHED_CONTEXT, &context);
        let (Capability::Thread(thread), Capability::SchedContext(context)) = (thread, context)
        else {
            return Err(BootError::NotEnoughMemory);
        };
        for (own, from) in [
            (TcbSlot::CSpace, slot::CNODE),
            (TcbSlot::VSpace, slot::VSPACE),
            (TcbSlot::Buffer, slot::IPC_BUFFER),
        ] {
            let source = self.slot(from);
            let copy = kernel.copy_of(kernel.slot(source).capability(), source);
            let copy = copy.map_err(|_| BootError::NotEnoughMemory)?;
            kernel.insert_copy(&copy, source, thread.slot(own));
        }
        let tcb = kernel.tcb(thread);
        tcb.buffer_address.set(buffer_address);
        tcb.priority.set(u8::MAX);
        tcb.max_controlled_priority.set(u8::MAX);
        tcb.context.set(Register::Rip, entry);
        tcb.context.set(Register::Rdi, info_address);
        tcb.context.set(Register::Rflags, 0x202);
        let parameters = Parameters {
            budget: TIME_SLICE_US * kernel.machine().ticks_per_us(),
            period: 0,
            refills: MIN_REFILLS,
        };
        kernel.start_refills(context.object, parameters);
        tcb.sched_context.set(Some(context.object));
        kernel.sched_context(context.object).tcb.set(Some(thread));
        tcb.state.set(ThreadState::Running);
        kernel.enqueue_first(thread);
        kernel.core.decision.set(Decision::Choose);
        Ok(())
    }

    /// Untyped capabilities for devices, then for all memory that is left.
    fn add_untypeds(
        &mut self,
        devices: &[Region],
        writer: &Writer<M>,
    ) -> Result<SlotRegion, BootError> {
        let first = self.next_slot;
        let free = FreeMemory::new(self.memory.pieces());
        let devices = devices.iter().flat_map(|region| pieces(*region, true));
        let memory = free
            .pieces()
            .iter()
            .flat_map(|region| pieces(*region, false));
        for (index, untyped) in (0..UNTYPED_MAX).zip(devices.chain(memory)) {
            self.add(&Capability::Untyped(untyped))?;
            let description = UntypedDescription {
                physical_address: untyped.start.0,
                size_bits: untyped.size_bits,
                is_device: u8::from(untyped.device),
                padding: [0; 6],
            };
            writer.untyped(index, &description);
        }
        Ok(self.region_from(first))
    }

    fn slot(&self, index: u64) -> SlotRef {
        self.cnode.slot(index)
    }

    /// Puts an original capability into a slot of the root server's CNode.
    fn put(&self, index: u64, capability: &Capability) {
        let slot = self.kernel.slot(self.slot(index));
        slot.set_capability(capability);
        slot.set_original(true);
    }

    fn reserve(&mut self) -> Result<u64, BootError> {
        let index = self.next_slot;
        if index >= self.cnode.slots() {
            return Err(BootError::NotEnoughSlots);
        }
        self.next_slot += 1;
        Ok(index)
    }

    fn add(&mut self, capability: &Capability) -> Result<(), BootError> {
        let index = self.reserve()?;
        self.put(index, capability);
        Ok(())
    }

    /// The slots that were reserved since `first` was the next one.
    fn region_from(&self, first: u64) -> SlotRegion {
        SlotRegion {
            start: first,
            end: self.next_slot,
        }
    }

    fn take_zeroed(&mut self, bits: u32) -> Result<PhysicalAddress, BootError> {
        take_zeroed(self.kernel, &mut self.memory, bits)
    }
}

/// Makes an object of fresh memory.
fn make<M: Machine>(
    kernel: &Kernel<M>,
    memory: &mut FreeMemory,
    object: ObjectType,
    user_bits: u64,
) -> Result<Capability, BootError> {
    let bits = u32::try_from(object.size_bits(user_bits)).unwrap_or(u32::MAX);
    let start = take_zeroed(kernel, memory, bits & 63)?;
    Ok(kernel.new_object(object, user_bits, start, false))
}

fn take_zeroed<M: Machine>(
    kernel: &Kernel<M>,
    memory: &mut FreeMemory,
    bits: u32,
) -> Result<PhysicalAddress, BootError> {
    let start = memory.take(bits)?;
    kernel.machine().zero(start, 1 << bits);
    Ok(start)
}
