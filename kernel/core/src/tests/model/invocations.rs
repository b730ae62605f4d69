//! Operations on CNodes, untyped memory and threads in the model.

use sel4_sys::{Error, invocation as label, object::ObjectType};

use super::Model;
use super::calls::Call;
use super::capabilities::{Cap, Kind, ObjectId, Place};
use super::threads::State;

impl Model {
    pub(super) fn invoke(&mut self, cap: Cap, kind: Kind, call: &Call) -> Result<(), Error> {
        match kind {
            Kind::CNode { .. } => self.invoke_cnode(cap, call),
            Kind::Untyped { bits } => self.retype(cap, bits, call),
            Kind::Thread(thread) => self.invoke_thread(thread, call),
            Kind::Endpoint | Kind::Notification | Kind::Reply => Err(Error::InvalidCapability),
        }
    }

    fn invoke_cnode(&mut self, table: Cap, call: &Call) -> Result<(), Error> {
        if !(label::CNODE_REVOKE..=label::CNODE_MOVE).contains(&call.label) {
            return Err(Error::IllegalOperation);
        }
        let at = slot(table, call.words[0])?;
        match call.label {
            label::CNODE_DELETE => self.delete(at),
            label::CNODE_REVOKE => self.revoke(at),
            label::CNODE_CANCEL_BADGED_SENDS => self.cancel_badged_sends(at)?,
            label::CNODE_COPY => self.copy(at, call, None)?,
            label::CNODE_MINT => self.copy(at, call, Some(call.words[5]))?,
            _ => {
                let (from, _) = self.source(at, call)?;
                self.capabilities.transfer(from, at);
            }
        }
        Ok(())
    }

    /// The capability that an operation starts from; the other slot must be empty.
    fn source(&self, to: Place, call: &Call) -> Result<(Place, Cap), Error> {
        if self.capabilities.get(to).is_some() {
            return Err(Error::DeleteFirst);
        }
        let table = match self.named(call.caps[0]) {
            Some((cap, Kind::CNode { .. })) => cap,
            _ => return Err(Error::FailedLookup),
        };
        let from = slot(table, call.words[2])?;
        let cap = self.capabilities.get(from).ok_or(Error::FailedLookup)?;
        Ok((from, cap))
    }

    fn copy(&mut self, to: Place, call: &Call, badge: Option<u64>) -> Result<(), Error> {
        let (from, cap) = self.source(to, call)?;
        let kind = self.capabilities.kind(cap.object);
        let badge = match (kind, badge) {
            (Kind::Endpoint | Kind::Notification, Some(badge)) if cap.badge == 0 => badge,
            (Kind::Endpoint | Kind::Notification, Some(_)) => return Err(Error::IllegalOperation),
            (Kind::CNode { .. }, Some(guard_bits)) => guard_bits,
            (Kind::Untyped { .. }, _) if self.capabilities.has_children(from) => {
                return Err(Error::RevokeFirst);
            }
            _ => cap.badge,
        };
        self.capabilities.copy(from, to, badge, call.words[4]);
        Ok(())
    }

    fn cancel_badged_sends(&mut self, at: Place) -> Result<(), Error> {
        let cap = self.capabilities.get(at).ok_or(Error::IllegalOperation)?;
        if self.capabilities.kind(cap.object) != Kind::Endpoint || cap.rights != 15 {
            return Err(Error::IllegalOperation);
        }
        for thread in self.threads.queue(cap.object).to_vec() {
            if let State::Sending(_, sending) = &self.threads.get(thread).state
                && cap.badge != 0
                && sending.badge == cap.badge
            {
                self.threads.wake(thread);
            }
        }
        Ok(())
    }

    fn revoke(&mut self, at: Place) {
        let mut places = self.capabilities.descendants(at);
        places.sort_by_key(|place| self.order.get(place));
        for place in places {
            // A capability may lie inside what was derived from it: with it the revocation ends.
            if self.capabilities.get(at).is_some() {
                self.delete(place);
            }
        }
    }

    fn delete(&mut self, at: Place) {
        if let Some(object) = self.capabilities.remove(at) {
            self.destroy(object);
        }
    }

    /// Nobody names the object any more.
    fn destroy(&mut self, object: ObjectId) {
        match self.capabilities.kind(object) {
            Kind::Endpoint => self.threads.wake_all(object),
            Kind::Notification => {
                self.threads.wake_all(object);
                self.threads.signals.remove(&object);
                if let Some(thread) = self.threads.of_notification(object) {
                    self.threads.get(thread).bound = None;
                }
            }
            Kind::Reply => {
                if let Some(thread) = self.threads.of_reply(object) {
                    self.threads.cancel(thread);
                }
            }
            Kind::CNode { radix } => {
                for index in (0..1 << radix).rev() {
                    self.delete(Place::new(object, index));
                }
            }
            Kind::Untyped { .. } | Kind::Thread(_) => {}
        }
    }

    fn retype(&mut self, cap: Cap, bits: u8, call: &Call) -> Result<(), Error> {
        if call.label != label::UNTYPED_RETYPE {
            return Err(Error::IllegalOperation);
        }
        let [object, size, _, _, first, count] = call.words;
        let (kind, object_bits) = made(object, size);
        let table = match self.named(call.caps[0]) {
            Some((cap, Kind::CNode { radix })) if first < 1 << radix => {
                if count > (1 << radix) - first {
                    return Err(Error::RangeError);
                }
                cap.object
            }
            Some((_, Kind::CNode { .. })) => return Err(Error::RangeError),
            _ => return Err(Error::FailedLookup),
        };
        let slots = (first..first + count).map(|index| Place::new(table, index));
        if slots
            .clone()
            .any(|slot| self.capabilities.get(slot).is_some())
        {
            return Err(Error::DeleteFirst);
        }
        let untyped = Place::new(self.root, call.cptr);
        // Without children all of the memory is free again.
        let used = match self.capabilities.has_children(untyped) {
            true => cap.used,
            false => 0,
        };
        if ((1 << bits) - used) >> object_bits < count {
            return Err(Error::NotEnoughMemory);
        }
        let start = used.next_multiple_of(1 << object_bits);
        let addresses = (0..).map(|number| start + (number << object_bits));
        for (slot, offset) in slots.zip(addresses) {
            let address = self.capabilities.address(cap.object) + offset;
            self.capabilities.create(kind, address, untyped, slot);
        }
        let used = start + (count << object_bits);
        self.capabilities.set_used(untyped, used);
        Ok(())
    }

    fn invoke_thread(&mut self, thread: usize, call: &Call) -> Result<(), Error> {
        match call.label {
            label::TCB_SUSPEND => self.threads.cancel(thread),
            label::TCB_RESUME => self.threads.wake(thread),
            label::TCB_BIND_NOTIFICATION => {
                let notification = match self.named(call.caps[0]) {
                    Some((cap, Kind::Notification)) if cap.rights & 2 != 0 => cap.object,
                    _ => return Err(Error::IllegalOperation),
                };
                if self.threads.get(thread).bound.is_some()
                    || self.threads.of_notification(notification).is_some()
                    || !self.threads.queue(notification).is_empty()
                {
                    return Err(Error::IllegalOperation);
                }
                self.threads.get(thread).bound = Some(notification);
            }
            label::TCB_UNBIND_NOTIFICATION => {
                let bound = self.threads.get(thread).bound.take();
                bound.ok_or(Error::IllegalOperation)?;
            }
            _ => return Err(Error::IllegalOperation),
        }
        Ok(())
    }
}

/// A slot of a CNode. Calls name slots by as many bits as there are without a guard.
fn slot(table: Cap, index: u64) -> Result<Place, Error> {
    match table.badge {
        0 => Ok(Place::new(table.object, index)),
        _ => Err(Error::FailedLookup),
    }
}

/// What Retype makes of a type and a size, and the logarithm of its bytes.
fn made(object: u64, size: u64) -> (Kind, u64) {
    match object {
        _ if object == ObjectType::Untyped as u64 => {
            let bits = u8::try_from(size).expect("calls ask for small ones");
            (Kind::Untyped { bits }, size)
        }
        _ if object == ObjectType::Endpoint as u64 => (Kind::Endpoint, 4),
        _ if object == ObjectType::Notification as u64 => (Kind::Notification, 6),
        _ if object == ObjectType::Reply as u64 => (Kind::Reply, 5),
        _ => (Kind::CNode { radix: size }, size + 5),
    }
}
