//! A model of what the kernel promises, small enough to be checked by reading: capabilities are a
//! tree, queues are lists, nothing is encoded. Random system calls by several threads go to model and
//! kernel alike, and after each call the two must agree about every capability and who was derived
//! from whom, every untyped's watermark, every thread's state, every queue, and what was delivered.
//!
//! The model says nothing about time: which thread runs next is the kernel's choice, and the model
//! only knows which ones could.

mod calls;
mod capabilities;
mod compare;
mod invocations;
mod messages;
mod threads;

use std::collections::BTreeMap;
use std::vec::Vec;

use proptest::prelude::*;
use sel4_sys::{invocation as label, object::ObjectType, slot};

use super::invariants;
use super::world::World;
use calls::{Wish, any_wish};
use capabilities::{Capabilities, Kind, ObjectId, Place};
use threads::Threads;

/// Slots of the root server's CNode that the calls use.
const SLOTS: u64 = 20;
/// Radix of the CNodes that calls make.
const RADIX: u64 = 2;
/// Priorities of the threads; the first is the root server's.
const PRIORITIES: [u8; 4] = [100, 200, 100, 50];
/// Memory that the calls start with, in bits.
const MEMORY_BITS: u8 = 10;

/// What the kernel promises.
pub(super) struct Model {
    capabilities: Capabilities,
    threads: Threads,
    /// The root server's CNode.
    root: ObjectId,
    /// In which order a revocation deletes, which is the kernel's choice: earlier ones first.
    order: BTreeMap<Place, usize>,
}

/// A kernel, its model, and what ties them.
struct Pair {
    world: World,
    model: Model,
    /// First of the slots that calls use.
    base: u64,
    /// Of every thread, in the order of `PRIORITIES`.
    tcbs: Vec<crate::TcbRef>,
    tcb_slots: Vec<u64>,
}

impl Pair {
    fn new() -> Self {
        let world = World::new();
        let mut tcbs = std::vec![world.root];
        let mut tcb_slots = std::vec![slot::TCB];
        for priority in &PRIORITIES[1..] {
            let thread = world.new_passive(u64::from(*priority));
            let context = world.new_context(1000, 1000);
            world.expect(context, label::SCHED_CONTEXT_BIND, &[], &[thread.slot]);
            world.expect(thread.slot, label::TCB_RESUME, &[], &[]);
            tcbs.push(thread.thread);
            tcb_slots.push(thread.slot);
        }
        let base = world.make(ObjectType::Untyped, u64::from(MEMORY_BITS));
        world.set_root_priority(u64::from(PRIORITIES[0]));
        let mut capabilities = Capabilities::default();
        let root = capabilities.add_object(Kind::CNode { radix: 13 }, 0);
        capabilities.add_first(root, Place::new(root, slot::CNODE));
        for (index, tcb_slot) in tcb_slots.iter().enumerate() {
            let thread = capabilities.add_object(Kind::Thread(index), 0);
            capabilities.add_first(thread, Place::new(root, *tcb_slot));
        }
        let start = compare::untyped_start(&world, base);
        let memory = capabilities.add_object(Kind::Untyped { bits: MEMORY_BITS }, start);
        capabilities.add_first(memory, Place::new(root, base));
        Self {
            model: Model {
                capabilities,
                threads: Threads::new(&PRIORITIES),
                root,
                order: BTreeMap::new(),
            },
            world,
            base,
            tcbs,
            tcb_slots,
        }
    }

    /// The thread that the kernel runs; nothing while it waits for an interrupt.
    fn current(&self) -> Option<usize> {
        let current = self.world.kernel.current()?;
        self.tcbs.iter().position(|tcb| *tcb == current)
    }

    /// When all threads wait for each other, somebody with the right to do so resumes them.
    fn wake_everybody(&mut self) {
        for (thread, tcb) in self.tcbs.iter().enumerate() {
            self.world.kernel.restart(*tcb);
            self.model.threads.wake(thread);
        }
        self.world.kernel.leave();
    }

    /// Lets the current thread make the call that it wishes, in both.
    fn step(&mut self, wish: &Wish) {
        let Some(current) = self.current() else {
            return self.wake_everybody();
        };
        let call = wish.choose(self);
        if call.label == label::CNODE_REVOKE {
            self.model.order = compare::deletion_order(self);
        }
        call.perform(&self.world);
        let delivered = self.model.system_call(current, &call);
        compare::check(self, current, &delivered, &call);
    }
}

/// What there is to begin with.
const FURNITURE: [(ObjectType, u64, u64); 4] = [
    (ObjectType::Endpoint, 0, 2),
    (ObjectType::Notification, 0, 1),
    (ObjectType::Reply, 0, 3),
    (ObjectType::CNode, RADIX, 1),
];

/// Every call of the list, compared one by one.
fn play(wishes: &[Wish]) {
    let mut pair = Pair::new();
    for (object, size, count) in FURNITURE {
        pair.step(&Wish::make(object, size, count));
    }
    for wish in wishes {
        pair.step(wish);
    }
    invariants::check(&pair.world);
    invariants::check_objects(&pair.world);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn random_calls_do_what_the_model_says(wishes in prop::collection::vec(any_wish(), 1..80)) {
        play(&wishes);
    }
}
