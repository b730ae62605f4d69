//! What a thread that faults tells its handler.

use kernel_calls::{Ipc, invoke};
use sel4_sys::{Error, MessageInfo};

use crate::outcome::{Failure, Outcome, equal, expect};
use crate::resources::Tester;
use crate::threads::{Entry, Plan, Thread};

/// Label by which the thread of lowest priority says that nothing happened.
const NOTHING: u64 = 0xfff;

/// A fault message.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    /// Which kind: see `sel4_sys::fault`.
    pub label: u64,
    /// Number of words.
    pub length: u64,
    /// The words.
    pub words: [u64; 20],
    /// Badge of the fault endpoint.
    pub badge: u64,
}

/// A thread with a handler of its faults, which is the test itself.
#[derive(Clone, Copy, Debug)]
pub struct Watched {
    /// The thread.
    pub thread: Thread,
    /// Where its faults arrive.
    pub endpoint: u64,
    /// Through what they are answered.
    pub reply: u64,
}

impl Tester {
    /// Starts a thread whose faults the test handles.
    ///
    /// # Errors
    ///
    /// What the kernel says.
    pub fn watch(&mut self, plan: Plan) -> Result<Watched, Error> {
        let (endpoint, reply) = (self.endpoint()?, self.reply()?);
        let thread = self.spawn(plan.faults_to(endpoint))?;
        Ok(Watched {
            thread,
            endpoint,
            reply,
        })
    }

    /// The next fault of a watched thread, or nothing if all threads sleep without one.
    ///
    /// # Errors
    ///
    /// What the kernel says.
    pub fn next_fault(&mut self, watched: &Watched) -> Result<Option<Fault>, Error> {
        let alarm = self.start_lowest(say_nothing_happened, watched.endpoint)?;
        let received = self.ipc.recv(watched.endpoint, watched.reply);
        let mut words = [0; 20];
        for (index, word) in words.iter_mut().enumerate() {
            *word = self.ipc.word(index);
        }
        invoke::tcb_suspend(&self.ipc, alarm)?;
        let fault = Fault {
            label: received.info.label(),
            length: received.info.length(),
            words,
            badge: received.badge,
        };
        Ok((fault.label != NOTHING).then_some(fault))
    }

    /// Answers a watched thread's fault with a label and words.
    pub fn answer(&self, watched: &Watched, label: u64, words: &[u64]) {
        let mut registers = [0; 4];
        for (index, word) in words.iter().enumerate() {
            match registers.get_mut(index) {
                Some(register) => *register = *word,
                None => self.ipc.set_word(index, *word),
            }
        }
        let info = MessageInfo::new(label, 0, words.len() as u64);
        self.ipc.send(watched.reply, info, registers);
    }

    /// The first fault of a new thread that does `entry(argument)`, which must have one.
    ///
    /// # Errors
    ///
    /// What the kernel says, or that there was no fault.
    #[track_caller]
    pub fn fault_of(&mut self, entry: Entry, argument: u64) -> Result<Fault, Failure> {
        let last = self.next_thread;
        let watched = self.watch(Plan::new(entry, argument))?;
        let fault = self.next_fault(&watched)?;
        invoke::tcb_suspend(&self.ipc, watched.thread.tcb)?;
        self.next_thread = last;
        expect(fault, "fault")
    }

    /// A new thread that does `entry(argument)` must not fault.
    ///
    /// # Errors
    ///
    /// What the kernel says, or that there was a fault.
    #[track_caller]
    pub fn no_fault_of(&mut self, entry: Entry, argument: u64) -> Outcome {
        let last = self.next_thread;
        let watched = self.watch(Plan::new(entry, argument))?;
        let fault = self.next_fault(&watched)?;
        invoke::tcb_suspend(&self.ipc, watched.thread.tcb)?;
        self.next_thread = last;
        equal("the fault", fault.map_or(0, |fault| fault.label), 0)
    }
}

fn say_nothing_happened(ipc: Ipc, endpoint: u64) {
    ipc.send(endpoint, MessageInfo::new(NOTHING, 0, 0), [0; 4]);
}
