//! Packs the root image: the one file that the boot loader gives to the kernel.
//!
//! It is the root server's ELF file, followed by an archive with everything else that the system
//! needs at its start: the compiled manifest, the servers' ELF files, the guest's kernel and
//! initramfs. One file, because `qemu -initrd` hands over one module and seL4 looks at the first
//! only. The root server's ELF carries a note that tells the kernel where the archive lies;
//! [`root_image`] fills it in. The kernel hands the archive out as device untyped memory, contents
//! kept, so what is mapped in 2 MiB frames later is laid out at multiples of 2 MiB here.
#![forbid(unsafe_code)]

mod archive;
mod error;
mod root_image;

pub use archive::{Alignment, Entry, LARGE_PAGE, NAME_LENGTH, PAGE, archive};
pub use error::PackError;
pub use root_image::root_image;
