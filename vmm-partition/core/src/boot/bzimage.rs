//! The setup header of a bzImage, checked.

use super::{error::BootError, image::Image};

/// Bytes of the file that hold the header: the boot sector and the start of the setup code.
pub(super) const HEAD_BYTES: usize = 0x400;
/// Where the header starts, in the file and in the boot parameters.
pub(super) const HEADER_START: usize = 0x1f1;
/// The 64-bit entry's distance from the start of the protected-mode code.
const ENTRY_64: u64 = 0x200;
/// Oldest version with `xloadflags`.
const OLDEST_VERSION: u16 = 0x020c;
/// "HdrS".
const MAGIC: u32 = 0x5372_6448;
/// Place of `loadflags`.
const LOAD_FLAGS: usize = 0x211;
/// `loadflags`: loads at 1 MiB or above.
const LOADED_HIGH: u8 = 1;
/// `loadflags`: the kernel's address was picked at random.
const MOVED: u8 = 1 << 1;
/// `xloadflags`: has the 64-bit entry.
const KERNEL_64: u16 = 1;

/// A kernel whose header was checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kernel {
    /// Where the header ends, behind [`HEADER_START`].
    pub(super) header_end: usize,
    /// Where the protected-mode code starts in the file.
    pub(super) code_offset: u64,
    /// Its bytes.
    pub(super) code_bytes: u64,
    /// Where in the code the kernel proper stands, packed or not.
    pub(super) payload_offset: u64,
    /// Its bytes.
    pub(super) payload_bytes: u64,
    /// Where it is loaded.
    pub(super) load_address: u64,
    /// Multiples of this are as good.
    pub(super) alignment: u64,
    /// Memory from there that it uses before it reads the memory map.
    pub(super) initial_bytes: u64,
    /// Most bytes of the command line, without its end.
    pub(super) command_line_max: u32,
    /// Highest address that the initial RAM disk may reach.
    pub(super) initrd_last: u64,
}

impl Kernel {
    /// The address of the 64-bit entry, in front of a packed kernel.
    pub(super) fn entry(&self) -> u64 {
        self.load_address + ENTRY_64
    }

    /// Whether a range of addresses lies in the memory that the kernel uses at first.
    pub(super) fn contains(&self, address: u64, bytes: u64) -> bool {
        let end = address.checked_add(bytes);
        address >= self.load_address
            && end.is_some_and(|end| end <= self.load_address + self.initial_bytes)
    }
}

/// Checks the header of `image`, whose first bytes are `head`.
pub(super) fn check(
    image: &(impl Image + ?Sized),
    head: &[u8; HEAD_BYTES],
) -> Result<Kernel, BootError> {
    let bytes = image.length();
    if bytes < HEAD_BYTES as u64 {
        return Err(BootError::KernelMissing { bytes });
    }
    let header = Header(head);
    if header.u16(0x1fe) != 0xaa55 || header.u32(0x202) != MAGIC || header.u8(0x200) != 0xeb {
        return Err(BootError::NotLinux);
    }
    let version = header.u16(0x206);
    if version < OLDEST_VERSION {
        return Err(BootError::ProtocolTooOld { version });
    }
    if header.u8(LOAD_FLAGS) & LOADED_HIGH == 0 {
        return Err(BootError::LoadsLow);
    }
    if header.u16(0x236) & KERNEL_64 == 0 {
        return Err(BootError::Not64Bit);
    }
    if header.u8(0x234) == 0 {
        return Err(BootError::NotRelocatable);
    }
    let kernel = Kernel {
        header_end: 0x202 + usize::from(header.u8(0x201)),
        code_offset: code_offset(&header),
        code_bytes: u64::from(header.u32(0x1f4)) * 16,
        payload_offset: u64::from(header.u32(0x248)),
        payload_bytes: u64::from(header.u32(0x24c)),
        load_address: header.u64(0x258),
        alignment: u64::from(header.u32(0x230)),
        initial_bytes: u64::from(header.u32(0x260)),
        command_line_max: header.u32(0x238),
        initrd_last: u64::from(header.u32(0x22c)),
    };
    check_size(&kernel, bytes)?;
    check_place(&kernel)?;
    Ok(kernel)
}

/// Tells the kernel that it was moved, so that it moves its other regions too.
pub(super) fn mark_moved(head: &mut [u8; HEAD_BYTES]) {
    head[LOAD_FLAGS] |= MOVED;
}

/// Behind the boot sector and the setup sectors; none means four.
fn code_offset(header: &Header<'_>) -> u64 {
    let sectors = match header.u8(0x1f1) {
        0 => 4,
        sectors => u64::from(sectors),
    };
    (sectors + 1) * 512
}

/// The file may be padded or signed behind the code, but not shorter.
fn check_size(kernel: &Kernel, bytes: u64) -> Result<(), BootError> {
    let expected = kernel.code_offset + kernel.code_bytes;
    if kernel.code_bytes == 0 || bytes < expected {
        return Err(BootError::KernelTruncated { expected, bytes });
    }
    Ok(())
}

fn check_place(kernel: &Kernel) -> Result<(), BootError> {
    let aligned =
        kernel.alignment.is_power_of_two() && kernel.load_address.is_multiple_of(kernel.alignment);
    let high = (0x10_0000..1 << 32).contains(&kernel.load_address);
    let header_fits = kernel.header_end <= HEAD_BYTES && kernel.header_end >= 0x264;
    if aligned && high && header_fits && kernel.initial_bytes >= kernel.code_bytes {
        Ok(())
    } else {
        Err(BootError::BadPlacement)
    }
}

/// Little-endian fields at fixed offsets below [`HEAD_BYTES`].
struct Header<'a>(&'a [u8; HEAD_BYTES]);

impl Header<'_> {
    fn bytes<const N: usize>(&self, at: usize) -> [u8; N] {
        let mut bytes = [0; N];
        for (byte, place) in bytes.iter_mut().zip(self.0.iter().skip(at)) {
            *byte = *place;
        }
        bytes
    }

    fn u8(&self, at: usize) -> u8 {
        u8::from_le_bytes(self.bytes(at))
    }

    fn u16(&self, at: usize) -> u16 {
        u16::from_le_bytes(self.bytes(at))
    }

    fn u32(&self, at: usize) -> u32 {
        u32::from_le_bytes(self.bytes(at))
    }

    fn u64(&self, at: usize) -> u64 {
        u64::from_le_bytes(self.bytes(at))
    }
}
