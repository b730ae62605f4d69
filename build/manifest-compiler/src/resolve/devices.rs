//! Devices: ports, registers and interrupts, and what the root server sets up on PCI.

use compiled_manifest::{
    Bar, BarWidth, Content, Interrupt, Kind, Message, MessageTable, PciAddress, PciFunction,
    Rights, Sharing, Trigger,
};

use super::builder::{Builder, NewRegion, SIGNAL_MARK};
use super::{bytes, layout, parameters};
use crate::source::{Device, DeviceNeed, PciPart, TriggerWord, Width};

pub(super) fn add(builder: &mut Builder<'_>) {
    let sources = builder.sources;
    for (index, (component, needs)) in sources.components().enumerate() {
        for need in &needs.device {
            let role = need.role.get_ref();
            let grant = component
                .device
                .iter()
                .find(|grant| grant.need.get_ref() == role);
            let Some(grant) = grant else { continue };
            let Some(device) = sources.device(grant.device.get_ref()) else {
                continue;
            };
            let why = grant.why.get_ref();
            let driver = Driver {
                index,
                need,
                device,
                why,
            };
            driver.add_ports(builder);
            driver.add_registers(builder);
            driver.add_interrupts(builder);
            for fact in &device.parameter {
                let name = format!("{role}.{}", fact.name.get_ref());
                builder.setting(index, name, parameters::value(&fact.value));
            }
            for pci in &device.pci {
                let function = pci_function(device, pci.get_ref());
                builder.system.pci.functions.push(function);
            }
        }
    }
    add_boot_console(builder);
}

/// A component that drives a device.
struct Driver<'a> {
    index: usize,
    need: &'a DeviceNeed,
    device: &'a Device,
    why: &'a str,
}

impl Driver<'_> {
    fn wants(&self, part: &str) -> bool {
        self.need
            .parts
            .iter()
            .any(|wanted| wanted.get_ref() == part)
    }

    /// How the component calls a part.
    fn name(&self, part: &str) -> String {
        format!("{}.{part}", self.need.role.get_ref())
    }

    /// How the system calls a part.
    fn object_name(&self, part: &str) -> String {
        format!("{}.{part}", self.device.name.get_ref())
    }

    fn add_ports(&self, builder: &mut Builder<'_>) {
        for part in &self.device.ports {
            let name = part.name.get_ref();
            if self.wants(name) {
                let ports = builder.object(self.object_name(name), ports(part), self.why);
                let target = (ports, Rights::ALL, 0);
                builder.capability(self.index, self.name(name), target, self.why);
            }
        }
    }

    fn add_registers(&self, builder: &mut Builder<'_>) {
        let fixed = self.device.memory.iter();
        let fixed = fixed.map(|part| (&part.name, *part.address.get_ref(), bytes(&part.size)));
        let bars = self.device.pci.iter().flat_map(|pci| &pci.get_ref().bar);
        let bars = bars.map(|bar| (&bar.name, *bar.address.get_ref(), bytes(&bar.size)));
        for (name, physical, size) in fixed.chain(bars) {
            let name = name.get_ref();
            if !self.wants(name) {
                continue;
            }
            let run = layout::small_frames(size, Content::Device { physical });
            let frames = builder.frames(self.object_name(name), run, self.why);
            let region = NewRegion {
                name: &self.name(name),
                frames,
                size,
                rights: Rights::READ_WRITE,
                sharing: Sharing::Registers,
                tells_physical: false,
            };
            builder.region(self.index, &region);
        }
    }

    fn add_interrupts(&self, builder: &mut Builder<'_>) {
        let lines = self.device.interrupt.iter().map(|line| {
            let kind = Kind::IoApicInterrupt {
                io_apic: line.io_apic,
                pin: *line.pin.get_ref(),
                trigger: trigger(line.trigger),
                vector: *line.vector.get_ref(),
            };
            (line.name.get_ref(), kind)
        });
        let messages = self.device.pci.iter().flat_map(|pci| {
            let pci = pci.get_ref();
            pci.message.iter().map(|message| {
                let kind = Kind::MessageInterrupt {
                    source: address(pci),
                    vector: *message.vector.get_ref(),
                };
                (message.name.get_ref(), kind)
            })
        });
        let wanted: Vec<_> = lines
            .chain(messages)
            .filter(|(name, _)| self.wants(name))
            .collect();
        let only_one = wanted.len() == 1;
        for (name, kind) in wanted {
            let handler = builder.object(self.object_name(name), kind, self.why);
            let target = (handler, Rights::ALL, 0);
            builder.capability(self.index, self.name(name), target, self.why);
            let bit = builder.signal_bit(self.index);
            let badge_name = if only_one {
                self.name("badge")
            } else {
                self.name(&format!("{name}.badge"))
            };
            builder.number(self.index, badge_name, bit);
            let interrupts = &mut builder.system.components[self.index].interrupts;
            interrupts.push(Interrupt {
                handler,
                badge: SIGNAL_MARK | bit,
            });
        }
    }
}

/// The root server reports on the console's ports, whether or not a component has them later.
fn add_boot_console(builder: &mut Builder<'_>) {
    let sources = builder.sources;
    let device = sources.device(sources.hardware.boot_console.get_ref());
    let Some((device, part)) = device.and_then(|d| d.ports.first().map(|part| (d, part))) else {
        return;
    };
    let kind = ports(part);
    let objects = builder.system.objects.iter();
    let known = (0..).map(compiled_manifest::ObjectId).zip(objects);
    let known = known.into_iter().find(|(_, object)| object.kind == kind);
    let id = known.map(|(id, _)| id).unwrap_or_else(|| {
        let name = format!("{}.{}", device.name.get_ref(), part.name.get_ref());
        builder.object(name, kind, "The root server reports here.")
    });
    builder.system.boot_console = Some(id);
}

fn ports(part: &crate::source::PortPart) -> Kind {
    Kind::IoPorts {
        first: *part.first.get_ref(),
        last: *part.last.get_ref(),
    }
}

fn trigger(word: TriggerWord) -> Trigger {
    match word {
        TriggerWord::EdgeHigh => Trigger::EdgeHigh,
        TriggerWord::LevelHigh => Trigger::LevelHigh,
        TriggerWord::LevelLow => Trigger::LevelLow,
    }
}

fn address(pci: &PciPart) -> PciAddress {
    PciAddress {
        bus: pci.bus,
        device: pci.device,
        function: pci.function,
    }
}

fn pci_function(device: &Device, pci: &PciPart) -> PciFunction {
    let bars = pci.bar.iter().map(|bar| Bar {
        index: bar.index,
        address: *bar.address.get_ref(),
        size: bytes(&bar.size),
        width: match bar.width {
            Width::Bits32 => BarWidth::Bits32,
            Width::Bits64 => BarWidth::Bits64,
        },
    });
    let messages = pci.message.iter().map(|message| Message {
        entry: *message.entry.get_ref(),
        vector: *message.vector.get_ref(),
    });
    let message_table = pci.message_table.first().and_then(|table| {
        let bar = pci
            .bar
            .iter()
            .find(|bar| bar.name.get_ref() == table.bar.get_ref())?;
        Some(MessageTable {
            bar: bar.index,
            offset: *table.offset.get_ref(),
        })
    });
    PciFunction {
        name: device.name.get_ref().clone(),
        address: address(pci),
        vendor: pci.vendor,
        device: pci.identification,
        bars: bars.collect(),
        messages: messages.collect(),
        message_table,
        bus_master: pci.bus_master == crate::source::YesNo::Yes,
    }
}
