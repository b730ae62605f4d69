//! The guest's kernel without its packing.
//!
//! A bzImage carries the kernel packed by xz, behind a program that unpacks it: at every start, in the
//! guest, two thirds of all instructions up to the shell. So it is unpacked here, once. The header for boot
//! loaders and every byte of the kernel stay; the header says, as the boot protocol has it (Linux,
//! Documentation/arch/x86/boot.rst, `payload_offset`), that the payload is an ELF file. What the
//! program does besides, placing the kernel at a random address, is then the monitor's part.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use object::LittleEndian;
use object::elf::{FileHeader64, PT_LOAD};
use object::read::elf::{FileHeader, ProgramHeader};

use crate::folders;

/// Bytes of a sector of the setup code.
const SECTOR: usize = 512;
/// How a payload that is packed by xz begins.
const XZ: &[u8] = b"\xfd7zXZ\0";
/// Bytes behind the packed kernel: its unpacked size.
const SIZE_BYTES: usize = 4;

/// Bytes of an ELF header.
const HEADER_BYTES: usize = 64;
/// Bytes of a program header.
const PROGRAM_HEADER_BYTES: usize = 56;

/// The bzImage with its kernel unpacked, or nothing if it is not packed by xz. What was unpacked
/// before comes from the cache.
pub(super) fn unpacked_once(kernel: &[u8]) -> Result<Option<Vec<u8>>> {
    let mut hasher = DefaultHasher::new();
    kernel.hash(&mut hasher);
    let name = format!("{:016x}-{}", hasher.finish(), kernel.len());
    let folder = folders::cache()?.join("unpacked");
    let file = folder.join(name);
    if let Ok(known) = fs::read(&file) {
        return Ok(Some(known));
    }
    let result = unpacked(kernel)?;
    if let Some(bytes) = &result {
        fs::create_dir_all(&folder)?;
        // Renamed when complete: another run may look for it meanwhile.
        let part = file.with_extension(std::process::id().to_string());
        fs::write(&part, bytes)
            .and_then(|()| fs::rename(&part, &file))
            .with_context(|| format!("{} cannot be written", file.display()))?;
    }
    Ok(result)
}

fn unpacked(kernel: &[u8]) -> Result<Option<Vec<u8>>> {
    let Some((setup, payload)) = take_apart(kernel) else {
        return Ok(None);
    };
    let Some((packed, size)) = payload.split_last_chunk::<SIZE_BYTES>() else {
        return Ok(None);
    };
    if !packed.starts_with(XZ) {
        return Ok(None);
    }
    let vmlinux = unpack(packed).context("the guest's kernel cannot be unpacked")?;
    ensure!(
        vmlinux.len() == u32::from_le_bytes(*size) as usize,
        "the guest's kernel unpacks to another size than it says"
    );
    put_together(setup, &without_zeroes(&vmlinux)?).map(Some)
}

/// The setup code, and the packed kernel.
fn take_apart(kernel: &[u8]) -> Option<(&[u8], &[u8])> {
    let sectors = match *kernel.get(0x1f1)? {
        0 => 4,
        sectors => usize::from(sectors),
    };
    let (setup, code) = kernel.split_at_checked((sectors + 1) * SECTOR)?;
    let word = |at: usize| Some(u32::from_le_bytes(*setup.get(at..)?.first_chunk()?) as usize);
    let (offset, length) = (word(0x248)?, word(0x24c)?);
    Some((setup, code.get(offset..offset.checked_add(length)?)?))
}

/// The same setup code in front of an unpacked kernel.
pub(super) fn put_together(setup: &[u8], vmlinux: &[u8]) -> Result<Vec<u8>> {
    let mut image = setup.to_vec();
    let length = u32::try_from(vmlinux.len())?;
    // syssize in units of 16 bytes, payload_offset, payload_length.
    for (at, value) in [(0x1f4, length.div_ceil(16)), (0x248, 0), (0x24c, length)] {
        image[at..at + 4].copy_from_slice(&value.to_le_bytes());
    }
    image.extend(vmlinux);
    image.resize(setup.len() + vmlinux.len().next_multiple_of(16), 0);
    Ok(image)
}

/// What xz makes of it.
fn unpack(packed: &[u8]) -> Result<Vec<u8>> {
    let mut xz = Command::new("xz")
        .args(["--decompress", "--stdout"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("xz cannot be started")?;
    let mut input = xz.stdin.take().context("xz has no input")?;
    std::thread::scope(|scope| {
        let writer = scope.spawn(move || input.write_all(packed));
        let output = xz.wait_with_output()?;
        ensure!(output.status.success(), "xz failed");
        // What xz did not read it did not need.
        let _ = writer.join();
        Ok(output.stdout)
    })
}

/// An ELF file with the same segments, less the zeroes at their ends, and behind it what stands behind
/// the original: where the kernel is to be changed when it moves.
fn without_zeroes(vmlinux: &[u8]) -> Result<Vec<u8>> {
    let header = FileHeader64::<LittleEndian>::parse(vmlinux)?;
    let endian = header.endian()?;
    let sections = u64::from(header.e_shentsize(endian)) * u64::from(header.e_shnum(endian));
    let end = usize::try_from(header.e_shoff(endian) + sections)?;
    let lists = vmlinux.get(end..).context("it is cut off")?;

    let segments: Vec<_> = header
        .program_headers(endian, vmlinux)?
        .iter()
        .filter(|segment| segment.p_type(endian) == PT_LOAD)
        .collect();
    let mut elf = vmlinux[..HEADER_BYTES].to_vec();
    let mut contents: Vec<u8> = Vec::new();
    let start = HEADER_BYTES + segments.len() * PROGRAM_HEADER_BYTES;
    for segment in &segments {
        let bytes = segment
            .data(endian, vmlinux)
            .ok()
            .context("a segment is cut off")?;
        let used = bytes.iter().rposition(|byte| *byte != 0);
        let bytes = &bytes[..used.map_or(0, |last| last + 1)];
        let mut segment = **segment;
        segment
            .p_offset
            .set(endian, (start + contents.len()) as u64);
        segment.p_filesz.set(endian, bytes.len() as u64);
        elf.extend(object::bytes_of(&segment));
        contents.extend(bytes);
    }
    elf.extend(contents);
    let mut header = *header;
    header.e_phoff.set(endian, HEADER_BYTES as u64);
    header.e_phnum.set(endian, u16::try_from(segments.len())?);
    header.e_shoff.set(endian, elf.len() as u64);
    header.e_shnum.set(endian, 0);
    header.e_shstrndx.set(endian, 0);
    elf[..HEADER_BYTES].copy_from_slice(object::bytes_of(&header));
    elf.extend(lists);
    Ok(elf)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A segment of ten bytes, the last four zeroes; one section header; and what stands behind.
    fn vmlinux() -> Vec<u8> {
        let mut elf = vec![0; HEADER_BYTES + PROGRAM_HEADER_BYTES];
        let mut put = |at: usize, bytes: &[u8]| elf[at..at + bytes.len()].copy_from_slice(bytes);
        put(0, b"\x7fELF\x02\x01\x01");
        put(0x20, &[64]);
        put(0x28, &[130]);
        put(0x34, &[64, 0, 56, 0, 1, 0, 64, 0, 1, 0]);
        put(64, &[1]);
        put(64 + 0x08, &[120]);
        put(64 + 0x20, &[10]);
        put(64 + 0x28, &[20]);
        elf.extend(b"kernel\0\0\0\0");
        elf.extend([0xff; 64]);
        elf.extend(b"lists");
        elf
    }

    #[test]
    fn segments_lose_their_zeroes_and_what_stands_behind_stays() {
        let elf = without_zeroes(&vmlinux()).expect("it is in order");
        let header = FileHeader64::<LittleEndian>::parse(elf.as_slice()).expect("it is one");
        let segments = header
            .program_headers(LittleEndian, elf.as_slice())
            .expect("they are there");
        assert_eq!(segments.len(), 1);
        assert_eq!(
            segments[0].data(LittleEndian, elf.as_slice()),
            Ok(&b"kernel"[..])
        );
        assert_eq!(segments[0].p_memsz(LittleEndian), 20);
        assert_eq!(header.e_shoff(LittleEndian), 126);
        assert_eq!(&elf[126..], b"lists");
        assert!(without_zeroes(&vmlinux()[..125]).is_err());
    }

    #[test]
    fn other_packings_stay() {
        let mut kernel = vec![0; 3 * SECTOR];
        kernel[0x1f1] = 1;
        kernel[0x24c] = 16;
        kernel[2 * SECTOR..2 * SECTOR + 2].copy_from_slice(b"\x1f\x8b");
        assert!(unpacked(&kernel).is_ok_and(|unpacked| unpacked.is_none()));
        kernel[2 * SECTOR..2 * SECTOR + XZ.len()].copy_from_slice(XZ);
        assert!(unpacked(&kernel).is_err(), "this is no file of xz");
        assert!(unpacked(&kernel[..600]).is_ok_and(|unpacked| unpacked.is_none()));
    }

    #[test]
    fn the_header_says_where_the_kernel_is() {
        let image = put_together(&[0; 2 * SECTOR], &[7; 33]).expect("it is small");
        assert_eq!(image[0x1f4], 3);
        assert_eq!(image[0x248..0x250], [0, 0, 0, 0, 33, 0, 0, 0]);
        assert_eq!(image.len(), 2 * SECTOR + 48);
    }
}
