//! The two files that a guest boots from: given by the user, or ours.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

use super::{Extra, Parts, initramfs, unpacked};

/// What the user wants of the guest.
#[derive(Clone, Copy, Default)]
pub(crate) struct GuestOptions<'a> {
    /// A kernel other than Debian's.
    pub(crate) kernel: Option<&'a Path>,
    /// An initramfs other than ours.
    pub(crate) initrd: Option<&'a Path>,
    /// Programs that it has besides.
    pub(crate) extras: &'a [Extra],
    /// A command that the guest runs instead of an interactive shell.
    pub(crate) command: Option<GuestCommand<'a>>,
}

/// A command for the guest's shell.
#[derive(Clone, Copy)]
pub(crate) struct GuestCommand<'a> {
    pub(crate) text: &'a str,
    /// What makes the marks around its output unforgeable.
    pub(crate) nonce: &'a str,
}

impl GuestOptions<'_> {
    /// Looks at the files that the user gives, before anything is built for them.
    pub(crate) fn check(&self) -> Result<()> {
        self.kernel.map(read_kernel).transpose()?;
        self.initrd.map(read_initrd).transpose()?;
        Ok(())
    }
}

/// The guest's files, all of them there.
pub(crate) struct GuestFiles<'a> {
    options: GuestOptions<'a>,
    parts: Parts,
}

impl<'a> GuestFiles<'a> {
    /// Fetches what the user does not give.
    pub(crate) fn prepare(options: GuestOptions<'a>) -> Result<GuestFiles<'a>> {
        let parts = match (options.kernel, options.initrd) {
            (Some(_), Some(_)) if options.extras.is_empty() => Parts::cached()?,
            _ => Parts::fetch()?,
        };
        Ok(GuestFiles { options, parts })
    }

    /// The kernel: a bzImage for x86_64, unpacked if we can.
    pub(crate) fn kernel(&self) -> Result<Vec<u8>> {
        let debians = self.parts.kernel();
        let file = self.options.kernel.unwrap_or(&debians);
        let bytes = read_kernel(file)?;
        let unpacked = unpacked::unpacked_once(&bytes)
            .with_context(|| format!("{} is no guest kernel", file.display()))?;
        Ok(unpacked.unwrap_or(bytes))
    }

    /// The initramfs, with the command behind it.
    pub(crate) fn initrd(&self) -> Result<Vec<u8>> {
        let mut bytes = match self.options.initrd {
            Some(file) => read_initrd(file)?,
            None => initramfs::build(&self.parts)?,
        };
        let mut append = |archive: Vec<u8>| {
            // The kernel wants each archive at a multiple of four.
            bytes.resize(bytes.len().next_multiple_of(4), 0);
            bytes.extend(archive);
        };
        for extra in self.options.extras {
            append(initramfs::extra_archive(&self.parts, *extra)?);
        }
        if let Some(command) = self.options.command {
            append(initramfs::command_archive(command.text, command.nonce)?);
        }
        Ok(bytes)
    }
}

fn read_kernel(file: &Path) -> Result<Vec<u8>> {
    let bytes = fs::read(file)
        .with_context(|| format!("the guest kernel {} cannot be read", file.display()))?;
    if let Err(why) = check_kernel(&bytes) {
        bail!("{} is no guest kernel: {why}", file.display());
    }
    Ok(bytes)
}

fn read_initrd(file: &Path) -> Result<Vec<u8>> {
    let bytes = fs::read(file)
        .with_context(|| format!("the guest initrd {} cannot be read", file.display()))?;
    ensure!(
        INITRD_STARTS.iter().any(|start| bytes.starts_with(start)),
        "{} is no guest initrd: it is no cpio archive, nor compressed in a way that Linux knows",
        file.display()
    );
    Ok(bytes)
}

/// How an initramfs starts: cpio with and without checksums; gzip, bzip2, lzma, xz, lzo, lz4, zstd.
const INITRD_STARTS: [&[u8]; 9] = [
    b"070701",
    b"070702",
    &[0x1f, 0x8b],
    b"BZh",
    &[0x5d, 0, 0],
    &[0xfd, b'7', b'z', b'X', b'Z', 0],
    &[0x89, b'L', b'Z', b'O'],
    &[0x02, 0x21, 0x4c, 0x18],
    &[0x28, 0xb5, 0x2f, 0xfd],
];

/// Checks the setup header (Documentation/arch/x86/boot.rst in Linux): the VMM enters at the
/// 64-bit entry point, which `xloadflags` announces from protocol 2.12 on.
fn check_kernel(bytes: &[u8]) -> Result<(), &'static str> {
    let word = |offset: usize| {
        let bytes = bytes.get(offset..offset + 2)?;
        Some(u16::from_le_bytes([bytes[0], bytes[1]]))
    };
    if word(0x1fe) != Some(0xaa55) || bytes.get(0x202..0x206) != Some(b"HdrS") {
        return Err("it has no Linux boot header (a bzImage such as /boot/vmlinuz-* is wanted)");
    }
    if word(0x206) < Some(0x20c) {
        return Err("its boot protocol is older than 2.12 (Linux 3.8)");
    }
    if word(0x236).is_none_or(|flags| flags & 1 == 0) {
        return Err("it is not built for 64 bits");
    }
    // Boot sector and setup sectors (none means four), then the code, in units of 16 bytes.
    let setup_sectors = match bytes[0x1f1] {
        0 => 4,
        sectors => usize::from(sectors),
    };
    let code = bytes[0x1f4..0x1f8].iter().rev();
    let code = code.fold(0, |size, byte| size << 8 | usize::from(*byte)) * 16;
    if bytes.len() < (setup_sectors + 1) * 512 + code {
        return Err("it is cut off");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(version: u16, flags: u16) -> Vec<u8> {
        let mut bytes = vec![0; 0x400];
        bytes[0x1fe..0x200].copy_from_slice(&0xaa55u16.to_le_bytes());
        bytes[0x202..0x206].copy_from_slice(b"HdrS");
        bytes[0x206..0x208].copy_from_slice(&version.to_le_bytes());
        bytes[0x236..0x238].copy_from_slice(&flags.to_le_bytes());
        bytes
    }

    #[test]
    fn only_64_bit_kernels_pass() {
        let mut whole = header(0x20f, 0x3f);
        // One setup sector, and no code.
        whole[0x1f1] = 1;
        assert_eq!(check_kernel(&whole), Ok(()));
        whole[0x1f4] = 1;
        assert_eq!(check_kernel(&whole), Err("it is cut off"));
        assert!(check_kernel(&header(0x20f, 0x3e)).is_err());
        assert!(check_kernel(&header(0x20b, 1)).is_err());
        assert!(check_kernel(b"#!/bin/sh").is_err());
        assert!(check_kernel(&[]).is_err());
    }
}
