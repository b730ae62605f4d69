//! The Linux guest: Debian's stock kernel, and an initramfs with busybox and the modules it needs.

pub(crate) mod bare_code;
mod cpio;
mod files;
pub(crate) mod initramfs;
mod libraries;
mod modules;
mod packages;
mod parts;
mod unpacked;

pub(crate) use files::{GuestCommand, GuestFiles, GuestOptions};
pub(crate) use parts::{Extra, Parts};
