//! Sets PCI functions up: base addresses, then messages, then bus mastering.

use compiled_manifest::{PciFunction, PciTopology};

use crate::{
    BuildError, Kernel, Slot, WorkingSlot,
    device_memory::Request,
    own_window::OwnWindow,
    pci::{Configuration, FoundTable},
    working_slots::WorkingSlots,
};

/// Ports of PCI configuration.
const FIRST_PORT: u16 = 0xcf8;
const LAST_PORT: u16 = 0xcff;

/// Bytes of an MSI-X table's entry: address low, address high, data, control.
const ENTRY: u32 = 16;
/// Messages go to this address: the local APIC of processor 0 (Intel SDM volume 3, 11.11.1).
const MESSAGE_ADDRESS: u32 = 0xfee0_0000;
/// The processor's vector of user vector 0.
const FIRST_VECTOR: u32 = 0x30;

/// The pages of MSI-X tables, as frames of the root server's own.
#[derive(Debug)]
pub(crate) struct TablePages(alloc::vec::Vec<(u64, WorkingSlot)>);

impl TablePages {
    /// One page for each function with messages.
    pub(crate) fn new(pci: &PciTopology, slots: &mut WorkingSlots) -> Result<Self, BuildError> {
        let mut pages = alloc::vec::Vec::new();
        for page in pci.functions.iter().filter_map(table_page) {
            if pages.iter().all(|&(known, _)| known != page) {
                pages.push((page, slots.take(1)?));
            }
        }
        Ok(Self(pages))
    }

    /// The frames that have to be made for them.
    pub(crate) fn requests<'a>(&self) -> impl Iterator<Item = Request<'a>> + use<'a, '_> {
        self.0.iter().map(|&(physical, slot)| Request {
            name: "an MSI-X table",
            physical,
            bits: 12,
            count: 1,
            first: Slot::Working(slot),
        })
    }

    fn find(&self, page: u64) -> Option<Slot> {
        let found = self.0.iter().find(|&&(known, _)| known == page);
        found.map(|&(_, slot)| Slot::Working(slot))
    }
}

/// Physical address of the page in which the function's message table starts.
fn table_page(function: &PciFunction) -> Option<u64> {
    let table = function.message_table?;
    let bar = function.bars.iter().find(|bar| bar.index == table.bar)?;
    Some((bar.address + u64::from(table.offset)) & !0xfff)
}

/// Sets all functions up. Configuration access ends with it: its capability is deleted.
pub(crate) fn set_up(
    kernel: &mut impl Kernel,
    window: &mut OwnWindow,
    slots: &mut WorkingSlots,
    pci: &PciTopology,
    pages: &TablePages,
) -> Result<(), BuildError> {
    use crate::error::Naming;

    let ports = Slot::Working(slots.take(1)?);
    kernel
        .issue_ports(FIRST_PORT, LAST_PORT, ports)
        .naming("PCI configuration", "cannot be reached")?;
    Configuration { kernel, ports }.silence_all(pci.buses)?;
    for function in &pci.functions {
        let mut configuration = Configuration { kernel, ports };
        configuration.place(function)?;
        let table = configuration.message_table(function.address)?;
        let table = check_table(function, table)?;
        if table.is_some() {
            write_table(kernel, window, function, pages)?;
        }
        Configuration { kernel, ports }.enable(function, table)?;
    }
    kernel
        .delete(ports)
        .naming("PCI configuration", "cannot be given up")
}

/// The table is where the manifest says, so that its page is the one that nobody else gets.
fn check_table(
    function: &PciFunction,
    found: Option<FoundTable>,
) -> Result<Option<FoundTable>, BuildError> {
    let bad = |what| BuildError::BadFunction {
        address: function.address,
        what,
    };
    let Some(expected) = function.message_table else {
        return match found {
            // It stays switched off; but its registers must not become reachable by the driver.
            Some(_) => Err(bad("has an MSI-X table that the manifest does not name")),
            None => Ok(None),
        };
    };
    let found = found.ok_or_else(|| bad("has no MSI-X table"))?;
    if (found.bar, found.offset) != (expected.bar, expected.offset) {
        return Err(bad("has its MSI-X table elsewhere"));
    }
    let entries = function.messages.iter().map(|message| message.entry);
    if entries
        .max()
        .is_some_and(|last| u32::from(last) >= found.entries)
    {
        return Err(bad("has fewer messages"));
    }
    Ok(Some(found))
}

/// Writes the entries that the manifest lists. Others stay masked, as they are after reset.
fn write_table(
    kernel: &mut impl Kernel,
    window: &mut OwnWindow,
    function: &PciFunction,
    pages: &TablePages,
) -> Result<(), BuildError> {
    let (Some(page), Some(table)) = (table_page(function), function.message_table) else {
        return Ok(());
    };
    let Some(frame) = pages.find(page) else {
        return Ok(());
    };
    window.with_registers(kernel, frame, |registers| {
        for message in &function.messages {
            let entry = (table.offset & 0xfff) + ENTRY * u32::from(message.entry);
            let words = [
                MESSAGE_ADDRESS,
                0,
                FIRST_VECTOR + u32::from(message.vector),
                0,
            ];
            for (index, word) in (0..).zip(words) {
                let at = usize::try_from(entry + 4 * index).map_err(|_| BuildError::Window)?;
                registers
                    .write_u32_at(at, word)
                    .map_err(|_| BuildError::Window)?;
            }
        }
        Ok(())
    })
}
