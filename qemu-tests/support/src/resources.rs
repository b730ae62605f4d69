//! What a test makes its objects from: fresh slots and one piece of untyped memory.

use core::sync::atomic::{AtomicU64, Ordering};

use kernel_calls::ipc_buffer::IpcBuffer;
use kernel_calls::{
    Ipc,
    invoke::{self, Retype, SlotPath},
};
use sel4_sys::boot_info::{BootInfo, UntypedDescription};
use sel4_sys::object::ObjectType;
use sel4_sys::{CapRights, Error, slot};

use crate::outcome::{Failure, expect};

/// Slots of the first CNode.
pub const ROOT_SLOTS: u64 = 1 << slot::ROOT_CNODE_BITS;

/// Bits of the untyped memory that a test may use: 16 MiB.
pub const ARENA_BITS: u8 = 24;

/// Address of the first thread's IPC buffer, 0 before the start.
static START_BUFFER: AtomicU64 = AtomicU64::new(0);

/// The first thread's way to talk to the kernel, once the program has started.
#[must_use]
pub fn start_ipc() -> Option<Ipc> {
    let address = START_BUFFER.load(Ordering::Relaxed);
    // SAFETY: set by `Tester::start` from bootinfo: the kernel mapped the buffer there for the
    // first thread, and no test unmaps it.
    (address != 0).then(|| unsafe { Ipc::new(address as *mut IpcBuffer) })
}

/// The hands of a test: makes objects and finds slots for them.
pub struct Tester {
    /// What the kernel said at the start.
    pub boot: &'static BootInfo,
    /// The first thread's IPC buffer.
    pub ipc: Ipc,
    /// Untyped memory that is empty at the start of each test.
    pub arena: u64,
    first_slot: u64,
    next_slot: u64,
    pub(crate) next_thread: usize,
    pub(crate) lowest: Option<crate::threads::Thread>,
}

/// The path of a slot of the first CNode.
#[must_use]
pub const fn path(slot: u64) -> SlotPath {
    SlotPath {
        root: slot::CNODE,
        index: slot,
        depth: 64,
    }
}

/// A retype of one object into a slot of the first CNode.
#[must_use]
pub const fn retype_into(object: ObjectType, size_bits: u64, slot: u64) -> Retype {
    Retype {
        object,
        size_bits,
        destination: SlotPath {
            root: slot::CNODE,
            index: 0,
            depth: 0,
        },
        offset: slot,
        count: 1,
    }
}

impl Tester {
    /// The first thread's tester. The arena is cut from the first piece of memory that is large enough.
    ///
    /// # Errors
    ///
    /// No bootinfo that can be believed, or too little memory.
    pub fn start(boot: &'static BootInfo) -> Result<Self, Failure> {
        START_BUFFER.store(boot.ipc_buffer, Ordering::Relaxed);
        let ipc = expect(start_ipc(), "IPC buffer address in bootinfo")?;
        crate::ports::prepare_exit(&ipc);
        let mut tester = Self {
            boot,
            ipc,
            arena: 0,
            first_slot: boot.empty.start,
            next_slot: boot.empty.start,
            next_thread: 0,
            lowest: None,
        };
        let source = expect(
            tester.find_untyped(|piece| piece.is_device == 0 && piece.size_bits > ARENA_BITS),
            "untyped memory for the arena",
        )?;
        tester.arena = tester.slot();
        let retype = retype_into(ObjectType::Untyped, u64::from(ARENA_BITS), tester.arena);
        invoke::untyped_retype(&tester.ipc, source, &retype)?;
        tester.first_slot = tester.next_slot;
        Ok(tester)
    }

    /// Undoes what a test did: everything made from the arena, every slot it used.
    ///
    /// # Errors
    ///
    /// The kernel refuses to revoke or delete.
    pub fn clean_up(&mut self) -> Result<(), Failure> {
        invoke::cnode_revoke(&self.ipc, path(self.arena))?;
        for used in self.first_slot..self.next_slot {
            invoke::cnode_delete(&self.ipc, path(used))?;
        }
        self.next_slot = self.first_slot;
        self.next_thread = 0;
        self.lowest = None;
        self.ipc.set_receive_slot(0, 0, 0);
        let own = (self.ipc, slot::TCB);
        invoke::tcb_set_priority(&own.0, own.1, own.1, ROOT_PRIORITY)?;
        Ok(())
    }

    /// The first untyped capability for which `wanted` holds.
    pub fn find_untyped(&self, wanted: impl Fn(&UntypedDescription) -> bool) -> Option<u64> {
        let region = self.boot.untyped;
        (region.start..region.end)
            .zip(&self.boot.untyped_list)
            .find(|(_, piece)| wanted(piece))
            .map(|(slot, _)| slot)
    }

    /// A slot that is empty.
    pub fn slot(&mut self) -> u64 {
        self.slots(1)
    }

    /// The first of `count` adjoining slots that are empty.
    pub fn slots(&mut self, count: u64) -> u64 {
        let first = self.next_slot;
        self.next_slot += count;
        assert!(self.next_slot < ROOT_SLOTS, "the slots are used up");
        first
    }

    /// Makes an object out of the arena.
    ///
    /// # Errors
    ///
    /// What the kernel says.
    pub fn make(&mut self, object: ObjectType, size_bits: u64) -> Result<u64, Error> {
        self.make_from(self.arena, object, size_bits)
    }

    /// Makes an object out of this untyped memory.
    ///
    /// # Errors
    ///
    /// What the kernel says.
    pub fn make_from(
        &mut self,
        untyped: u64,
        object: ObjectType,
        size_bits: u64,
    ) -> Result<u64, Error> {
        let slot = self.slot();
        invoke::untyped_retype(&self.ipc, untyped, &retype_into(object, size_bits, slot))?;
        Ok(slot)
    }

    /// Makes an endpoint.
    ///
    /// # Errors
    ///
    /// What the kernel says.
    pub fn endpoint(&mut self) -> Result<u64, Error> {
        self.make(ObjectType::Endpoint, 0)
    }

    /// Makes a notification.
    ///
    /// # Errors
    ///
    /// What the kernel says.
    pub fn notification(&mut self) -> Result<u64, Error> {
        self.make(ObjectType::Notification, 0)
    }

    /// Makes a reply object.
    ///
    /// # Errors
    ///
    /// What the kernel says.
    pub fn reply(&mut self) -> Result<u64, Error> {
        self.make(ObjectType::Reply, 0)
    }

    /// Makes untyped memory.
    ///
    /// # Errors
    ///
    /// What the kernel says.
    pub fn untyped(&mut self, bits: u64) -> Result<u64, Error> {
        self.make(ObjectType::Untyped, bits)
    }

    /// Makes a 4 KiB frame.
    ///
    /// # Errors
    ///
    /// What the kernel says.
    pub fn frame(&mut self) -> Result<u64, Error> {
        self.make(ObjectType::Page, 0)
    }

    /// Makes an address space that has an ASID.
    ///
    /// # Errors
    ///
    /// What the kernel says.
    pub fn address_space(&mut self) -> Result<u64, Error> {
        let space = self.make(ObjectType::Pml4, 0)?;
        invoke::asid_pool_assign(&self.ipc, slot::ASID_POOL, space)?;
        Ok(space)
    }

    /// A copy with fewer rights.
    ///
    /// # Errors
    ///
    /// What the kernel says.
    pub fn copy(&mut self, from: u64, rights: CapRights) -> Result<u64, Error> {
        let to = self.slot();
        invoke::cnode_copy(&self.ipc, path(to), path(from), rights)?;
        Ok(to)
    }

    /// A copy with a badge or guard.
    ///
    /// # Errors
    ///
    /// What the kernel says.
    pub fn mint(&mut self, from: u64, rights: CapRights, badge: u64) -> Result<u64, Error> {
        let to = self.slot();
        invoke::cnode_mint(&self.ipc, path(to), path(from), rights, badge)?;
        Ok(to)
    }

    /// Deletes a capability.
    ///
    /// # Errors
    ///
    /// What the kernel says.
    pub fn delete(&mut self, slot: u64) -> Result<(), Error> {
        invoke::cnode_delete(&self.ipc, path(slot))
    }

    /// Revokes what was derived from a capability.
    ///
    /// # Errors
    ///
    /// What the kernel says.
    pub fn revoke(&mut self, slot: u64) -> Result<(), Error> {
        invoke::cnode_revoke(&self.ipc, path(slot))
    }

    /// Whether a slot is empty: moving its capability away and back fails only then.
    ///
    /// # Errors
    ///
    /// What the kernel says, except that the slot is empty.
    pub fn is_empty(&mut self, slot: u64) -> Result<bool, Error> {
        let aside = self.slot();
        match invoke::cnode_move(&self.ipc, path(aside), path(slot)) {
            Ok(()) => {
                invoke::cnode_move(&self.ipc, path(slot), path(aside))?;
                Ok(false)
            }
            Err(Error::FailedLookup) => Ok(true),
            Err(other) => Err(other),
        }
    }

    /// Leaves the test out on kernels that do not know Sekisho's own object types.
    ///
    /// # Errors
    ///
    /// The test is to be skipped.
    pub fn only_on_sekisho(&mut self) -> Result<(), Failure> {
        match self.make(ObjectType::NestedTable, 0) {
            Ok(_) => Ok(()),
            Err(_) => Err(Failure::skipped("only Sekisho's kernel promises this")),
        }
    }

    /// The physical address of a frame.
    ///
    /// # Errors
    ///
    /// What the kernel says.
    pub fn physical(&self, frame: u64) -> Result<u64, Error> {
        invoke::page_get_address(&self.ipc, frame)
    }

    /// Sets the priority of the first thread, until the end of the test.
    ///
    /// # Errors
    ///
    /// What the kernel says.
    pub fn set_own_priority(&self, priority: u64) -> Result<(), Error> {
        invoke::tcb_set_priority(&self.ipc, slot::TCB, slot::TCB, priority)
    }
}

/// The first thread's priority at the start of each test.
pub const ROOT_PRIORITY: u64 = 255;

impl Tester {
    /// The 4 KiB frame of device memory at this physical address.
    ///
    /// # Errors
    ///
    /// What the kernel says, or that no untyped holds it.
    pub fn device_frame(&mut self, physical: u64) -> Result<u64, Failure> {
        let holds = |piece: &UntypedDescription| {
            piece.is_device == 1
                && piece.physical_address <= physical
                && physical - piece.physical_address < 1 << piece.size_bits
        };
        let mut untyped = expect(self.find_untyped(holds), "device memory there")?;
        // What an earlier test made of it is not needed any more.
        self.revoke(untyped)?;
        let index = usize::try_from(untyped - self.boot.untyped.start).unwrap_or(usize::MAX);
        let piece = expect(self.boot.untyped_list.get(index), "description")?;
        let mut start = piece.physical_address;
        for bits in (12..u64::from(piece.size_bits)).rev() {
            let halves = self.slots(2);
            let retype = Retype {
                count: 2,
                ..retype_into(ObjectType::Untyped, bits, halves)
            };
            invoke::untyped_retype(&self.ipc, untyped, &retype)?;
            let upper = physical - start >= 1 << bits;
            untyped = halves + u64::from(upper);
            start += if upper { 1 << bits } else { 0 };
        }
        Ok(self.make_from(untyped, ObjectType::Page, 0)?)
    }
}
