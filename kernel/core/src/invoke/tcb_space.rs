//! Threads' spaces and IPC buffers.

use super::Invocation;
use crate::address::TcbSlot;
use crate::capability::{Capability, Level, same_object};
use crate::error::{Error, Stop};
use crate::{Kernel, Machine, SlotRef, TcbRef};

/// A capability that shall become one of a thread's own, and where it comes from.
pub(super) type Source = (SlotRef, Capability);

/// Alignment of an IPC buffer.
const BUFFER_BYTES: u64 = 1024;

/// Address and frame of a thread's new IPC buffer; without a frame it has none.
type Buffer = (u64, Source);

impl<M: Machine> Kernel<M> {
    pub(super) fn tcb_configure(&self, invocation: &Invocation, tcb: TcbRef) -> Result<(), Stop> {
        invocation.require(3, 3)?;
        let buffer = self.buffer_argument(invocation, 2, 2)?;
        self.ensure_cspace_is_shared(tcb)?;
        let cspace = self.cspace_argument(invocation, 0)?;
        let vspace = self.vspace_argument(invocation, 1)?;
        self.replace_space(invocation, tcb, &cspace, &vspace)?;
        self.replace_buffer(invocation, tcb, &buffer)
    }

    pub(super) fn tcb_set_space(&self, invocation: &Invocation, tcb: TcbRef) -> Result<(), Stop> {
        invocation.require(2, 3)?;
        self.ensure_cspace_is_shared(tcb)?;
        let cspace = self.cspace_argument(invocation, 1)?;
        let vspace = self.vspace_argument(invocation, 2)?;
        let handler = self.handler_argument(invocation, 0, 1)?;
        self.replace_own_capability(invocation, tcb, TcbSlot::FaultHandler, &handler)?;
        self.replace_space(invocation, tcb, &cspace, &vspace)
    }

    pub(super) fn tcb_set_ipc_buffer(
        &self,
        invocation: &Invocation,
        tcb: TcbRef,
    ) -> Result<(), Stop> {
        invocation.require(1, 1)?;
        let buffer = self.buffer_argument(invocation, 0, 0)?;
        self.replace_buffer(invocation, tcb, &buffer)
    }

    /// Refuses a thread that holds the last capability to its CNode: replacing it could take long.
    fn ensure_cspace_is_shared(&self, tcb: TcbRef) -> Result<(), Error> {
        let slot = tcb.slot(TcbSlot::CSpace);
        if !self.slot(slot).is_empty() && self.is_final(slot) {
            return Err(Error::IllegalOperation);
        }
        Ok(())
    }

    /// Word 0 and extra capability `index`: a CNode, with a new guard unless the word is zero.
    fn cspace_argument(&self, invocation: &Invocation, index: usize) -> Result<Source, Error> {
        let (slot, capability) = self.extra(invocation, index)?;
        let data = self.argument(invocation, 0);
        let capability = if data == 0 {
            capability
        } else {
            capability.minted(data)
        };
        match self.copy_of(capability, slot)? {
            cnode @ Capability::CNode(_) => Ok((slot, cnode)),
            _ => Err(Error::IllegalOperation),
        }
    }

    /// Extra capability `index`: a root in use.
    fn vspace_argument(&self, invocation: &Invocation, index: usize) -> Result<Source, Error> {
        let (slot, capability) = self.extra(invocation, index)?;
        match self.copy_of(capability, slot)? {
            Capability::Table(root)
                if root.level == Level::Root && !root.nested && root.mapping.is_some() =>
            {
                Ok((slot, Capability::Table(root)))
            }
            _ => Err(Error::IllegalOperation),
        }
    }

    fn buffer_argument(
        &self,
        invocation: &Invocation,
        word: u64,
        index: usize,
    ) -> Result<Buffer, Error> {
        let address = self.argument(invocation, word);
        let (slot, capability) = self.extra(invocation, index)?;
        if address == 0 {
            return Ok((address, (slot, Capability::Null)));
        }
        match self.copy_of(capability, slot)? {
            Capability::Frame(frame) if frame.device => Err(Error::IllegalOperation),
            Capability::Frame(_) if !address.is_multiple_of(BUFFER_BYTES) => Err(Error::Alignment),
            frame @ Capability::Frame(_) => Ok((address, (slot, frame))),
            _ => Err(Error::IllegalOperation),
        }
    }

    fn replace_space(
        &self,
        invocation: &Invocation,
        tcb: TcbRef,
        cspace: &Source,
        vspace: &Source,
    ) -> Result<(), Stop> {
        self.replace_own_capability(invocation, tcb, TcbSlot::CSpace, cspace)?;
        self.replace_own_capability(invocation, tcb, TcbSlot::VSpace, vspace)?;
        if self.current() == Some(tcb) {
            self.activate_space_of(tcb);
        }
        Ok(())
    }

    fn replace_buffer(
        &self,
        invocation: &Invocation,
        tcb: TcbRef,
        (address, frame): &Buffer,
    ) -> Result<(), Stop> {
        self.replace_own_capability(invocation, tcb, TcbSlot::Buffer, frame)?;
        self.tcb(tcb).buffer_address.set(*address);
        Ok(())
    }

    /// Replaces one of the invoked thread's own capabilities by a copy of another, or by nothing. Deleting
    /// the old one may destroy anything, the new one or the thread included; then the slot stays empty.
    pub(super) fn replace_own_capability(
        &self,
        invocation: &Invocation,
        tcb: TcbRef,
        which: TcbSlot,
        (source, new): &Source,
    ) -> Result<(), Stop> {
        let slot = tcb.slot(which);
        self.delete(slot)?;
        if self.slot(invocation.slot).capability() == Capability::Thread(tcb)
            && same_object(self.slot(*source).words(), new.encode())
        {
            self.insert_copy(new, *source, slot);
            self.forget_routes();
        }
        Ok(())
    }
}
