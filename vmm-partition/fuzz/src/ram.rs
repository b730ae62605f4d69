//! A guest's RAM.

use std::{cell::RefCell, rc::Rc};

use vmm_partition_core::{GuestAddress, GuestMemory, OutsideMemory};

/// RAM that the monitor and the guest's processor both reach.
#[derive(Clone)]
pub struct Ram(Rc<RefCell<Vec<u8>>>);

impl Ram {
    /// RAM of `length` bytes that starts with `contents`.
    pub fn new(length: usize, contents: &[u8]) -> Self {
        let mut bytes = vec![0; length];
        for (place, byte) in bytes.iter_mut().zip(contents) {
            *place = *byte;
        }
        Self(Rc::new(RefCell::new(bytes)))
    }
}

impl GuestMemory for Ram {
    fn size(&self) -> u64 {
        self.0.borrow().len() as u64
    }

    fn read(&self, address: GuestAddress, buffer: &mut [u8]) -> Result<(), OutsideMemory> {
        let start = usize::try_from(address.0).map_err(|_| OutsideMemory)?;
        let end = start.checked_add(buffer.len()).ok_or(OutsideMemory)?;
        buffer.copy_from_slice(self.0.borrow().get(start..end).ok_or(OutsideMemory)?);
        Ok(())
    }

    fn write(&self, address: GuestAddress, bytes: &[u8]) -> Result<(), OutsideMemory> {
        let start = usize::try_from(address.0).map_err(|_| OutsideMemory)?;
        let end = start.checked_add(bytes.len()).ok_or(OutsideMemory)?;
        let mut ram = self.0.borrow_mut();
        ram.get_mut(start..end)
            .ok_or(OutsideMemory)?
            .copy_from_slice(bytes);
        Ok(())
    }
}
