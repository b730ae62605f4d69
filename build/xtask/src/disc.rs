//! Discs that a computer starts from: a boot loader, the kernel, and a system.
//!
//! The kernel's Multiboot2 header lets GRUB start it, under a BIOS and under UEFI alike. So
//! far it was tried as a disc only.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::process::run_quietly;
use crate::progress::step;

/// What GRUB does: no menu, no waiting. The serial line shows what it complains of.
const LOADER_SCRIPT: &str = "\
serial --unit=0 --speed=115200
terminal_output console serial
set gfxpayload=text
multiboot2 /boot/kernel
module2 /boot/root.img
boot
";

/// Writes the image of a disc that boots this kernel with this root image.
pub(crate) fn write(kernel: &Path, root_image: &Path, disc: &Path) -> Result<()> {
    let tree = disc.with_extension("tree");
    let boot = tree.join("boot");
    fs::create_dir_all(boot.join("grub"))
        .with_context(|| format!("{} cannot be made", boot.display()))?;
    fs::write(boot.join("grub/grub.cfg"), LOADER_SCRIPT)?;
    fs::copy(kernel, boot.join("kernel"))?;
    fs::copy(root_image, boot.join("root.img"))?;
    let mut command = Command::new("grub-mkrescue");
    command.arg("--output").arg(disc).arg(&tree);
    let written = step("Writing the disc's image", || run_quietly(&mut command));
    fs::remove_dir_all(&tree)?;
    written.map(drop)
}
