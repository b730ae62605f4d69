//! The transfer of capabilities in a message.

use sel4_sys::{MessageInfo, ipc_buffer};

use crate::capability::Capability;
use crate::lookup::Role;
use crate::message::BufferUse;
use crate::{BufferRef, EndpointRef, Kernel, Machine, SlotRef, TcbRef};

/// The most capabilities in a message.
pub(crate) const MAX_CAPS: usize = 3;

impl<M: Machine> Kernel<M> {
    /// Hands over the sender's extra capabilities as far as the receiver has room, and says so in `info`.
    pub(super) fn transfer_caps(
        &self,
        sender: TcbRef,
        receiver: TcbRef,
        endpoint: Option<EndpointRef>,
        info: MessageInfo,
    ) -> MessageInfo {
        let count = self.tcb(sender).message_info().extra_caps();
        let Ok(slots) = self.lookup_extra_caps(sender, count) else {
            return info;
        };
        let Some(buffer) = self.buffer(receiver, BufferUse::Write) else {
            return info;
        };
        let mut free_slot = self.receive_slot(receiver, buffer);
        let mut unwrapped = 0;
        let mut received = 0;
        for slot in slots.into_iter().flatten() {
            match self.slot(slot).capability() {
                // A capability to the endpoint itself arrives as its badge.
                Capability::Endpoint(cap) if Some(cap.object) == endpoint => {
                    let word = ipc_buffer::CAPS_OR_BADGES + received;
                    self.machine().store(buffer.word(word), cap.badge);
                    unwrapped |= 1 << received;
                }
                capability => {
                    let Some(target) = free_slot.take() else {
                        break;
                    };
                    let Ok(copy) = capability.copied(|| self.first_child(slot).is_some()) else {
                        break;
                    };
                    self.insert_copy(&copy, slot, target);
                }
            }
            received += 1;
        }
        MessageInfo::new(info.label(), received, info.length()).with_caps_unwrapped(unwrapped)
    }

    /// The slots of the capabilities that a message names.
    pub(crate) fn lookup_extra_caps(
        &self,
        sender: TcbRef,
        count: u64,
    ) -> Result<[Option<SlotRef>; MAX_CAPS], (u64, crate::error::LookupFailure)> {
        let mut slots = [None; MAX_CAPS];
        if count == 0 {
            return Ok(slots);
        }
        let Some(buffer) = self.buffer(sender, BufferUse::Read) else {
            return Ok(slots);
        };
        for (slot, index) in slots.iter_mut().zip(0..count) {
            let word = ipc_buffer::CAPS_OR_BADGES + index;
            let address = self.machine().load(buffer.word(word));
            let found = self
                .lookup_slot(sender, address)
                .map_err(|failure| (address, failure))?;
            *slot = Some(found);
        }
        Ok(slots)
    }

    /// The empty slot that a receiver has set aside for a capability.
    fn receive_slot(&self, receiver: TcbRef, buffer: BufferRef) -> Option<SlotRef> {
        let word = |index| self.machine().load(buffer.word(index));
        let (_, root) = self
            .lookup_capability(receiver, word(ipc_buffer::RECEIVE_CNODE))
            .ok()?;
        let slot = self
            .lookup_slot_in(
                root,
                word(ipc_buffer::RECEIVE_INDEX),
                word(ipc_buffer::RECEIVE_DEPTH),
                Role::Destination,
            )
            .ok()?;
        self.slot(slot).is_empty().then_some(slot)
    }
}
