//! Sizes are whole pages, and what must not be empty is not.

use toml::Spanned;

use crate::diagnostic::Report;
use crate::source::{Document, Needs, Size, Sources};

const PAGE: u64 = 4096;
const LARGE_PAGE: u64 = 2 << 20;
/// The heap lies between its address and that of the first region.
const HEAP_MAX: u64 = 0xe000_0000;
/// The stack lies below the IPC buffer and above the program.
const STACK_MAX: u64 = 64 << 20;
/// What lies in small frames, and is no multiple of large ones, has at most as many as a compiled manifest allows.
pub(super) const SMALL_FRAMES_MAX: u64 = 1 << 30;
/// Guests are flat RAM below the PCI hole.
const GUEST_MAX: u64 = 3 << 30;

pub(super) fn check(sources: &Sources, report: &mut Report) {
    for (component, needs) in sources.components() {
        check_needs(needs, report);
        for grant in &component.guest {
            let bytes = grant.memory.get_ref().bytes();
            if bytes == 0 || !bytes.is_multiple_of(LARGE_PAGE) || bytes > GUEST_MAX {
                let sentence = "a guest's memory is a multiple of 2 MiB, at most 3 GiB";
                report.add(sources.system.at(&grant.memory), sentence);
            }
        }
    }
    for device in &sources.hardware.device {
        for part in &device.memory {
            let bytes = part.size.get_ref().bytes();
            let whole = part.address.get_ref().is_multiple_of(PAGE) && bytes.is_multiple_of(PAGE);
            if !whole || !(1..=SMALL_FRAMES_MAX).contains(&bytes) {
                let sentence = "registers are granted in whole pages of 4 KiB, at most 1 GiB";
                report.add(sources.hardware.at(&part.address), sentence);
            }
        }
    }
}

fn check_needs(needs: &Document<Needs>, report: &mut Report) {
    at_most(needs, &needs.stack, STACK_MAX, "stack", report);
    at_most(needs, &needs.heap, HEAP_MAX, "heap", report);
    pages(needs, &needs.stack, "stack", Empty::Refused, report);
    pages(needs, &needs.heap, "heap", Empty::Allowed, report);
    for need in needs.region.iter().chain(&needs.dma) {
        pages(
            needs,
            &need.size,
            need.name.get_ref(),
            Empty::Refused,
            report,
        );
    }
    for need in &needs.channel {
        pages(
            needs,
            &need.out,
            need.role.get_ref(),
            Empty::Allowed,
            report,
        );
    }
}

#[derive(PartialEq, Eq)]
enum Empty {
    Allowed,
    Refused,
}

fn pages(
    needs: &Document<Needs>,
    size: &Spanned<Size>,
    name: &str,
    empty: Empty,
    report: &mut Report,
) {
    let bytes = size.get_ref().bytes();
    if !bytes.is_multiple_of(PAGE) || bytes > HEAP_MAX {
        let sentence = format!("the size of `{name}` is no multiple of 4 KiB, or above 3.5 GiB");
        report.add(needs.at(size), sentence);
    } else if bytes > SMALL_FRAMES_MAX && !bytes.is_multiple_of(LARGE_PAGE) {
        let sentence = format!("`{name}` has more than 1 GiB and is no multiple of 2 MiB");
        report.add(needs.at(size), sentence);
    } else if bytes == 0 && empty == Empty::Refused {
        report.add(needs.at(size), format!("`{name}` cannot be empty"));
    }
}

fn at_most(
    needs: &Document<Needs>,
    size: &Spanned<Size>,
    limit: u64,
    name: &str,
    report: &mut Report,
) {
    if size.get_ref().bytes() > limit {
        let sentence = format!("the {name} has at most {} MiB", limit >> 20);
        report.add(needs.at(size), sentence);
    }
}
