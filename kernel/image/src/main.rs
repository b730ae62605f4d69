//! The kernel image: start-up code, and what a freestanding program must define itself.

#![no_std]
#![no_main]

mod memory_functions;
mod panic;

use core::arch::global_asm;

use kernel_machine::boot::{Image, Protocol};

global_asm!(
    include_str!("boot.s"),
    stack_bytes = const kernel_machine::KERNEL_STACK_BYTES,
);

// The linker script defines these names; only their addresses mean something.
unsafe extern "C" {
    static kernel_text_start: u8;
    static kernel_text_end: u8;
    static kernel_constants_end: u8;
    static kernel_guard_page: u8;
    static kernel_data_end: u8;
}

/// Called by the start-up code on the kernel stack, over the early page tables.
#[unsafe(no_mangle)]
extern "C" fn kernel_main(protocol: u32, information: u32) -> ! {
    let protocol = if protocol == 0 {
        Protocol::Pvh
    } else {
        Protocol::Multiboot2
    };
    let image = Image::new(
        &raw const kernel_text_start as u64,
        &raw const kernel_text_end as u64,
        &raw const kernel_constants_end as u64,
        &raw const kernel_guard_page as u64,
        &raw const kernel_data_end as u64,
    );
    // SAFETY: this is the start-up code's one call, with what the boot loader handed over.
    unsafe { kernel_machine::boot::start(protocol, u64::from(information), image) }
}
