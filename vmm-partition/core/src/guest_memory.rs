//! The guest's RAM: addresses that a guest names, and copies in and out of it.
//!
//! Guest memory changes under our hands while the guest runs, so it is never borrowed: what is
//! needed is copied once, checked, and used as a copy.

/// An address in the guest's physical address space, as alleged by the guest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct GuestAddress(pub u64);

impl GuestAddress {
    /// The address `distance` bytes behind, if it exists.
    #[must_use]
    pub const fn checked_add(self, distance: u64) -> Option<Self> {
        match self.0.checked_add(distance) {
            Some(address) => Some(Self(address)),
            None => None,
        }
    }
}

/// Part of the range lies outside the guest's RAM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutsideMemory;

/// The guest's RAM, from guest-physical address 0 up.
pub trait GuestMemory {
    /// Bytes of RAM.
    fn size(&self) -> u64;

    /// Copies from the guest.
    ///
    /// # Errors
    ///
    /// [`OutsideMemory`] if any byte lies outside; the buffer's content is then unspecified.
    fn read(&self, address: GuestAddress, buffer: &mut [u8]) -> Result<(), OutsideMemory>;

    /// Copies to the guest.
    ///
    /// # Errors
    ///
    /// [`OutsideMemory`] if any byte lies outside; nothing is then written.
    fn write(&self, address: GuestAddress, bytes: &[u8]) -> Result<(), OutsideMemory>;

    /// Reads two bytes, little-endian.
    ///
    /// # Errors
    ///
    /// As [`GuestMemory::read`].
    fn read_u16(&self, address: GuestAddress) -> Result<u16, OutsideMemory> {
        let mut bytes = [0; 2];
        self.read(address, &mut bytes)?;
        Ok(u16::from_le_bytes(bytes))
    }

    /// Reads eight bytes, little-endian.
    ///
    /// # Errors
    ///
    /// As [`GuestMemory::read`].
    fn read_u64(&self, address: GuestAddress) -> Result<u64, OutsideMemory> {
        let mut bytes = [0; 8];
        self.read(address, &mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }
}
