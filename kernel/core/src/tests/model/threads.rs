//! What threads do, and for what they wait.

use std::collections::BTreeMap;
use std::vec::Vec;

use super::capabilities::ObjectId;

/// What one thread tells another.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Message {
    pub(super) label: u64,
    pub(super) words: Vec<u64>,
}

/// How a thread wants to send.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Sending {
    pub(super) badge: u64,
    pub(super) message: Message,
    pub(super) is_call: bool,
    /// Whether the receiver may get the right to answer.
    pub(super) may_answer: bool,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum State {
    Running,
    Inactive,
    Sending(ObjectId, Sending),
    /// From an endpoint; the thread's reply object goes with it.
    Receiving(ObjectId),
    AwaitingReply,
    AwaitingSignal(ObjectId),
}

#[derive(Clone, Debug)]
pub(super) struct Thread {
    pub(super) priority: u8,
    pub(super) state: State,
    /// Receives with it, or waits for an answer through it.
    pub(super) reply: Option<ObjectId>,
    /// The notification whose signals also wake it from an endpoint.
    pub(super) bound: Option<ObjectId>,
}

pub(super) struct Threads {
    pub(super) threads: Vec<Thread>,
    /// Who waits at an endpoint or notification.
    queues: BTreeMap<ObjectId, Vec<usize>>,
    /// Signals that nobody has taken.
    pub(super) signals: BTreeMap<ObjectId, u64>,
}

impl Threads {
    pub(super) fn new(priorities: &[u8]) -> Self {
        let thread = |priority: &u8| Thread {
            priority: *priority,
            state: State::Running,
            reply: None,
            bound: None,
        };
        Self {
            threads: priorities.iter().map(thread).collect(),
            queues: BTreeMap::new(),
            signals: BTreeMap::new(),
        }
    }

    pub(super) fn get(&mut self, thread: usize) -> &mut Thread {
        &mut self.threads[thread]
    }

    pub(super) fn is_running(&self, thread: usize) -> bool {
        self.threads[thread].state == State::Running
    }

    pub(super) fn queue(&self, object: ObjectId) -> &[usize] {
        self.queues.get(&object).map_or(&[], Vec::as_slice)
    }

    /// Blocks a thread: behind all that are at least as important.
    pub(super) fn wait(&mut self, thread: usize, object: ObjectId, state: State) {
        let priority = self.threads[thread].priority;
        let queue = self.queues.entry(object).or_default();
        let behind = queue
            .iter()
            .position(|other| self.threads[*other].priority < priority);
        queue.insert(behind.unwrap_or(queue.len()), thread);
        self.threads[thread].state = state;
    }

    /// Takes a thread from what it waits for; it does nothing then.
    pub(super) fn cancel(&mut self, thread: usize) {
        for queue in self.queues.values_mut() {
            queue.retain(|waiting| *waiting != thread);
        }
        self.threads[thread].reply = None;
        self.threads[thread].state = State::Inactive;
    }

    /// Takes a thread from what it waits for, and lets it run.
    pub(super) fn wake(&mut self, thread: usize) {
        self.cancel(thread);
        self.threads[thread].state = State::Running;
    }

    pub(super) fn wake_all(&mut self, object: ObjectId) {
        for thread in self.queue(object).to_vec() {
            self.wake(thread);
        }
    }

    /// The thread that a reply object belongs to for now.
    pub(super) fn of_reply(&self, reply: ObjectId) -> Option<usize> {
        let mut threads = self.threads.iter();
        threads.position(|thread| thread.reply == Some(reply))
    }

    /// The thread that is bound to a notification.
    pub(super) fn of_notification(&self, notification: ObjectId) -> Option<usize> {
        let mut threads = self.threads.iter();
        threads.position(|thread| thread.bound == Some(notification))
    }
}
