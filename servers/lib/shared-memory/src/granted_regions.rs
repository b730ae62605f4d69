//! Regions are opened as the environment grants them, and in no other way.

use environment::{Capability, Description, Environment, Parameter, Region, Sharing, Value};

use crate::{Channel, Memory, OpenError};

const SIZE: usize = 4096;

/// A region in memory of the test that nothing else refers to.
fn region(name: &'static str, sharing: Sharing, writable: bool) -> Region<'static> {
    let memory = vec![0u64; SIZE / 8].leak();
    Region {
        name,
        address: memory.as_mut_ptr().expose_provenance() as u64,
        size: SIZE as u64,
        writable,
        sharing,
        physical: (sharing == Sharing::Shared && writable).then_some(0x8000),
    }
}

fn memory() -> Memory {
    let regions = [
        region("work", Sharing::Private, true),
        region("file", Sharing::Private, false),
        region("disk.out", Sharing::Shared, true),
        region("disk.in", Sharing::Shared, false),
        region("hpet.registers", Sharing::Registers, true),
        region("heard.in", Sharing::Shared, false),
        region("crooked.out", Sharing::Shared, false),
    ];
    let signal = |name| Capability { name, slot: 5 };
    let badge = |name| Parameter {
        name,
        value: Value::Integer(4),
    };
    let description = Description {
        component: "test",
        seed: [0; 32],
        tsc_khz: 1,
        capabilities: &[
            signal("disk.signal"),
            signal("heard.signal"),
            signal("crooked.signal"),
            signal("nowhere.signal"),
        ],
        regions: &regions,
        parameters: &[badge("disk.badge"), badge("heard.badge")],
    };
    let page = vec![0; SIZE].leak();
    description.encode(page).expect("a few entries fit");
    let environment = Environment::decode(page).expect("it was encoded");
    // SAFETY: the regions are leaked memory to which no other reference exists.
    unsafe { Memory::new(Box::leak(Box::new(environment)), 0) }
}

fn why(error: OpenError) -> String {
    error.to_string()
}

#[test]
fn a_private_region_is_given_out_as_a_slice_once() {
    let memory = memory();
    let work = memory.exclusive("work").expect("private");
    work.fill(7);
    let again = memory.exclusive("work").map(drop).map_err(why);
    assert_eq!(again, Err("region `work` is in use already".into()));
    assert!(memory.reader("work").is_err());
    assert!(work.iter().all(|byte| *byte == 7));
}

#[test]
fn a_slice_and_copies_exclude_each_other() {
    let memory = memory();
    let copies = memory.writer("work").expect("writable");
    assert!(memory.reader("work").is_ok());
    copies.write_u8_at(0, 1).expect("inside");
    assert!(memory.exclusive("work").is_err());
}

#[test]
fn what_others_reach_is_never_a_slice() {
    let memory = memory();
    for (name, reason) in [
        ("disk.out", "can be reached by others"),
        ("disk.in", "can be reached by others"),
        ("hpet.registers", "can be reached by others"),
        ("file", "is not writable"),
    ] {
        let refused = memory.exclusive(name).map(drop).map_err(why);
        assert_eq!(refused, Err(format!("region `{name}` {reason}")));
    }
}

#[test]
fn rights_are_kept() {
    let memory = memory();
    assert!(memory.reader("file").is_ok());
    assert!(memory.writer("file").is_err());
    assert!(memory.writer("disk.in").is_err());
    assert!(memory.reader("hpet.registers").is_err());
    assert!(memory.registers("disk.out").is_err());
    assert_eq!(
        memory
            .registers("hpet.registers")
            .map(|window| window.length),
        Ok(SIZE)
    );
    let missing = memory.reader("nothing").map(drop).map_err(why);
    assert_eq!(
        missing,
        Err("the manifest grants no region `nothing`".into())
    );
}

#[test]
fn channels_may_have_one_direction_but_no_wrong_one() {
    let memory = memory();
    let both = Channel::open(&memory, "disk").expect("granted");
    assert_eq!((both.badge(), both.input().len()), (4, SIZE));
    assert_eq!(both.output().physical_address(8), Some(0x8008));
    let heard = Channel::open(&memory, "heard").expect("granted");
    assert!(heard.output().is_empty());
    assert!(heard.byte_reader().is_err());
    assert!(Channel::open(&memory, "crooked").is_err());
    let nowhere = Channel::open(&memory, "nowhere").map(drop).map_err(why);
    assert_eq!(
        nowhere,
        Err("the manifest grants no region `nowhere.out`".into())
    );
}

#[test]
fn a_data_area_is_given_out_as_a_slice_once() {
    let memory = memory();
    // One message of eight bytes behind the header: the data area is the region's rest, which is nothing.
    let refused = Channel::open_with_data_area::<u64>(&memory, "disk", SIZE)
        .map(drop)
        .map_err(why);
    assert_eq!(
        refused,
        Err("region `disk.out` is too small for its queue".into())
    );
    assert!(Channel::open_with_data_area::<u64>(&memory, "crooked", 1).is_err());
    let (channel, data) = Channel::open_with_data_area::<u64>(&memory, "disk", 1).expect("it fits");
    assert_eq!(channel.output().len() + data.len(), SIZE);
    assert!(channel.output_data::<u64>(1).is_empty());
    assert!(
        channel
            .output()
            .write_u8_at(channel.output().len(), 1)
            .is_err()
    );
    assert!(Channel::open(&memory, "disk").is_err());
}
