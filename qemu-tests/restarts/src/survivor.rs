//! The one that lives on: it says again what was not answered, and counts.

use alloc::{collections::BTreeSet, format, string::String};
use core::{convert::Infallible, fmt};

use runtime::{
    CallError, Component, Endpoint, println,
    shared_memory::{ChannelError, PushError, Receiver, Sender},
};
use supervisor_api::{CHANNEL, Noted, Report};

use crate::messages::{self, Answer, Call, QUEUE_LENGTH, Question};

/// Questions in all.
const QUESTIONS: u64 = 40;

struct Survivor {
    questions: Sender<Question>,
    answers: Receiver<Answer>,
    /// The first question that is not answered; all before are.
    first_open: u64,
    /// The next one to be asked; those between wait for their answers.
    next: u64,
    lives: BTreeSet<u64>,
    randoms: BTreeSet<u64>,
    resets: u64,
}

pub(crate) fn ask(component: &Component) -> Result<Infallible, String> {
    // Whatever comes of it, the test ends.
    if let Err(error) = ask_numbers(component).and_then(|()| ask_by_calls(component)) {
        println!("gives up: {error}");
    }
    let slot = component.environment.capability(CHANNEL);
    let supervisor = Endpoint::new(component.ipc, slot.map_err(|error| text(&error))?);
    let noted: Result<Noted, CallError> = supervisor.call(&Report::GuestPoweredOff);
    Err(format!("the machine is still there: {noted:?}"))
}

fn ask_numbers(component: &Component) -> Result<(), String> {
    let channel = messages::open(&component.memory).map_err(|e| text(&e))?;
    let notification = component.notification().map_err(|e| text(&e))?;
    let mut survivor = Survivor {
        questions: channel.sender(QUEUE_LENGTH).map_err(|e| text(&e))?,
        answers: channel.receiver(QUEUE_LENGTH).map_err(|e| text(&e))?,
        first_open: 0,
        next: 0,
        lives: BTreeSet::new(),
        randoms: BTreeSet::new(),
        resets: 0,
    };
    while survivor.first_open < QUESTIONS {
        survivor.ask_what_fits()?;
        channel.signal();
        while survivor.take_answer()? {}
        if survivor.first_open < QUESTIONS {
            let _ = notification.wait();
        }
    }
    println!(
        "{QUESTIONS} numbers were answered in {} lives, {} random numbers differ, {} resets",
        survivor.lives.len(),
        survivor.randoms.len(),
        survivor.resets
    );
    Ok(())
}

impl Survivor {
    fn ask_what_fits(&mut self) -> Result<(), String> {
        while self.next < QUESTIONS {
            match self.questions.push(&Question { number: self.next }) {
                Ok(()) => self.next += 1,
                Err(PushError::Full) => return Ok(()),
                Err(PushError::PeerReset) => self.say_again(),
                Err(error) => return Err(text(&error)),
            }
        }
        Ok(())
    }

    /// Answers come in order, but some come twice: those to what was said again.
    fn take_answer(&mut self) -> Result<bool, String> {
        match self.answers.pop() {
            Ok(None) => return Ok(false),
            Err(ChannelError::PeerReset) => self.say_again(),
            Err(error) => return Err(text(&error)),
            Ok(Some(answer)) => {
                if answer.number > self.first_open || answer.square != answer.number.pow(2) {
                    return Err(format!("{} was answered wrongly", answer.number));
                }
                if answer.number == self.first_open {
                    self.first_open += 1;
                }
                self.lives.insert(answer.life);
                self.randoms.insert(answer.random);
            }
        }
        Ok(true)
    }

    fn say_again(&mut self) {
        self.resets += 1;
        self.next = self.first_open;
    }
}

/// A call that the server dies of is answered by the supervisor, and the next one by the server's next life.
fn ask_by_calls(component: &Component) -> Result<(), String> {
    let slot = component.environment.capability("calls");
    let mortal = Endpoint::new(component.ipc, slot.map_err(|error| text(&error))?);
    let life = |call| mortal.call::<_, u64>(&call);
    let before = life(Call::Life).map_err(|error| text(&error))?;
    let death = life(Call::Death);
    let after = life(Call::Life).map_err(|error| text(&error))?;
    if (death, after) != (Err(CallError::PeerReset), before + 1) {
        return Err(format!("life {before}, then {death:?}, then {after}"));
    }
    println!("a call that its server dies of is answered, and the next life serves again");
    // Once too often: nobody begins another life, but this call is answered.
    let last = life(Call::Death);
    println!("the last call: {last:?}");
    Ok(())
}

fn text(error: &dyn fmt::Display) -> String {
    format!("{error}")
}
