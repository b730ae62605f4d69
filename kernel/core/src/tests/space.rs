//! Address spaces.

use sel4_sys::object::{ObjectType, USER_TOP};
use sel4_sys::{CapRights, Error, invocation as label, slot};

use super::host::Event;
use super::invariants;
use super::world::{Answer, World};
use crate::capability::{Capability, Level, Table};

const ADDRESS: u64 = 0x7000_1020_3000;

/// A new space with an ASID.
fn new_space(world: &World) -> (u64, Table) {
    let root = world.make(ObjectType::Pml4, 0);
    world.expect(slot::ASID_POOL, label::X86_ASID_POOL_ASSIGN, &[], &[root]);
    match world.capability(root) {
        Capability::Table(table) => (root, table),
        other => panic!("{other:?}"),
    }
}

fn add_tables(world: &World, root: u64, address: u64, count: usize) -> [u64; 3] {
    let kinds = [
        (ObjectType::Pdpt, label::X86_PDPT_MAP),
        (ObjectType::PageDirectory, label::X86_PAGE_DIRECTORY_MAP),
        (ObjectType::PageTable, label::X86_PAGE_TABLE_MAP),
    ];
    let tables = kinds.map(|(object, _)| world.make(object, 0));
    for ((_, map), table) in kinds.into_iter().zip(tables).take(count) {
        world.expect(table, map, &[address, 0], &[root]);
    }
    tables
}

fn map(world: &World, frame: u64, root: u64, address: u64) -> Answer {
    let words = [address, CapRights::READ_WRITE.0, 0];
    world.invoke(frame, label::X86_PAGE_MAP, &words, &[root])
}

fn entry(world: &World, root: Table, address: u64, level: Level) -> u64 {
    let entry = world.kernel.entry(root.object, address, level);
    entry.expect("tables are there").get().word()
}

#[test]
fn missing_tables_are_named_by_the_bits_left() {
    let world = World::new();
    let (root, _) = new_space(&world);
    let frame = world.make(ObjectType::Page, 0);
    for (level, bits) in [(0, 39), (1, 30), (2, 21)] {
        let tables = add_tables(&world, root, ADDRESS, 0);
        assert_eq!(
            map(&world, frame, root, ADDRESS),
            Answer::error(Error::FailedLookup, &[0, 2, bits])
        );
        let maps = [
            label::X86_PDPT_MAP,
            label::X86_PAGE_DIRECTORY_MAP,
            label::X86_PAGE_TABLE_MAP,
        ];
        world.expect(tables[level], maps[level], &[ADDRESS, 0], &[root]);
    }
    assert_eq!(map(&world, frame, root, ADDRESS), Answer::ok());
    invariants::check(&world);
}

#[test]
fn entries_say_what_the_rights_and_attributes_say() {
    let world = World::new();
    let (root, table) = new_space(&world);
    add_tables(&world, root, ADDRESS, 3);
    let frame = world.make(ObjectType::Page, 0);
    let Capability::Frame(memory) = world.capability(frame) else {
        panic!("no frame");
    };
    for (rights, attributes, bits) in [
        (CapRights::READ_WRITE, 0, 0b111),
        (CapRights::READ, 0, 0b101),
        (CapRights::WRITE, 0, 0b001),
        (CapRights::READ_WRITE, 3, 0b1_1111),
        (CapRights::READ_WRITE, 4, 0b1000_0111),
    ] {
        let words = [ADDRESS, rights.0, attributes];
        world.expect(frame, label::X86_PAGE_MAP, &words, &[root]);
        assert_eq!(
            entry(&world, table, ADDRESS, Level::Table),
            memory.start.0 | bits
        );
    }
    world.kernel.machine().take_events();
    world.expect(frame, label::X86_PAGE_UNMAP, &[], &[]);
    assert_eq!(entry(&world, table, ADDRESS, Level::Table), 0);
    let events = world.kernel.machine().take_events();
    assert!(events.contains(&Event::InvalidatePage(table.object, ADDRESS)));
}

#[test]
fn map_checks_its_arguments() {
    let world = World::new();
    let (root, _) = new_space(&world);
    let (other, _) = new_space(&world);
    add_tables(&world, root, ADDRESS, 3);
    let frame = world.make(ObjectType::Page, 0);
    let answer = |address| map(&world, frame, root, address);
    assert_eq!(
        answer(ADDRESS + 8),
        Answer::error(Error::AlignmentError, &[])
    );
    assert_eq!(
        answer(USER_TOP),
        Answer::error(Error::InvalidArgument, &[0])
    );
    assert_eq!(
        answer(0xffff_8000_0000_0000),
        Answer::error(Error::InvalidArgument, &[0])
    );
    assert_eq!(
        answer(u64::MAX - 4095),
        Answer::error(Error::InvalidArgument, &[0])
    );
    assert_eq!(
        map(&world, frame, slot::CNODE, ADDRESS),
        Answer::error(Error::InvalidCapability, &[1])
    );
    assert_eq!(answer(ADDRESS), Answer::ok());
    assert_eq!(
        answer(ADDRESS + 0x1000),
        Answer::error(Error::InvalidArgument, &[0])
    );
    assert_eq!(
        map(&world, frame, other, ADDRESS),
        Answer::error(Error::InvalidCapability, &[1])
    );
}

#[test]
fn a_frame_mapped_over_another_replaces_it() {
    let world = World::new();
    let (root, table) = new_space(&world);
    add_tables(&world, root, ADDRESS, 3);
    let first = world.make(ObjectType::Page, 0);
    let second = world.make(ObjectType::Page, 0);
    assert_eq!(map(&world, first, root, ADDRESS), Answer::ok());
    world.kernel.machine().take_events();
    assert_eq!(map(&world, second, root, ADDRESS), Answer::ok());
    let events = world.kernel.machine().take_events();
    assert!(events.contains(&Event::InvalidatePage(table.object, ADDRESS)));
    let replaced = entry(&world, table, ADDRESS, Level::Table);
    world.expect(first, label::X86_PAGE_UNMAP, &[], &[]);
    assert_eq!(entry(&world, table, ADDRESS, Level::Table), replaced);
}

#[test]
fn large_pages_and_tables_exclude_each_other() {
    let world = World::new();
    let (root, table) = new_space(&world);
    let large_address = ADDRESS & !0x1f_ffff;
    add_tables(&world, root, ADDRESS, 2);
    let large = world.make(ObjectType::LargePage, 0);
    assert_eq!(
        map(&world, large, root, ADDRESS),
        Answer::error(Error::AlignmentError, &[])
    );
    assert_eq!(map(&world, large, root, large_address), Answer::ok());
    assert_ne!(entry(&world, table, ADDRESS, Level::Directory) & 1 << 7, 0);
    let page_table = world.make(ObjectType::PageTable, 0);
    let add = |table| world.invoke(table, label::X86_PAGE_TABLE_MAP, &[ADDRESS, 0], &[root]);
    assert_eq!(add(page_table), Answer::error(Error::DeleteFirst, &[]));
    world.delete(large);
    assert_eq!(add(page_table), Answer::ok());
    assert_eq!(
        add(page_table),
        Answer::error(Error::InvalidCapability, &[0])
    );
    let large = world.make(ObjectType::LargePage, 0);
    assert_eq!(
        map(&world, large, root, large_address),
        Answer::error(Error::DeleteFirst, &[])
    );
}

#[test]
fn deleting_a_frame_unmaps_it_but_not_its_copy() {
    let world = World::new();
    let (root, table) = new_space(&world);
    add_tables(&world, root, ADDRESS, 3);
    let frame = world.make(ObjectType::Page, 0);
    let copy = world.copy(frame);
    assert_eq!(map(&world, frame, root, ADDRESS), Answer::ok());
    assert_eq!(map(&world, copy, root, ADDRESS + 0x1000), Answer::ok());
    world.delete(copy);
    assert_eq!(entry(&world, table, ADDRESS + 0x1000, Level::Table), 0);
    assert_ne!(entry(&world, table, ADDRESS, Level::Table), 0);
}

#[test]
fn an_unmapped_table_comes_back_empty() {
    let world = World::new();
    let (root, table) = new_space(&world);
    let tables = add_tables(&world, root, ADDRESS, 3);
    let frame = world.make(ObjectType::Page, 0);
    assert_eq!(map(&world, frame, root, ADDRESS), Answer::ok());
    let copy = world.copy(tables[2]);
    let unmap = || world.invoke(tables[2], label::X86_PAGE_TABLE_UNMAP, &[], &[]);
    assert_eq!(unmap(), Answer::error(Error::RevokeFirst, &[]));
    world.delete(copy);
    assert_eq!(unmap(), Answer::ok());
    assert_eq!(entry(&world, table, ADDRESS, Level::Directory), 0);
    world.expect(tables[2], label::X86_PAGE_TABLE_MAP, &[ADDRESS, 0], &[root]);
    assert_eq!(entry(&world, table, ADDRESS, Level::Table), 0);
}

#[test]
fn deleting_a_root_takes_its_identifier() {
    let world = World::new();
    let (root, table) = new_space(&world);
    let asid = table.mapping.expect("assigned").asid;
    assert_eq!(world.kernel.space_of(asid), Some(table.object));
    add_tables(&world, root, ADDRESS, 3);
    let frame = world.make(ObjectType::Page, 0);
    assert_eq!(map(&world, frame, root, ADDRESS), Answer::ok());
    let thread = world.new_passive(10);
    world.expect(
        thread.slot,
        label::TCB_SET_SPACE,
        &[0, 0],
        &[12, slot::CNODE, root],
    );
    // The thread holds a copy: the root lives.
    world.delete(root);
    assert_eq!(world.kernel.space_of(asid), Some(table.object));
    world.delete(thread.slot);
    assert_eq!(world.kernel.space_of(asid), None);
    world.expect(frame, label::X86_PAGE_UNMAP, &[], &[]);
    invariants::check(&world);
}

#[test]
fn pools_are_made_of_pages_of_untyped_memory() {
    let world = World::new();
    let untyped = world.make(ObjectType::Untyped, 12);
    let to = world.fresh_slot();
    let make = |untyped, to| {
        let caps = [untyped, slot::CNODE];
        world.invoke(
            slot::ASID_CONTROL,
            label::X86_ASID_CONTROL_MAKE_POOL,
            &[to, 64],
            &caps,
        )
    };
    let bigger = world.make(ObjectType::Untyped, 13);
    assert_eq!(
        make(bigger, to),
        Answer::error(Error::InvalidCapability, &[1])
    );
    assert_eq!(
        make(untyped, slot::TCB),
        Answer::error(Error::DeleteFirst, &[])
    );
    assert_eq!(make(untyped, to), Answer::ok());
    assert!(matches!(world.capability(to), Capability::AsidPool(pool) if pool.base == 512));
    let second = world.fresh_slot();
    assert_eq!(
        make(untyped, second),
        Answer::error(Error::RevokeFirst, &[])
    );
    let root = world.make(ObjectType::Pml4, 0);
    world.expect(to, label::X86_ASID_POOL_ASSIGN, &[], &[root]);
    assert!(matches!(world.capability(root), Capability::Table(table)
        if table.mapping.is_some_and(|mapping| mapping.asid == 512)));
    let again = world.invoke(to, label::X86_ASID_POOL_ASSIGN, &[], &[root]);
    assert_eq!(again, Answer::error(Error::InvalidCapability, &[1]));
    world.revoke(untyped);
    assert_eq!(world.kernel.space_of(512), None);
    invariants::check(&world);
}

#[test]
fn addresses_are_told() {
    let world = World::new();
    let frame = world.make(ObjectType::Page, 0);
    let Capability::Frame(memory) = world.capability(frame) else {
        panic!("no frame");
    };
    let answer = world.invoke(frame, label::X86_PAGE_GET_ADDRESS, &[], &[]);
    assert_eq!(answer, Answer::of(0, &[memory.start.0]));
}
