//! Where threads' own capabilities lead.
//!
//! Every switch to a thread asks for its address space, every system call for a slot of its CNode. What the
//! answers follow from rarely changes, so each thread remembers them with the count of changes at that time.
//! Whatever may change an answer counts: a thread gets or loses such a capability, an address-space
//! identifier names another root. The current thread's route is always up to date.

use crate::address::TcbSlot;
use crate::capability::{Capability, direct_slots};
use crate::{Kernel, Machine, SlotRef, TableRef, TcbRef};

impl<M: Machine> Kernel<M> {
    /// The space that a thread runs in, if it has a valid one.
    #[inline(always)]
    pub(crate) fn space_of_thread(&self, thread: TcbRef) -> Option<TableRef> {
        let route = &self.tcb(thread).route;
        if route.epoch.get() != self.route_epoch.get() {
            self.find_route(thread);
        }
        route.space.get()
    }

    /// The slot at a capability address of the current thread, if it is among those that its root CNode
    /// names directly.
    #[inline(always)]
    pub(crate) fn direct_slot(&self, current: TcbRef, address: u64) -> Option<SlotRef> {
        let route = &self.tcb(current).route;
        if address >= route.slot_count.get() {
            return None;
        }
        Some(route.slots.get()?.in_cnode(address))
    }

    /// A thread's capabilities, or what they lead to, may have changed.
    pub(crate) fn forget_routes(&self) {
        self.route_epoch.set(self.route_epoch.get() + 1);
        if let Some(current) = self.current() {
            self.find_route(current);
        }
    }

    #[cold]
    fn find_route(&self, thread: TcbRef) {
        let route = &self.tcb(thread).route;
        let cspace = self.slot(thread.slot(TcbSlot::CSpace)).words();
        let (slots, count) =
            direct_slots(cspace).map_or((None, 0), |(slots, count)| (Some(slots), count));
        route.slots.set(slots);
        route.slot_count.set(count);
        route.space.set(self.named_space(thread));
        route.epoch.set(self.route_epoch.get());
    }

    /// The space that the thread's capability and its identifier name.
    pub(crate) fn named_space(&self, thread: TcbRef) -> Option<TableRef> {
        match self.slot(thread.slot(TcbSlot::VSpace)).capability() {
            Capability::Table(root) => root
                .mapping
                .and_then(|mapping| self.space_of(mapping.asid))
                .filter(|named| *named == root.object),
            _ => None,
        }
    }
}
