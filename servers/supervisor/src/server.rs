//! What is done about each message.

use alloc::collections::BTreeMap;

use runtime::{Clock, Component, Event, Request, Server as Receiver, kernel_calls::Ipc, println};
use supervisor_api::{Noted, Report};
use supervisor_core::{Action, Fault, Guests, Policy, Remaining, Restarts};

use crate::{
    components::{Components, Sender},
    failure::Failure,
    power::Power,
};

pub(crate) struct Server {
    ipc: Ipc,
    clock: Clock,
    components: Components,
    restarts: BTreeMap<&'static str, Restarts>,
    guests: Guests,
    policy: Policy,
    power: Power,
}

impl Server {
    pub(crate) fn new(component: &Component) -> Result<Self, Failure> {
        let action = |parameter: &'static str| {
            let word = component.environment.text(parameter)?;
            Action::from_word(word).map_err(|error| Failure::Policy(parameter, error))
        };
        let policy = Policy {
            on_guest_power_off: action("on-guest-power-off")?,
            on_guest_restart: action("on-guest-restart")?,
            on_guest_crash: action("on-guest-crash")?,
            on_component_fault: action("on-component-fault")?,
        };
        let components = Components::new(component);
        let restartable = components.restartable();
        let restarts = restartable.map(|(name, limit)| (name, Restarts::new(limit)));
        Ok(Self {
            ipc: component.ipc,
            clock: component.clock,
            restarts: restarts.collect(),
            guests: Guests::new(components.monitors().map(|(_, badge)| badge)),
            components,
            policy,
            power: Power::new(component, &policy)?,
        })
    }

    /// Handles a message and waits for the next.
    pub(crate) fn handle(&mut self, receiver: &Receiver, message: &Request) -> Event {
        match self.components.sender(message.badge) {
            Sender::Kernel { culprit } => {
                self.component_faulted(culprit, message);
                // No answer: the culprit stays where it is.
                receiver.receive()
            }
            Sender::Monitor(name) => match receiver.decode(message) {
                Some(report) => {
                    say(name, &report);
                    if report == Report::GuestRestarts && self.starts_afresh(name) {
                        // No answer: the monitor begins a new life, and its guest with it.
                        return receiver.receive();
                    }
                    self.guest_ended(message.badge, &report);
                    receiver.reply_and_receive(&Noted)
                }
                None => {
                    println!("{name} sent a message that is no report");
                    receiver.refuse_and_receive()
                }
            },
            Sender::Unknown => {
                println!("a message with the unknown badge {:#x}", message.badge);
                receiver.receive()
            }
        }
    }

    fn component_faulted(&mut self, culprit: &str, message: &Request) {
        let info = message.received.info;
        let fault = Fault::decode(info.label(), |index| {
            let present = (index as u64) < info.length();
            if present { self.ipc.word(index) } else { 0 }
        });
        println!("{culprit} is stopped: {fault}");
        if !self.starts_afresh(culprit) {
            self.stop(culprit);
            self.perform(self.policy.on_component_fault);
        }
    }

    fn stop(&self, name: &str) {
        if let Err(error) = self.components.stop(name) {
            println!("{name} cannot be suspended: {error:?}");
        }
    }

    /// Stops a component and starts it afresh, if the manifest wants that and it has not died too often.
    fn starts_afresh(&mut self, culprit: &str) -> bool {
        let Some(restarts) = self.restarts.get_mut(culprit) else {
            return false;
        };
        let Some(life) = restarts.next_life(self.clock.duration(self.clock.now())) else {
            println!("{culprit} stops too often and is not started again");
            return false;
        };
        self.stop(culprit);
        println!("{culprit} is started afresh");
        match self.components.start_afresh(culprit, life) {
            Ok(()) => true,
            Err(error) => {
                println!("{culprit} cannot be started afresh: {error}");
                false
            }
        }
    }

    fn guest_ended(&mut self, badge: u64, report: &Report) {
        match self.guests.ended(badge, report, &self.policy) {
            Remaining::Some => {}
            Remaining::None(action) => self.perform(action),
        }
    }

    fn perform(&self, action: Action) {
        if action == Action::GoOn {
            return;
        }
        println!("{action}");
        match self.power.perform(action) {
            Ok(()) => println!("the machine does not obey"),
            Err(error) => println!("the machine refuses: {error:?}"),
        }
    }
}

/// Says how the guest of a monitor ended.
fn say(name: &str, report: &Report) {
    match report {
        Report::GuestPoweredOff => println!("the guest of {name} is switched off"),
        Report::GuestRestarts => println!("the guest of {name} asks to start afresh"),
        Report::GuestCrashed { cause, instruction } => {
            println!("the guest of {name} crashed: {cause}; instruction at {instruction:#x}");
        }
    }
}
