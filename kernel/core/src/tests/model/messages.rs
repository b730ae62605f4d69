//! Sending, receiving, answering and signalling in the model.

use std::vec::Vec;

use super::Model;
use super::calls::{Call, Number};
use super::capabilities::{Cap, Kind, ObjectId, Place};
use super::threads::{Message, Sending, State};

/// What a thread got by a call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Delivery {
    /// A message with a badge.
    Message(usize, u64, Message),
    /// A badge alone: a signal, or zero for nothing.
    Badge(usize, u64),
    /// The kernel's answer: its label.
    Answer(usize, u64),
}

impl Model {
    /// A thread makes a system call; answers what anybody got by it.
    pub(super) fn system_call(&mut self, thread: usize, call: &Call) -> Vec<Delivery> {
        let mut delivered = Vec::new();
        match call.number {
            Number::Call | Number::Send | Number::NbSend => {
                self.send(thread, call, &mut delivered);
            }
            Number::Recv | Number::NbRecv | Number::Wait | Number::NbWait => {
                self.receive(thread, call, &mut delivered);
            }
            Number::ReplyRecv | Number::NbSendRecv | Number::NbSendWait => {
                self.first_half(thread, call, &mut delivered);
                self.receive(thread, call, &mut delivered);
            }
        }
        delivered
    }

    /// The capability that a number of the thread's CSpace names.
    pub(super) fn named(&self, number: u64) -> Option<(Cap, Kind)> {
        let cap = self.capabilities.get(Place::new(self.root, number))?;
        Some((cap, self.capabilities.kind(cap.object)))
    }

    fn send(&mut self, thread: usize, call: &Call, delivered: &mut Vec<Delivery>) {
        let is_call = call.number == Number::Call;
        let result = match self.named(call.cptr) {
            Some((cap, Kind::Endpoint)) if cap.rights & 1 != 0 => {
                let sending = Sending {
                    badge: cap.badge,
                    message: call.message(),
                    is_call,
                    may_answer: cap.rights & 12 != 0,
                };
                let blocks = call.number != Number::NbSend;
                return self.send_message(thread, cap.object, sending, blocks, delivered);
            }
            Some((cap, Kind::Notification)) if cap.rights & 1 != 0 => {
                self.signal(cap.object, cap.badge, delivered);
                Ok(())
            }
            Some((cap, Kind::Reply)) => {
                self.reply(cap.object, call.message(), delivered);
                Ok(())
            }
            None | Some((_, Kind::Endpoint | Kind::Notification)) => {
                Err(sel4_sys::Error::InvalidCapability)
            }
            Some((cap, kind)) => self.invoke(cap, kind, call),
        };
        if is_call && self.threads.is_running(thread) {
            let label = result.map_or_else(|error| error as u64, |()| 0);
            delivered.push(Delivery::Answer(thread, label));
        }
    }

    /// The first half of a combined call: whatever the capability is, nothing waits and nothing fails.
    fn first_half(&mut self, thread: usize, call: &Call, delivered: &mut Vec<Delivery>) {
        match self.named(call.first_half()) {
            Some((cap, Kind::Reply)) => self.reply(cap.object, call.message(), delivered),
            Some((cap, Kind::Notification)) if cap.rights & 1 != 0 => {
                self.signal(cap.object, cap.badge, delivered);
            }
            Some((cap, Kind::Endpoint)) if cap.rights & 1 != 0 => {
                let sending = Sending {
                    badge: cap.badge,
                    message: call.message(),
                    is_call: false,
                    may_answer: cap.rights & 12 != 0,
                };
                self.send_message(thread, cap.object, sending, false, delivered);
            }
            _ => {}
        }
    }

    fn send_message(
        &mut self,
        thread: usize,
        endpoint: ObjectId,
        sending: Sending,
        blocks: bool,
        delivered: &mut Vec<Delivery>,
    ) {
        let first = self.threads.queue(endpoint).first().copied();
        let receiver =
            first.filter(|first| matches!(self.threads.threads[*first].state, State::Receiving(_)));
        match receiver {
            Some(receiver) => {
                let reply = self.threads.get(receiver).reply;
                self.threads.wake(receiver);
                self.after_sending(thread, &sending, reply);
                delivered.push(Delivery::Message(receiver, sending.badge, sending.message));
            }
            None if blocks => {
                let state = State::Sending(endpoint, sending);
                self.threads.wait(thread, endpoint, state);
            }
            None => {}
        }
    }

    /// A message has been taken: its sender goes on, or waits for the answer, or for ever.
    fn after_sending(&mut self, sender: usize, sending: &Sending, reply: Option<ObjectId>) {
        let sender = self.threads.get(sender);
        sender.state = State::Running;
        if sending.is_call {
            sender.reply = reply.filter(|_| sending.may_answer);
            sender.state = match sender.reply {
                Some(_) => State::AwaitingReply,
                None => State::Inactive,
            };
        }
    }

    fn reply(&mut self, reply: ObjectId, message: Message, delivered: &mut Vec<Delivery>) {
        if let Some(caller) = self.threads.of_reply(reply)
            && self.threads.get(caller).state == State::AwaitingReply
        {
            self.threads.wake(caller);
            delivered.push(Delivery::Message(caller, 0, message));
        }
    }

    fn signal(&mut self, notification: ObjectId, badge: u64, delivered: &mut Vec<Delivery>) {
        let bound = self
            .threads
            .of_notification(notification)
            .filter(|bound| matches!(self.threads.threads[*bound].state, State::Receiving(_)));
        let waiting = self.threads.queue(notification).first().copied();
        match waiting.or(bound) {
            Some(thread) => {
                self.threads.wake(thread);
                delivered.push(Delivery::Badge(thread, badge));
            }
            None => *self.threads.signals.entry(notification).or_default() |= badge,
        }
    }

    fn receive(&mut self, thread: usize, call: &Call, delivered: &mut Vec<Delivery>) {
        let blocks = !matches!(call.number, Number::NbRecv | Number::NbWait);
        let with_reply = !matches!(
            call.number,
            Number::Wait | Number::NbWait | Number::NbSendWait
        );
        match self.named(call.cptr) {
            Some((cap, Kind::Endpoint)) if cap.rights & 2 != 0 => {
                let reply = match self.named(call.reply) {
                    _ if !with_reply => None,
                    Some((reply, Kind::Reply)) => Some(reply.object),
                    _ => return self.fault(thread),
                };
                self.receive_message(thread, cap.object, reply, blocks, delivered);
            }
            Some((cap, Kind::Notification)) if cap.rights & 2 != 0 => {
                match self.threads.of_notification(cap.object) {
                    Some(bound) if bound != thread => self.fault(thread),
                    _ => self.receive_signal(thread, cap.object, blocks, delivered),
                }
            }
            _ => self.fault(thread),
        }
    }

    fn receive_message(
        &mut self,
        thread: usize,
        endpoint: ObjectId,
        reply: Option<ObjectId>,
        blocks: bool,
        delivered: &mut Vec<Delivery>,
    ) {
        if let Some(other) = reply.and_then(|reply| self.threads.of_reply(reply)) {
            self.threads.cancel(other);
        }
        let bound = self.threads.get(thread).bound;
        if let Some(badge) = bound.and_then(|bound| self.threads.signals.remove(&bound)) {
            return delivered.push(Delivery::Badge(thread, badge));
        }
        let first = self.threads.queue(endpoint).first().copied();
        let sender = first.and_then(|first| match self.threads.get(first).state.clone() {
            State::Sending(_, sending) => Some((first, sending)),
            _ => None,
        });
        match sender {
            Some((sender, sending)) => {
                self.threads.cancel(sender);
                self.after_sending(sender, &sending, reply);
                delivered.push(Delivery::Message(thread, sending.badge, sending.message));
            }
            None if blocks => {
                self.threads
                    .wait(thread, endpoint, State::Receiving(endpoint));
                self.threads.get(thread).reply = reply;
            }
            None => delivered.push(Delivery::Badge(thread, 0)),
        }
    }

    fn receive_signal(
        &mut self,
        thread: usize,
        notification: ObjectId,
        blocks: bool,
        delivered: &mut Vec<Delivery>,
    ) {
        match self.threads.signals.remove(&notification) {
            Some(badge) => delivered.push(Delivery::Badge(thread, badge)),
            None if blocks => {
                let state = State::AwaitingSignal(notification);
                self.threads.wait(thread, notification, state);
            }
            None => delivered.push(Delivery::Badge(thread, 0)),
        }
    }

    /// Nobody handles the threads' faults.
    fn fault(&mut self, thread: usize) {
        self.threads.get(thread).state = State::Inactive;
    }
}
