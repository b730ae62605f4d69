//! The start of the program that the kernel starts: the root server, or a test image.

use core::{cell::UnsafeCell, convert::Infallible, fmt::Display};

use kernel_calls::Ipc;
use kernel_calls::ipc_buffer::IpcBuffer;
use sel4_sys::boot_info::BootInfo;
use shared_memory::RegionWriter;

/// Where the window lies: far above everything that the kernel maps.
const WINDOW: usize = 0x10_0000_0000;
/// Bytes of the window.
const WINDOW_SIZE: usize = 1 << 30;
/// The extra chunks start in the page behind bootinfo.
const PAGE: usize = 4096;

/// What the root task has.
pub struct RootTask {
    /// What the kernel says about the machine and the first capabilities.
    pub boot_info: &'static BootInfo,
    /// The extra chunks, one behind the other.
    pub extra_boot_info: &'static [u8],
    /// Sends messages and invokes capabilities.
    pub ipc: Ipc,
    /// Address space that the program keeps free for frames which it maps for a while. Touching a
    /// page while none is mapped there is a fault and ends the program.
    pub window: RegionWriter,
}

impl RootTask {
    /// Address of the first byte of [`RootTask::window`].
    pub const WINDOW_ADDRESS: u64 = WINDOW as u64;
}

/// Memory for the stack of a root task, which the kernel starts without one.
#[doc(hidden)]
#[repr(C, align(4096))]
pub struct Stack<const SIZE: usize>(UnsafeCell<[u8; SIZE]>);

// SAFETY: only the entry uses it, as the stack of the one thread.
unsafe impl<const SIZE: usize> Sync for Stack<SIZE> {}

impl<const SIZE: usize> Stack<SIZE> {
    /// Zeroes.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "only for a static")]
    pub const fn new() -> Self {
        Self(UnsafeCell::new([0; SIZE]))
    }
}

/// Makes `main`, a function of the form `fn(RootTask) -> Result<Infallible, impl Display>`, the
/// program's entry, with a stack and a heap of that many bytes.
#[macro_export]
macro_rules! root_task {
    ($main:path, stack = $stack:expr, heap = $heap:expr) => {
        $crate::panic_handler!();

        static ROOT_STACK: $crate::start::Stack<{ $stack }> = $crate::start::Stack::new();

        /// The entry: RDI holds the address of bootinfo, every other register is 0.
        #[unsafe(no_mangle)]
        #[unsafe(naked)]
        #[unsafe(link_section = ".text._start")]
        extern "C" fn _start() -> ! {
            extern "C" fn start(boot_info: usize) -> ! {
                static HEAP: $crate::start::Stack<{ $heap }> = $crate::start::Stack::new();
                // SAFETY: called once, by the entry, with what the kernel put into RDI; the heap
                // has no other name.
                unsafe { $crate::start::root_task(boot_info, &HEAP, $main) }
            }
            ::core::arch::naked_asm!(
                "lea rsp, [{stack} + {size}]",
                "xor ebp, ebp",
                "call {start}",
                "ud2",
                stack = sym ROOT_STACK,
                size = const $stack,
                start = sym start,
            )
        }
    };
}

/// Sets the root task up and runs it.
///
/// # Safety
///
/// To be called once, as the first thing in a program that the kernel started; nobody else uses `heap`.
#[doc(hidden)]
pub unsafe fn start<E: Display, const HEAP: usize>(
    boot_info: usize,
    heap: &'static Stack<HEAP>,
    main: fn(RootTask) -> Result<Infallible, E>,
) -> ! {
    // SAFETY: the kernel maps bootinfo there; nothing changes it.
    let info = unsafe { &*core::ptr::with_exposed_provenance::<BootInfo>(boot_info) };
    let extra = usize::try_from(info.extra_length).unwrap_or(0);
    // SAFETY: the kernel maps that many bytes of extra chunks behind the page of bootinfo.
    let extra_boot_info = unsafe {
        core::slice::from_raw_parts(
            core::ptr::with_exposed_provenance::<u8>(boot_info + PAGE),
            extra,
        )
    };
    let buffer = usize::try_from(info.ipc_buffer).unwrap_or(0);
    // SAFETY: the kernel maps the IPC buffer there for good, and nobody else made a handle.
    let ipc = unsafe { Ipc::new(core::ptr::with_exposed_provenance_mut::<IpcBuffer>(buffer)) };
    // SAFETY: neither the kernel nor the linker puts anything there, so a page of it is either
    // mapped by the program for this use, or a fault.
    let window = unsafe { RegionWriter::over_free_addresses(WINDOW, WINDOW_SIZE) };
    #[cfg(not(test))]
    // SAFETY: the caller vouches that nobody else uses the memory.
    crate::heap::add(unsafe { &mut *heap.0.get() });
    #[cfg(test)]
    let _ = heap;
    let Err(error) = main(RootTask {
        boot_info: info,
        extra_boot_info,
        ipc,
        window,
    });
    crate::println!("stops: {error}");
    crate::component::stop()
}
