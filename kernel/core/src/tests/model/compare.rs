//! Holds the kernel's state against the model's.

use std::collections::{BTreeMap, BTreeSet};
use std::vec::Vec;

use sel4_sys::slot;

use super::Pair;
use super::calls::Call;
use super::capabilities::{Cap, Kind, ObjectId, Place};
use super::messages::Delivery;
use super::threads::State;
use crate::capability::Capability;
use crate::object::{Queue, ThreadState};
use crate::tests::world::World;
use crate::{EndpointRef, NotificationRef, ReplyRef, SlotRef, Store};

/// Physical start of the untyped memory in a slot of the root server.
pub(super) fn untyped_start(world: &World, index: u64) -> u64 {
    match world.capability(index) {
        Capability::Untyped(untyped) => untyped.start.0,
        other => panic!("{other:?}"),
    }
}

/// Where each capability stands in the kernel's list.
pub(super) fn deletion_order(pair: &Pair) -> BTreeMap<Place, usize> {
    let rank = |place| {
        let slots = core::iter::successors(Some(pair.slot_of(place)), |slot| {
            pair.world.kernel.slot(*slot).previous()
        });
        slots.count()
    };
    let capabilities = pair.model.capabilities.all();
    capabilities
        .map(|(place, _)| (place, rank(place)))
        .collect()
}

/// Compares everything after a call of this thread.
pub(super) fn check(pair: &Pair, caller: usize, delivered: &[Delivery], call: &Call) {
    let context = std::format!("after thread {caller}: {call:x?}");
    for delivery in delivered {
        check_delivery(pair, delivery, &context);
    }
    check_capabilities(pair, &context);
    check_derivation(pair, &context);
    check_threads(pair, &context);
    check_objects(pair, &context);
}

impl Pair {
    fn slot_of(&self, place: Place) -> SlotRef {
        if place.table == self.model.root {
            let Capability::CNode(cnode) = self.world.capability(slot::CNODE) else {
                panic!("the root server has lost its CNode");
            };
            return cnode.slot(place.index);
        }
        let base = self.address(place.table);
        SlotRef::new(base).expect("not zero").offset(place.index)
    }

    /// The kernel's address of an object.
    fn address(&self, object: ObjectId) -> u64 {
        let physical = self.model.capabilities.address(object);
        self.world
            .kernel
            .machine()
            .kernel_address(crate::PhysicalAddress(physical))
    }

    /// Every slot that calls can fill.
    fn places(&self) -> Vec<Place> {
        let root = self.model.root;
        let mut places: Vec<Place> = (self.base..self.base + super::SLOTS)
            .map(|index| Place::new(root, index))
            .collect();
        let mut tables = BTreeSet::new();
        for (_, cap) in self.model.capabilities.all() {
            if let Kind::CNode { radix } = self.model.capabilities.kind(cap.object)
                && cap.object != root
                && tables.insert(cap.object)
            {
                places.extend((0..1 << radix).map(|index| Place::new(cap.object, index)));
            }
        }
        places
    }
}

fn check_capabilities(pair: &Pair, context: &str) {
    for place in pair.places() {
        let seen = pair.world.kernel.slot(pair.slot_of(place)).capability();
        let expected = pair.model.capabilities.get(place);
        match expected {
            None => assert_eq!(seen, Capability::Null, "{place:?} {context}"),
            Some(cap) => assert!(
                agrees(pair, &cap, &seen),
                "{place:?}: {cap:?} but {seen:?} {context}"
            ),
        }
    }
}

/// Whether the kernel's capability is the model's.
fn agrees(pair: &Pair, cap: &Cap, seen: &Capability) -> bool {
    let kind = pair.model.capabilities.kind(cap.object);
    let here = |address| address == pair.address(cap.object);
    match (kind, seen) {
        (Kind::Untyped { bits }, Capability::Untyped(seen)) => {
            let start = pair.model.capabilities.address(cap.object);
            (seen.start.0, seen.size_bits, seen.used) == (start, bits, cap.used)
        }
        (Kind::Endpoint, Capability::Endpoint(seen)) => {
            here(seen.object.address()) && seen.badge == cap.badge && seen.rights.0 == cap.rights
        }
        (Kind::Notification, Capability::Notification(seen)) => {
            here(seen.object.address())
                && seen.badge == cap.badge
                && seen.rights.0 & 3 == cap.rights & 3
        }
        (Kind::Reply, Capability::Reply(seen)) => {
            here(seen.object.address()) && seen.can_grant == (cap.rights & 4 != 0)
        }
        (Kind::CNode { radix }, Capability::CNode(seen)) => {
            here(seen.base.address())
                && u64::from(seen.radix) == radix
                && (seen.guard, u64::from(seen.guard_size)) == (0, cap.badge)
        }
        (Kind::Thread(thread), Capability::Thread(seen)) => pair.tcbs[thread] == *seen,
        _ => false,
    }
}

/// The kernel keeps one list; who was derived from whom must follow from it as the tree says.
fn check_derivation(pair: &Pair, context: &str) {
    let kernel = &pair.world.kernel;
    let places = pair.places();
    for place in &places {
        let from = pair.slot_of(*place);
        let mut seen = BTreeSet::new();
        let mut next = kernel.slot(from).next();
        while let Some(slot) = next
            && kernel.is_parent(from, slot)
        {
            seen.insert(slot.address());
            next = kernel.slot(slot).next();
        }
        let expected: BTreeSet<u64> = pair
            .model
            .capabilities
            .descendants(*place)
            .into_iter()
            .map(|place| pair.slot_of(place).address())
            .collect();
        assert_eq!(seen, expected, "descendants of {place:?} {context}");
    }
}

fn check_threads(pair: &Pair, context: &str) {
    let kernel = &pair.world.kernel;
    for (number, thread) in pair.model.threads.threads.iter().enumerate() {
        let tcb = kernel.tcb(pair.tcbs[number]);
        let state = match &thread.state {
            // A thread that is to repeat its call can run as well.
            State::Running => match tcb.state.get() {
                ThreadState::Restart => ThreadState::Restart,
                _ => ThreadState::Running,
            },
            State::Inactive => ThreadState::Inactive,
            State::Sending(..) => ThreadState::BlockedOnSend,
            State::Receiving(_) => ThreadState::BlockedOnReceive,
            State::AwaitingReply => ThreadState::BlockedOnReply,
            State::AwaitingSignal(_) => ThreadState::BlockedOnNotification,
        };
        assert_eq!(tcb.state.get(), state, "thread {number} {context}");
        let reply = tcb.reply.get().map(ReplyRef::address);
        let expected = thread.reply.map(|reply| pair.address(reply));
        assert_eq!(reply, expected, "reply object of {number} {context}");
        let bound = tcb.bound_notification.get().map(NotificationRef::address);
        let expected = thread.bound.map(|bound| pair.address(bound));
        assert_eq!(bound, expected, "notification of {number} {context}");
    }
    let running = (0..pair.tcbs.len()).any(|thread| pair.model.threads.is_running(thread));
    assert_eq!(kernel.current().is_some(), running, "idle {context}");
}

fn check_objects(pair: &Pair, context: &str) {
    let kernel = &pair.world.kernel;
    let objects: BTreeSet<ObjectId> = pair
        .model
        .capabilities
        .all()
        .map(|(_, cap)| cap.object)
        .collect();
    for object in objects {
        let queue = match pair.model.capabilities.kind(object) {
            Kind::Endpoint => {
                let endpoint = EndpointRef::new(pair.address(object)).expect("not zero");
                waiting(pair, &kernel.endpoint(endpoint).queue)
            }
            Kind::Notification => {
                let notification = NotificationRef::new(pair.address(object)).expect("not zero");
                let state = kernel.notification(notification);
                let signal = state.active.get().then(|| state.badge.get());
                let expected = pair.model.threads.signals.get(&object).copied();
                assert_eq!(signal, expected, "signals of {object} {context}");
                waiting(pair, &state.queue)
            }
            _ => continue,
        };
        assert_eq!(
            queue,
            pair.model.threads.queue(object),
            "queue of {object} {context}"
        );
    }
}

/// The numbers of the threads in a queue.
fn waiting(pair: &Pair, queue: &Queue) -> Vec<usize> {
    let mut threads = Vec::new();
    let mut next = queue.head.get();
    while let Some(thread) = next {
        let number = pair.tcbs.iter().position(|tcb| *tcb == thread);
        threads.push(number.expect("only the threads wait"));
        next = pair.world.kernel.tcb(thread).queue_next.get();
    }
    threads
}

fn check_delivery(pair: &Pair, delivery: &Delivery, context: &str) {
    let world = &pair.world;
    match delivery {
        Delivery::Message(thread, badge, message) => {
            let tcb = pair.tcbs[*thread];
            assert_eq!(world.badge(tcb), *badge, "badge {context}");
            let got = world.message(tcb);
            assert_eq!(got.label, message.label, "label {context}");
            assert_eq!(got.words, message.words, "words {context}");
        }
        Delivery::Badge(thread, badge) => {
            assert_eq!(world.badge(pair.tcbs[*thread]), *badge, "badge {context}");
        }
        Delivery::Answer(thread, label) => {
            let got = world.message(pair.tcbs[*thread]);
            assert_eq!(got.label, *label, "answer {context}");
        }
    }
}
