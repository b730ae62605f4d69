//! The Linux guest: Debian's stock kernel, and an initramfs with busybox and the modules it needs.

mod cpio;
pub(crate) mod initramfs;
mod libraries;
mod modules;
mod packages;
mod parts;

pub(crate) use parts::Parts;
