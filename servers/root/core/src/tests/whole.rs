//! Builds the small system and looks at what came of it.

use compiled_manifest::{Rights, System, Value};
use sel4_sys::object::ObjectType;
use shared_memory::RegionWriter;

use super::fake_kernel::{FakeKernel, Object};
use super::small_system::{IMAGE, system};
use crate::pci::Configuration;
use crate::{BuildError, Built, Hardware, Machine, Slot, Untyped, WorkingSlot, build, surrender};

const ARCHIVE: u64 = 0x4000_0000;
const WINDOW: u64 = 0x10_0000_0000;
const SERIAL: WorkingSlot = WorkingSlot(99);

struct Dice(u64);

impl Hardware for Dice {
    fn random(&mut self) -> Option<u64> {
        self.0 += 1;
        Some(self.0)
    }
    fn seed(&mut self) -> Option<u64> {
        None
    }
    fn ticks(&mut self) -> u64 {
        0
    }
}

fn untyped(slot: u64, physical: u64, size_bits: u8) -> Untyped {
    Untyped {
        slot: WorkingSlot(slot),
        physical,
        size_bits,
        used: 0,
    }
}

/// The archive as the packer lays it out: a table, the manifest, the program.
fn archive(system: &System) -> Vec<u8> {
    let manifest = system.encode();
    let image_at = 4096 + manifest.len().next_multiple_of(4096);
    let mut bytes = b"SKSHARC1\x02\0\0\0\0\0\0\0".to_vec();
    let files = [
        ("system", 4096, manifest.len()),
        ("one.image", image_at, 8192),
    ];
    for (name, offset, length) in files {
        let mut field = [0; 48];
        field[..name.len()].copy_from_slice(name.as_bytes());
        bytes.extend_from_slice(&field);
        bytes.extend_from_slice(&(offset as u64).to_le_bytes());
        bytes.extend_from_slice(&(length as u64).to_le_bytes());
    }
    bytes.resize(4096, 0);
    bytes.extend_from_slice(&manifest);
    bytes.resize(image_at, 0);
    bytes.extend_from_slice(&[0x11; 4096]);
    bytes.extend_from_slice(&[0x22; 4096]);
    assert_eq!(bytes.len() as u64, image_at as u64 + IMAGE);
    bytes
}

fn run(system: &System) -> (FakeKernel, Result<Built, BuildError>, String) {
    run_with(system, &mut Dice(0), vec![untyped(20, 0x100_0000, 24)])
}

fn run_with(
    system: &System,
    hardware: &mut impl Hardware,
    ram: Vec<Untyped>,
) -> (FakeKernel, Result<Built, BuildError>, String) {
    let bytes = archive(system);
    let device_memory = vec![untyped(30, ARCHIVE, 21), untyped(31, 0xc000_0000, 30)];
    let window = RegionWriter::simulated(2 << 20, None);
    let mut kernel = FakeKernel::new(&ram, &device_memory, window, WINDOW);
    kernel.give(Slot::Working(SERIAL), Object::Ports(0x3f8, 0x3ff));
    for (page, contents) in (ARCHIVE..).step_by(4096).zip(bytes.chunks(4096)) {
        let mut contents = contents.to_vec();
        contents.resize(4096, 0);
        kernel.pages.insert(page, contents);
    }
    let mut report = String::new();
    let machine = Machine {
        ram,
        device_memory,
        free_slots: 100..8000,
        archive: Some((ARCHIVE, bytes.len() as u64)),
        window,
        window_address: WINDOW,
        tsc_khz: 1000,
        boot_bytes: b"boot",
        report_ports: (SERIAL, 0x3f8, 0x3ff),
        hardware,
        report: &mut report,
    };
    let built = build(&mut kernel, machine);
    (kernel, built, report)
}

/// The component's mapping at `address`: physical address and rights.
fn mapped(kernel: &FakeKernel, address: u64) -> Option<(u64, Rights)> {
    let found = kernel.mapped.iter().find(|((space, at), _)| {
        *at == address && matches!(space, Object::Memory(ObjectType::Pml4, _))
    });
    match found?.1 {
        (Object::Memory(_, physical), rights) => Some((*physical, *rights)),
        _ => None,
    }
}

#[test]
fn the_small_system_is_consistent() {
    assert_eq!(system().check(), Ok(()));
}

#[test]
fn every_mapping_is_made() {
    let (kernel, built, report) = run(&system());
    let built = built.expect("it can be built");
    assert!(report.starts_with("root: system small, manifest sha256 "));
    let own = |space: &Object| *space == Object::Initial(sel4_sys::slot::VSPACE);
    assert!(
        !kernel.mapped.keys().any(|(space, _)| own(space)),
        "the window is empty"
    );
    let frames = |count: u32| usize::try_from(count).expect("few");
    let system = &built.system;
    let count = |id| {
        system
            .kind(id)
            .map_or(0, |kind| frames(kind.capability_count()))
    };
    let in_component: usize = system.mappings.iter().map(|m| count(m.frames)).sum();
    let in_guest: usize = system.guest_mappings.iter().map(|m| count(m.frames)).sum();
    assert_eq!(kernel.mapped.len(), in_component + in_guest);
    // Guest and monitor share the same frames.
    let of_guest = kernel
        .mapped
        .iter()
        .filter(|((space, _), _)| matches!(space, Object::Memory(ObjectType::NestedRoot, _)));
    for ((_, address), (object, _)) in of_guest {
        let same = mapped(&kernel, 0x1_0040_0000 + address).map(|(physical, _)| physical);
        assert!(matches!(object, Object::Memory(_, physical) if Some(*physical) == same));
    }
}

#[test]
fn text_is_the_archives_and_data_is_a_copy() {
    let (kernel, built, _) = run(&system());
    built.expect("it can be built");
    let (text, rights) = mapped(&kernel, 0x40_0000).expect("text is mapped");
    assert!((ARCHIVE..ARCHIVE + (2 << 20)).contains(&text));
    assert_eq!((kernel.pages[&text][0], rights), (0x11, Rights::READ));
    let (data, rights) = mapped(&kernel, 0x40_1000).expect("data is mapped");
    assert!(data < ARCHIVE);
    assert_eq!(rights, Rights::READ_WRITE);
    assert!(kernel.pages[&data][..100].iter().all(|&byte| byte == 0x22));
    assert!(
        kernel.pages[&data][100..].iter().all(|&byte| byte == 0),
        "only what is asked for"
    );
}

#[test]
fn the_environment_tells_the_truth() {
    let (kernel, built, _) = run(&system());
    built.expect("it can be built");
    let (page, rights) = mapped(&kernel, 0x1000_1000).expect("it is mapped");
    assert_eq!(rights, Rights::READ);
    let environment = environment::Environment::decode(&kernel.pages[&page]);
    let environment = environment.expect("well-formed");
    assert_eq!(environment.capability("guest.vcpu"), Ok(4));
    assert_eq!(environment.integer("level"), Ok(3));
    let rings = environment.region("rings").expect("it is listed");
    let (physical, _) = mapped(&kernel, 0x1_0000_0000).expect("they are mapped");
    assert_eq!(rings.physical, Some(physical));
    for page in 0..3 {
        let at = mapped(&kernel, 0x1_0000_0000 + page * 4096).map(|(physical, _)| physical);
        assert_eq!(at, Some(physical + page * 4096), "contiguous");
    }
}

#[test]
fn the_component_holds_what_is_listed_and_nothing_else() {
    let (kernel, built, _) = run(&system());
    let component = &built.expect("it can be built").system.components[0];
    let held: Vec<_> = kernel
        .slots
        .iter()
        .filter_map(|(slot, capability)| match slot {
            Slot::Component { slot, .. } => Some((*slot, capability.rights, capability.badge)),
            _ => None,
        })
        .collect();
    let listed: Vec<_> = component
        .capabilities
        .iter()
        .map(|c| (c.slot, c.rights, c.badge))
        .collect();
    assert_eq!(held, listed);
    assert_eq!(kernel.started.len(), 1);
    assert_eq!(kernel.registers, [(0x40_0010, 0x1000_0000, 0x1000_1000)]);
    let (_, handler) = &kernel.threads[0];
    assert_eq!(
        handler.map(|handler| (handler.badge, handler.rights)),
        Some((1, Rights::CALL))
    );
    assert_eq!(kernel.interrupts, [(Object::Message(24), 1 << 63 | 2)]);
}

#[test]
fn the_disk_is_set_up() {
    let (kernel, built, _) = run(&system());
    built.expect("it can be built");
    assert_eq!(kernel.pci.register(0x20), 0xe000_0004);
    assert_eq!(kernel.pci.register(0x24), 0);
    assert_eq!(kernel.pci.register(0x14), 0xe000_4000);
    // Memory, bus master, no INTx.
    assert_eq!(kernel.pci.register(0x04) & 0xffff, 0b110 | 1 << 10);
    assert_eq!(
        kernel.pci.message_control() >> 30,
        0b10,
        "enabled, not masked"
    );
    let table = &kernel.pages[&0xe000_4000];
    assert_eq!(
        table[16..32],
        [0, 0, 0xe0, 0xfe, 0, 0, 0, 0, 0x48, 0, 0, 0, 0, 0, 0, 0]
    );
    let ports = kernel.slots.values().filter_map(|c| match c.object {
        Object::Ports(first, _) => Some(first),
        _ => None,
    });
    assert!(
        ports.into_iter().all(|first| first != 0xcf8),
        "configuration is given up"
    );
}

#[test]
fn nothing_is_left_after_the_surrender() {
    let (mut kernel, built, _) = run(&system());
    let end = built.expect("it can be built").end;
    let before = kernel.mapped.clone();
    surrender(&mut kernel, end, |slot| slot == WorkingSlot(12)).expect("the kernel deletes");
    assert!(kernel.has_left);
    let left: Vec<_> = kernel
        .slots
        .keys()
        .filter_map(|slot| match slot {
            Slot::Working(WorkingSlot(number)) => Some(*number),
            _ => None,
        })
        .collect();
    // Thread, CNode, address space, IPC buffer, what was asked to be kept, CPU time.
    assert_eq!(left, [1, 2, 3, 10, 12, 14]);
    assert_eq!(kernel.mapped, before, "the vault keeps what is mapped");
    let vault = |slot| kernel.slots.contains_key(&Slot::Vault(slot));
    assert!(vault(System::VAULT_SELF) && vault(System::VAULT_ASID_POOL));
}

#[test]
fn another_device_is_refused() {
    let mut system = system();
    system.pci.functions[0].device = 0x1041;
    let (kernel, built, _) = run(&system);
    let message = built.expect_err("it is another one").to_string();
    assert_eq!(
        message,
        "PCI function 00:04.0 is 1af4:1042, the manifest says 1af4:1041"
    );
    assert!(kernel.started.is_empty());
}

#[test]
fn a_capability_without_room_is_refused() {
    let window = RegionWriter::simulated(4096, None);
    let mut kernel = FakeKernel::new(&[], &[], window, WINDOW);
    let ports = Slot::Working(SERIAL);
    kernel.give(ports, Object::Ports(0xcf8, 0xcff));
    kernel.pci.cut_capability_off();
    let address = system().pci.functions[0].address;
    let configuration = &mut Configuration {
        kernel: &mut kernel,
        ports,
    };
    let message = configuration.message_table(address).map(drop);
    assert_eq!(
        message.expect_err("half of it is outside").to_string(),
        "PCI function 00:04.0 has a capability that its configuration space does not hold"
    );
}

#[test]
fn a_file_of_another_length_is_refused() {
    let mut system = system();
    system.files[0].length += 4096;
    let (kernel, built, _) = run(&system);
    assert_eq!(built.err(), Some(BuildError::File("one.image".into())));
    assert!(kernel.started.is_empty());
}

#[test]
fn too_little_memory_is_named() {
    let ram = vec![untyped(20, 0x100_0000, 20)];
    let (kernel, built, _) = run_with(&system(), &mut Dice(0), ram);
    assert_eq!(built.err(), Some(BuildError::NoMemory("ram".into())));
    assert!(kernel.started.is_empty());
}

#[test]
fn scattered_memory_is_enough_unless_it_must_be_contiguous() {
    // Two pieces of 2 MiB for the guest, small ones for the rest.
    let ram = vec![
        untyped(20, 0x20_0000, 21),
        untyped(21, 0x60_0000, 21),
        untyped(22, 0xa0_0000, 18),
    ];
    let (_, built, _) = run_with(&system(), &mut Dice(0), ram);
    assert!(built.is_ok());
}

#[test]
fn a_boot_without_entropy_ends_before_anything_runs() {
    struct Nothing;
    impl Hardware for Nothing {
        fn random(&mut self) -> Option<u64> {
            None
        }
        fn seed(&mut self) -> Option<u64> {
            None
        }
        fn ticks(&mut self) -> u64 {
            0
        }
    }
    let ram = vec![untyped(20, 0x100_0000, 24)];
    let (kernel, built, _) = run_with(&system(), &mut Nothing, ram);
    assert!(matches!(built, Err(BuildError::Entropy(_))));
    assert!(kernel.started.is_empty());
}

#[test]
fn a_clock_that_says_nonsense_is_no_date() {
    let mut system = system();
    system.components[0].parameters[0].value = Value::BootTime;
    let (kernel, built, _) = run(&system);
    built.expect("a missing date hinders nobody");
    let (page, _) = mapped(&kernel, 0x1000_1000).expect("it is mapped");
    let environment = environment::Environment::decode(&kernel.pages[&page]);
    let environment = environment.expect("well-formed");
    assert_eq!(environment.integer("level"), Ok(0));
}
