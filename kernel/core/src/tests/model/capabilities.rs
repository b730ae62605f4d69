//! Who holds what, and from what it was derived.

use std::collections::BTreeMap;
use std::vec::Vec;

/// An object, alive or not; numbers are never used again.
pub(super) type ObjectId = usize;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Untyped {
        bits: u8,
    },
    Endpoint,
    Notification,
    Reply,
    CNode {
        radix: u64,
    },
    /// By its number.
    Thread(usize),
}

/// A slot: which CNode, and the index in it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Place {
    pub(super) table: ObjectId,
    pub(super) index: u64,
}

impl Place {
    pub(super) fn new(table: ObjectId, index: u64) -> Self {
        Self { table, index }
    }
}

/// A capability.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Cap {
    pub(super) object: ObjectId,
    /// Of a CNode: bits of its guard, which are all zero.
    pub(super) badge: u64,
    /// Write 1, read 2, grant 4, grant reply 8.
    pub(super) rights: u64,
    /// Copies of it are its children; copies of a copy are its parent's.
    original: bool,
    parent: Option<Place>,
    /// Of an untyped: bytes given away.
    pub(super) used: u64,
}

#[derive(Default)]
pub(super) struct Capabilities {
    /// Kind and physical address.
    objects: Vec<(Kind, u64)>,
    slots: BTreeMap<Place, Cap>,
}

impl Capabilities {
    pub(super) fn add_object(&mut self, kind: Kind, address: u64) -> ObjectId {
        self.objects.push((kind, address));
        self.objects.len() - 1
    }

    pub(super) fn kind(&self, object: ObjectId) -> Kind {
        self.objects[object].0
    }

    pub(super) fn address(&self, object: ObjectId) -> u64 {
        self.objects[object].1
    }

    pub(super) fn get(&self, at: Place) -> Option<Cap> {
        self.slots.get(&at).copied()
    }

    pub(super) fn all(&self) -> impl Iterator<Item = (Place, Cap)> {
        self.slots.iter().map(|(place, cap)| (*place, *cap))
    }

    /// A capability that was there before the calls began.
    pub(super) fn add_first(&mut self, object: ObjectId, at: Place) {
        self.add(object, at, None);
    }

    fn add(&mut self, object: ObjectId, at: Place, parent: Option<Place>) {
        let cap = Cap {
            object,
            badge: 0,
            rights: 15,
            original: true,
            parent,
            used: 0,
        };
        self.slots.insert(at, cap);
    }

    /// A new object made of an untyped's memory.
    pub(super) fn create(&mut self, kind: Kind, address: u64, untyped: Place, at: Place) {
        let object = self.add_object(kind, address);
        self.add(object, at, Some(untyped));
    }

    pub(super) fn set_used(&mut self, untyped: Place, used: u64) {
        if let Some(cap) = self.slots.get_mut(&untyped) {
            cap.used = used;
        }
    }

    /// A copy with this badge and at most these rights.
    pub(super) fn copy(&mut self, from: Place, to: Place, badge: u64, rights: u64) {
        let Some(source) = self.get(from) else { return };
        let kind = self.kind(source.object);
        let original = match kind {
            Kind::Untyped { .. } => true,
            Kind::CNode { .. } => false,
            _ => badge != source.badge,
        };
        let rights = match kind {
            Kind::Endpoint => source.rights & rights,
            Kind::Notification => source.rights & (rights | 12),
            Kind::Reply => source.rights & (rights | 11),
            _ => source.rights,
        };
        let copy = Cap {
            badge,
            rights,
            original,
            parent: if source.original {
                Some(from)
            } else {
                source.parent
            },
            ..source
        };
        self.slots.insert(to, copy);
        if let Kind::Untyped { bits } = kind {
            // The memory is the copy's to give away now.
            self.set_used(from, 1 << bits);
        }
    }

    /// The same capability in another slot.
    pub(super) fn transfer(&mut self, from: Place, to: Place) {
        let Some(cap) = self.slots.remove(&from) else {
            return;
        };
        self.slots.insert(to, cap);
        self.adopt(from, Some(to));
    }

    /// Gives the children of one slot another parent.
    fn adopt(&mut self, from: Place, to: Option<Place>) {
        for cap in self.slots.values_mut() {
            if cap.parent == Some(from) {
                cap.parent = to;
            }
        }
    }

    pub(super) fn has_children(&self, of: Place) -> bool {
        self.slots.values().any(|cap| cap.parent == Some(of))
    }

    /// Everything derived from a capability, directly or not.
    pub(super) fn descendants(&self, of: Place) -> Vec<Place> {
        let is_below = |place: &Place| {
            let mut at = *place;
            while let Some(parent) = self.slots.get(&at).and_then(|cap| cap.parent) {
                if parent == of {
                    return true;
                }
                at = parent;
            }
            false
        };
        self.slots.keys().copied().filter(is_below).collect()
    }

    /// Empties a slot; answers the object if that was the last capability to it.
    pub(super) fn remove(&mut self, at: Place) -> Option<ObjectId> {
        let cap = self.slots.remove(&at)?;
        self.adopt(at, cap.parent);
        let named = self.slots.values().any(|other| other.object == cap.object);
        (!named).then_some(cap.object)
    }
}
