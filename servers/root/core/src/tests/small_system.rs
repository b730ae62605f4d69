//! A system of one component that has one of everything, written by hand.

use compiled_manifest::*;

/// Bytes of the program's file: a page of text, a page of data.
pub(super) const IMAGE: u64 = 8192;

struct Maker {
    system: System,
    next_slot: u32,
}

impl Maker {
    fn object(&mut self, name: &str, kind: Kind) -> ObjectId {
        let slot = self.next_slot;
        self.next_slot += kind.capability_count();
        self.system.objects.push(Object {
            name: name.into(),
            kind,
            slot,
            why: "A test.".into(),
        });
        ObjectId(u32::try_from(self.system.objects.len() - 1).expect("few"))
    }

    fn frames(&mut self, name: &str, size: FrameSize, count: u32, content: Content) -> ObjectId {
        let frames = Frames {
            size,
            count,
            content,
        };
        self.object(name, Kind::Frames(frames))
    }

    fn map(&mut self, space: ObjectId, frames: ObjectId, address: u64, rights: Rights) {
        let slot = self.system.object(frames).expect("it was made").slot;
        self.system.mappings.push(Mapping {
            space,
            frames,
            slot,
            address,
            rights,
            caching: Caching::WriteBack,
        });
    }

    fn table(&mut self, space: ObjectId, kind: Kind, address: u64) {
        let object = self.object(&format!("table-{kind:?}-{address:x}"), kind);
        self.system.tables.push(Table {
            object,
            space,
            address,
        });
    }
}

pub(super) fn system() -> System {
    let mut maker = Maker {
        system: empty(),
        next_slot: System::VAULT_FIRST,
    };
    let tcb = maker.object("tcb", Kind::Tcb);
    let cnode = maker.object("cnode", Kind::CNode { radix: 3 });
    let space = maker.object("space", Kind::Pml4);
    let sched_context = maker.object("time", Kind::SchedContext { size_bits: 8 });
    let notification = maker.object("notification", Kind::Notification);
    let endpoint = maker.object("endpoint", Kind::Endpoint);
    let small = FrameSize::Small;
    let ipc_buffer = maker.frames("ipc-buffer", small, 1, Content::Zero);
    let environment = maker.frames("environment", small, 4, Content::Environment);
    let text = Content::Archive { file: 0, offset: 0 };
    let text = maker.frames("text", small, 1, text);
    let data = Content::Copied {
        file: 0,
        offset: 4096,
        length: 100,
    };
    let data = maker.frames("data", small, 2, data);
    let rings = maker.frames("rings", small, 3, Content::Contiguous);
    let registers = Content::Device {
        physical: 0xe000_0000,
    };
    let registers = maker.frames("registers", small, 4, registers);
    let ram = maker.frames("ram", FrameSize::Large, 2, Content::Zero);
    for (kind, address) in [
        (Kind::Pdpt, 0),
        (Kind::PageDirectory, 0),
        (Kind::PageTable, 0x40_0000),
        (Kind::PageTable, 0x1000_0000),
        (Kind::PageDirectory, 0x1_0000_0000),
        (Kind::PageTable, 0x1_0000_0000),
    ] {
        maker.table(space, kind, address);
    }
    maker.map(space, ipc_buffer, 0x1000_0000, Rights::READ_WRITE);
    maker.map(space, environment, 0x1000_1000, Rights::READ);
    maker.map(space, text, 0x40_0000, Rights::READ);
    maker.map(space, data, 0x40_1000, Rights::READ_WRITE);
    maker.map(space, rings, 0x1_0000_0000, Rights::READ_WRITE);
    maker.map(space, registers, 0x1_0000_8000, Rights::READ_WRITE);
    maker.map(space, ram, 0x1_0040_0000, Rights::READ_WRITE);
    let guest = maker.object("guest-space", Kind::NestedRoot);
    let cpu = maker.object("vcpu", Kind::VirtualCpu);
    maker.table(guest, Kind::NestedTable, 0);
    // Two tables of the same kind: the kernel fills the highest missing level.
    maker.table(guest, Kind::NestedTable, 0);
    maker.system.guest_mappings.push(GuestMapping {
        space: guest,
        frames: ram,
        slot: maker.next_slot,
        address: 0,
    });
    maker.next_slot += 2;
    let (first, last) = (0xcf9, 0xcf9);
    let ports = maker.object("reset", Kind::IoPorts { first, last });
    let source = address();
    let irq = maker.object("irq", Kind::MessageInterrupt { source, vector: 24 });
    let own = |name: &str, slot, object, rights, badge| Capability {
        name: name.into(),
        slot,
        object,
        rights,
        badge,
        why: "A test.".into(),
    };
    maker.system.components.push(Component {
        name: "one".into(),
        why: "A test.".into(),
        tcb,
        cnode,
        space,
        sched_context,
        notification,
        ipc_buffer,
        ipc_buffer_address: 0x1000_0000,
        environment,
        environment_address: 0x1000_1000,
        entry: 0x40_0010,
        stack_top: 0x1000_0000,
        schedule: Schedule {
            priority: 10,
            budget_us: 1000,
            period_us: 1000,
            extra_refills: 6,
        },
        fault_handler: Some(FaultHandler { endpoint, badge: 1 }),
        capabilities: vec![
            own("notification", 1, notification, Rights::READ, 0),
            own("self.signal", 2, notification, Rights::WRITE, 1 << 63 | 1),
            own("reset.ports", 3, ports, Rights::ALL, 0),
            own("guest.vcpu", 4, cpu, Rights::ALL, 0),
        ],
        interrupts: vec![Interrupt {
            handler: irq,
            badge: 1 << 63 | 2,
        }],
        virtual_cpus: vec![VirtualCpu {
            object: cpu,
            space: guest,
        }],
        regions: vec![Region {
            name: "rings".into(),
            frames: rings,
            address: 0x1_0000_0000,
            size: 3 * 4096,
            writable: true,
            sharing: Sharing::Shared,
            tells_physical: true,
        }],
        parameters: vec![Parameter {
            name: "level".into(),
            value: Value::Integer(3),
        }],
    });
    maker.system.vault_radix = 6;
    maker.system
}

fn address() -> PciAddress {
    PciAddress {
        bus: 0,
        device: 4,
        function: 0,
    }
}

fn empty() -> System {
    let bar = |index, address, size, width| Bar {
        index,
        address,
        size,
        width,
    };
    System {
        name: "small".into(),
        hardware: "none".into(),
        vault_radix: 1,
        boot_console: None,
        files: vec![File {
            name: "one.image".into(),
            length: IMAGE,
            sha256: [0; 32],
        }],
        objects: Vec::new(),
        tables: Vec::new(),
        mappings: Vec::new(),
        guest_mappings: Vec::new(),
        components: Vec::new(),
        pci: PciTopology {
            buses: 1,
            functions: vec![PciFunction {
                name: "disk".into(),
                address: address(),
                vendor: 0x1af4,
                device: 0x1042,
                bars: vec![
                    bar(4, 0xe000_0000, 0x4000, BarWidth::Bits64),
                    bar(1, 0xe000_4000, 0x1000, BarWidth::Bits32),
                ],
                messages: vec![Message {
                    entry: 1,
                    vector: 24,
                }],
                message_table: Some(MessageTable { bar: 1, offset: 0 }),
                bus_master: true,
            }],
        },
    }
}
