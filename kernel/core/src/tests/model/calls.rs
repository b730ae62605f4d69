//! Random calls that often make sense.

use std::vec::Vec;

use proptest::prelude::*;
use sel4_sys::object::ObjectType;
use sel4_sys::{invocation as label, slot, syscall};

use super::capabilities::{Kind, Place};
use super::threads::Message;
use super::{Pair, RADIX, SLOTS};
use crate::message::DESTINATION_REGISTER;
use crate::tests::world::World;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Number {
    Call,
    Send,
    NbSend,
    Recv,
    NbRecv,
    Wait,
    NbWait,
    ReplyRecv,
    NbSendRecv,
    NbSendWait,
}

impl Number {
    fn value(self) -> i64 {
        match self {
            Self::Call => syscall::CALL,
            Self::Send => syscall::SEND,
            Self::NbSend => syscall::NB_SEND,
            Self::Recv => syscall::RECV,
            Self::NbRecv => syscall::NB_RECV,
            Self::Wait => syscall::WAIT,
            Self::NbWait => syscall::NB_WAIT,
            Self::ReplyRecv => syscall::REPLY_RECV,
            Self::NbSendRecv => syscall::NB_SEND_RECV,
            Self::NbSendWait => syscall::NB_SEND_WAIT,
        }
    }
}

/// A system call as the kernel gets it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Call {
    pub(super) number: Number,
    pub(super) cptr: u64,
    pub(super) reply: u64,
    /// Where NBSendRecv sends.
    pub(super) destination: u64,
    pub(super) label: u64,
    pub(super) words: [u64; 6],
    pub(super) caps: [u64; 1],
}

impl Call {
    pub(super) fn message(&self) -> Message {
        Message {
            label: self.label,
            words: self.words.to_vec(),
        }
    }

    /// What the first half of a combined call invokes.
    pub(super) fn first_half(&self) -> u64 {
        match self.number {
            Number::NbSendRecv => self.destination,
            _ => self.reply,
        }
    }

    /// The current thread makes it.
    pub(super) fn perform(&self, world: &World) {
        let current = world.kernel.current().expect("the caller has looked");
        world.set_message(current, self.label, &self.words, &self.caps);
        let context = &world.kernel.tcb(current).context;
        context.set(DESTINATION_REGISTER, self.destination);
        world.receive(self.number.value(), self.cptr, self.reply);
    }
}

/// What a thread wants to do, whatever there is to do it with.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wish {
    /// Send, call, or receive, by a number among those that make sense.
    Talk {
        number: Number,
        with: u16,
        reply: u16,
    },
    Signal {
        number: Number,
        with: u16,
    },
    Await {
        number: Number,
        with: u16,
    },
    Capabilities {
        label: u64,
        to: Target,
        from: Target,
        rights: u64,
        badge: u64,
    },
    /// Copy or mint what others can talk through.
    Share {
        label: u64,
        with: u16,
        to: Target,
        badge: u64,
    },
    Retype {
        memory: u16,
        object: ObjectType,
        size: u64,
        to: Target,
        count: u64,
    },
    Thread {
        label: u64,
        thread: u16,
        with: u16,
    },
    /// Any slots and words.
    Nonsense {
        number: Number,
        label: u64,
        slots: [u64; 3],
        index: u64,
    },
}

/// A slot: of the root server's CNode, or of a CNode that is there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target {
    node: Option<u16>,
    index: u64,
    /// Takes any slot.
    careless: bool,
}

/// What a slot should be for a call to make sense.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fill {
    Empty,
    Filled,
}

fn any_target() -> impl Strategy<Value = Target> {
    let node = prop::option::weighted(0.2, any::<u16>());
    (node, 0..SLOTS, prop::bool::weighted(0.1)).prop_map(|(node, index, careless)| Target {
        node,
        index,
        careless,
    })
}

fn any_number() -> impl Strategy<Value = Number> {
    prop_oneof![
        4 => Just(Number::Call),
        2 => Just(Number::Send),
        1 => Just(Number::NbSend),
        4 => Just(Number::Recv),
        1 => Just(Number::NbRecv),
        1 => Just(Number::Wait),
        1 => Just(Number::NbWait),
        5 => Just(Number::ReplyRecv),
        2 => Just(Number::NbSendRecv),
        2 => Just(Number::NbSendWait),
    ]
}

fn any_capability_operation() -> impl Strategy<Value = u64> {
    prop_oneof![
        3 => Just(label::CNODE_COPY),
        6 => Just(label::CNODE_MINT),
        2 => Just(label::CNODE_MOVE),
        2 => Just(label::CNODE_DELETE),
        2 => Just(label::CNODE_REVOKE),
        1 => Just(label::CNODE_CANCEL_BADGED_SENDS),
    ]
}

fn any_object() -> impl Strategy<Value = (ObjectType, u64)> {
    prop_oneof![
        4 => Just((ObjectType::Endpoint, 0)),
        3 => Just((ObjectType::Notification, 0)),
        3 => Just((ObjectType::Reply, 0)),
        2 => Just((ObjectType::CNode, RADIX)),
        2 => (4u64..9).prop_map(|bits| (ObjectType::Untyped, bits)),
    ]
}

pub(super) fn any_wish() -> impl Strategy<Value = Wish> {
    let talk = (any_number(), any::<u16>(), any::<u16>());
    let capabilities = (
        any_capability_operation(),
        any_target(),
        any_target(),
        prop_oneof![3 => Just(15), 1 => 0u64..16],
        prop_oneof![1 => Just(0), 4 => 1u64..4],
    );
    let share = (
        label::CNODE_COPY..=label::CNODE_MINT,
        any::<u16>(),
        any_target(),
        prop_oneof![3 => Just(1), 1 => Just(2)],
    );
    let retype = (any::<u16>(), any_object(), any_target(), 1u64..4);
    let thread = (
        label::TCB_SUSPEND..=label::TCB_UNBIND_NOTIFICATION,
        any::<u16>(),
        any::<u16>(),
    );
    let nonsense = (any_number(), 0u64..40, any::<[u8; 3]>(), 0..SLOTS);
    prop_oneof![
        12 => talk.prop_map(|(number, with, reply)| Wish::Talk { number, with, reply }),
        2 => (any_number(), any::<u16>()).prop_map(|(number, with)| Wish::Signal { number, with }),
        1 => (any_number(), any::<u16>()).prop_map(|(number, with)| Wish::Await { number, with }),
        10 => capabilities.prop_map(|(label, to, from, rights, badge)| {
            Wish::Capabilities { label, to, from, rights, badge }
        }),
        8 => share.prop_map(|(label, with, to, badge)| Wish::Share { label, with, to, badge }),
        4 => retype.prop_map(|(memory, (object, size), to, count)| {
            Wish::Retype { memory, object, size, to, count }
        }),
        2 => thread.prop_map(|(label, thread, with)| Wish::Thread { label, thread, with }),
        1 => nonsense.prop_map(|(number, label, slots, index)| {
            let slots = slots.map(|slot| u64::from(slot) % SLOTS);
            Wish::Nonsense { number, label, slots, index }
        }),
    ]
}

impl Wish {
    /// Objects out of the memory that is there first.
    pub(super) fn make(object: ObjectType, size: u64, count: u64) -> Self {
        let to = Target {
            node: None,
            index: 0,
            careless: false,
        };
        Self::Retype {
            memory: 0,
            object,
            size,
            to,
            count,
        }
    }

    /// The call that comes nearest to the wish as things stand.
    pub(super) fn choose(&self, pair: &Pair) -> Call {
        let endpoint = |with| pair.pick(with, |kind| kind == Kind::Endpoint);
        let notification = |with| pair.pick(with, |kind| kind == Kind::Notification);
        let reply = |with| pair.pick(with, |kind| kind == Kind::Reply);
        let plain = |number, cptr, reply| Call {
            number,
            cptr,
            reply,
            destination: 0,
            label: 7,
            words: [1, 2, 3, 4, 5, 6],
            caps: [0],
        };
        match *self {
            Self::Talk {
                number,
                with,
                reply: answer,
            } => {
                let sends =
                    |kind| matches!(kind, Kind::Endpoint | Kind::Notification | Kind::Reply);
                let destination = pair.pick(answer.rotate_left(5), sends);
                let second = match number {
                    Number::NbSendWait => destination,
                    _ => reply(answer),
                };
                Call {
                    destination,
                    ..plain(number, endpoint(with), second)
                }
            }
            Self::Signal { number, with } => {
                let call = matches!(number, Number::Call | Number::Send);
                let number = if call { number } else { Number::NbSend };
                // An answer to whoever waits for it is no different in kind.
                match with % 2 {
                    0 => plain(number, notification(with), reply(with)),
                    _ => plain(number, reply(with), reply(with)),
                }
            }
            Self::Await { number, with } => {
                let wait = matches!(number, Number::Wait | Number::Recv);
                let number = if wait { number } else { Number::NbWait };
                plain(number, notification(with), reply(with))
            }
            Self::Capabilities {
                label,
                to,
                from,
                rights,
                badge,
            } => {
                let takes_away = label < label::CNODE_COPY;
                let fill = if takes_away {
                    Fill::Filled
                } else {
                    Fill::Empty
                };
                let (to_table, to_index, to_depth) = pair.slot(to, fill);
                let (from_table, from_index, from_depth) = pair.slot(from, Fill::Filled);
                Call {
                    number: Number::Call,
                    cptr: to_table,
                    reply: 0,
                    destination: 0,
                    label,
                    words: [to_index, to_depth, from_index, from_depth, rights, badge],
                    caps: [from_table],
                }
            }
            Self::Share {
                label,
                with,
                to,
                badge,
            } => {
                let (table, index, depth) = pair.slot(to, Fill::Empty);
                let talks = |kind| matches!(kind, Kind::Endpoint | Kind::Notification);
                Call {
                    number: Number::Call,
                    cptr: table,
                    reply: 0,
                    destination: 0,
                    label,
                    words: [index, depth, pair.pick(with, talks), 64, 15, badge],
                    caps: [slot::CNODE],
                }
            }
            Self::Retype {
                memory,
                object,
                size,
                to,
                count,
            } => {
                let (table, index, _) = pair.slot(to, Fill::Empty);
                Call {
                    number: Number::Call,
                    cptr: pair.pick(memory, |kind| matches!(kind, Kind::Untyped { .. })),
                    reply: 0,
                    destination: 0,
                    label: label::UNTYPED_RETYPE,
                    words: [object as u64, size, 0, 0, index, count],
                    caps: [table],
                }
            }
            Self::Thread {
                label,
                thread,
                with,
            } => Call {
                number: Number::Call,
                cptr: pair.tcb_slots[usize::from(thread) % pair.tcb_slots.len()],
                reply: 0,
                destination: 0,
                label,
                words: [0; 6],
                caps: [notification(with)],
            },
            Self::Nonsense {
                number,
                label,
                slots,
                index,
            } => {
                let [cptr, reply, cap] = slots.map(|slot| pair.base + slot);
                // Not in the model with such words.
                let left_out = [
                    label::UNTYPED_RETYPE,
                    label::CNODE_MUTATE,
                    label::CNODE_ROTATE,
                ];
                Call {
                    number,
                    cptr,
                    reply,
                    destination: cap,
                    label: if left_out.contains(&label) { 0 } else { label },
                    words: [index % (1 << RADIX), RADIX, 0, RADIX, 15, 0],
                    caps: [cap],
                }
            }
        }
    }
}

impl Pair {
    /// One of the slots whose capability is of a kind; any slot where there is none.
    fn pick(&self, choice: u16, wanted: impl Fn(Kind) -> bool) -> u64 {
        let capabilities = &self.model.capabilities;
        let fitting: Vec<u64> = (self.base..self.base + SLOTS)
            .filter(|index| {
                let cap = capabilities.get(Place::new(self.model.root, *index));
                cap.is_some_and(|cap| wanted(capabilities.kind(cap.object)))
            })
            .collect();
        match fitting.len() {
            0 => self.base + u64::from(choice) % SLOTS,
            count => fitting[usize::from(choice) % count],
        }
    }

    /// The capability of a target's CNode, index and depth of a slot in it: mostly one that is
    /// filled or empty, as is wanted.
    fn slot(&self, target: Target, wanted: Fill) -> (u64, u64, u64) {
        let (cptr, depth, table, slots) = match target.node {
            None => {
                let slots = self.base..self.base + SLOTS;
                (slot::CNODE, 64, Some(self.model.root), slots)
            }
            Some(choice) => {
                let cptr = self.pick(choice, |kind| matches!(kind, Kind::CNode { .. }));
                let table = self.model.named(cptr).map(|(cap, _)| cap.object);
                (cptr, RADIX, table, 0..1 << RADIX)
            }
        };
        let is_wanted = |index: &u64| {
            let place = table.map(|table| Place::new(table, *index));
            let cap = place.and_then(|place| self.model.capabilities.get(place));
            // Without the memory that all else is made of, little would be left to do.
            let is_memory = *index == self.base && depth == 64;
            target.careless || !is_memory && cap.is_some() == (wanted == Fill::Filled)
        };
        let fitting: Vec<u64> = slots.clone().filter(is_wanted).collect();
        let index = match fitting.len() as u64 {
            0 => slots.start,
            count => fitting[usize::try_from(target.index % count).expect("few")],
        };
        (cptr, index, depth)
    }
}
