//! What the attacker holds: two virtual CPUs, two nested spaces, tables and frames for them, each made of
//! memory of its own so that it can be made again.

use kernel_calls::{Ipc, invoke};
use sel4_sys::object::ObjectType::{self, NestedRoot, NestedTable, VCpu};
use sel4_sys::{CapRights, slot};
use test_support::guest::Guest;
use test_support::memory::{self, fresh_address};
use test_support::resources::{path, retype_into};
use test_support::threads::{note, noted, set_note};
use test_support::{Failure, Outcome, Tester, equal};

/// Where the notes with capabilities begin.
const CAPABILITIES: usize = 8;
pub(crate) const VCPUS: u64 = 2;
pub(crate) const ROOTS: u64 = 2;
pub(crate) const TABLES: u64 = 6;
pub(crate) const FRAMES: u64 = 8;

/// One of the attacker's kinds of capability: where its notes begin.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    VCpu = 0,
    Root = 2,
    Table = 4,
    Frame = 10,
    /// The untyped memory of the virtual CPUs, roots and tables, in this order.
    Memory = 18,
}

/// A capability of the attacker.
pub(crate) fn held(kind: Kind, index: u64) -> u64 {
    noted(place(kind, index))
}

fn place(kind: Kind, index: u64) -> usize {
    CAPABILITIES + kind as usize + usize::try_from(index).unwrap_or(0)
}

/// What guests may read and never write.
pub(crate) const READ_ONLY: u64 = fresh_address(9);
pub(crate) const READ_ONLY_PATTERN: u64 = 0x0dd_ba11;
const WORDS: u64 = 512;

/// Builds all of it around a guest in 64-bit mode.
pub(crate) fn build(t: &mut Tester) -> Result<Guest, Failure> {
    let guest = Guest::long_mode(t, &[0xf4; 64])?;
    let mut memory = 0;
    for (kind, object, bits, count) in [
        (Kind::VCpu, VCpu, 13, VCPUS),
        (Kind::Root, NestedRoot, 12, ROOTS),
        (Kind::Table, NestedTable, 12, TABLES),
    ] {
        for index in 0..count {
            let untyped = t.untyped(bits)?;
            set_note(place(Kind::Memory, memory), untyped);
            memory += 1;
            let made = make(t, object, untyped)?;
            set_note(place(kind, index), made);
        }
    }
    // The first of each is the guest that can run: its memory stays mapped.
    set_note(place(Kind::VCpu, 0), guest.vcpu);
    set_note(place(Kind::Root, 0), guest.root);
    let read_only = t.frame()?;
    t.map(read_only, READ_ONLY, CapRights::READ_WRITE)?;
    for word in 0..WORDS {
        memory::store(READ_ONLY + 8 * word, READ_ONLY_PATTERN + word);
    }
    for index in 0..FRAMES {
        let (frame, rights) = match index {
            0..4 => (read_only, CapRights::READ),
            _ => (t.frame()?, CapRights::READ_WRITE),
        };
        let copy = t.copy(frame, rights)?;
        set_note(place(Kind::Frame, index), copy);
    }
    Ok(guest)
}

fn make(t: &mut Tester, object: ObjectType, untyped: u64) -> Result<u64, Failure> {
    let made = t.make_from(untyped, object, 0)?;
    if object == NestedRoot {
        invoke::asid_pool_assign(&t.ipc, slot::ASID_POOL, made)?;
    }
    Ok(made)
}

/// What no guest may have changed has not changed.
pub(crate) fn is_intact() -> Outcome {
    for word in 0..WORDS {
        let found = memory::load(READ_ONLY + 8 * word);
        equal(
            "a word that guests may only read",
            found,
            READ_ONLY_PATTERN + word,
        )?;
    }
    Ok(())
}

/// Counts what the attacker did.
pub(crate) fn count(index: usize) {
    note(index).fetch_add(1, core::sync::atomic::Ordering::Relaxed);
}

/// Destroys one of the virtual CPUs, spaces or tables but the guest's own, whatever uses it, and makes it again.
pub(crate) fn make_again(ipc: Ipc, number: u64) {
    let (kind, index, object) = match number {
        0 => (Kind::VCpu, 1, VCpu),
        1 => (Kind::Root, 1, NestedRoot),
        _ => (Kind::Table, number - 2, NestedTable),
    };
    let memory = match kind {
        Kind::VCpu => index,
        Kind::Root => VCPUS + index,
        _ => VCPUS + ROOTS + index,
    };
    let (slot, untyped) = (held(kind, index), held(Kind::Memory, memory));
    let _ = invoke::cnode_delete(&ipc, path(slot));
    let _ = invoke::cnode_revoke(&ipc, path(untyped));
    let _ = invoke::untyped_retype(&ipc, untyped, &retype_into(object, 0, slot));
    if object == NestedRoot {
        let _ = invoke::asid_pool_assign(&ipc, slot::ASID_POOL, slot);
    }
}
