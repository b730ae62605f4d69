//! Every PCI function is described possibly.

use crate::{Bar, BarWidth, Defect, PciFunction, System};

pub(super) fn check(system: &System) -> Result<(), Defect> {
    for (index, function) in system.pci.functions.iter().enumerate() {
        let address = function.address;
        let possible = address.bus < system.pci.buses
            && address.device < 32
            && address.function < 8
            && function.bars.iter().all(bar_is_possible)
            && messages_are_possible(function);
        if !possible {
            return Err(Defect::PciFunction(index));
        }
    }
    Ok(())
}

fn bar_is_possible(bar: &Bar) -> bool {
    let (last_index, end) = match bar.width {
        BarWidth::Bits32 => (5, 1 << 32),
        BarWidth::Bits64 => (4, 1 << 52),
    };
    bar.index <= last_index
        && bar.size.is_power_of_two()
        && bar.size >= 16
        && bar.address.is_multiple_of(bar.size)
        && bar.address.checked_add(bar.size).is_some_and(|e| e <= end)
}

fn messages_are_possible(function: &PciFunction) -> bool {
    if function.messages.is_empty() {
        return function.message_table.is_none();
    }
    let Some(table) = function.message_table else {
        return false;
    };
    let Some(bar) = function.bars.iter().find(|bar| bar.index == table.bar) else {
        return false;
    };
    function.messages.iter().all(|message| {
        let end = u64::from(table.offset) + 16 * (u64::from(message.entry) + 1);
        message.vector <= 107 && message.entry < 2048 && end <= bar.size
    })
}
