//! The one that dies: after so many answers, each time in another way. In every life it looks first whether it
//! remembers anything of those before; if so it says that, and goes on, so that the test comes to its end.

use alloc::{format, string::String, vec};
use core::{
    convert::Infallible,
    fmt,
    hint::black_box,
    ops::Range,
    sync::atomic::{AtomicU64, Ordering},
};

use residue::Residue;
use runtime::{
    Component, Event, Random, Server, println,
    shared_memory::{Channel, ChannelError, Receiver, Sender},
};

use crate::messages::{self, Answer, Call, QUEUE_LENGTH, Question};

/// Answers in a life: one more than the queue holds, so that it dies with an answer not yet taken.
const LIFESPAN: u64 = 9;
/// Lives that end for their own reasons; the later ones end when they are called on to.
const RESTLESS_LIVES: u64 = 4;
/// Where its stack lies: 32 KiB, as its manifest says.
const STACK: Range<u64> = 0x1000_0000 - (32 << 10)..0x1000_0000;
/// A word of the IPC buffer beyond those of any message here.
const FAR_WORD: usize = 100;
/// What the initialised data hold at first.
const INITIAL: u64 = 0x05ec_1540;

static INITIALISED: AtomicU64 = AtomicU64::new(INITIAL);
static ZEROED: AtomicU64 = AtomicU64::new(0);

struct Mortal {
    life: u64,
    channel: Channel,
    questions: Receiver<Question>,
    answers: Sender<Answer>,
    random: Random,
    answered: u64,
}

pub(crate) fn serve(component: Component) -> Result<Infallible, String> {
    let residue = Residue::look(STACK);
    let life = component.memory.life();
    if !residue.is_none() {
        println!("remembers: {residue}");
    }
    check_memory(&component)?;
    println!("lives for the {life}. time after its first");
    let text = |error: &dyn fmt::Display| format!("{error}");
    let environment = component.environment;
    let server = Server::new(
        component.ipc,
        environment.capability("endpoint").map_err(|e| text(&e))?,
        environment.capability("reply").map_err(|e| text(&e))?,
    );
    let channel = messages::open(&component.memory).map_err(|e| text(&e))?;
    let mut mortal = Mortal {
        life,
        questions: channel.receiver(QUEUE_LENGTH).map_err(|e| text(&e))?,
        answers: channel.sender(QUEUE_LENGTH).map_err(|e| text(&e))?,
        channel,
        random: component.random,
        answered: 0,
    };
    let mut event = server.receive();
    loop {
        event = match event {
            Event::Signals(_) => {
                mortal.answer_all().map_err(|e| text(&e))?;
                server.receive()
            }
            Event::Message(request) => match server.decode(&request) {
                Some(Call::Life) => server.reply_and_receive(&life),
                Some(Call::Death) => return Err("is called on to die".into()),
                None => server.refuse_and_receive(),
            },
        };
    }
}

/// Static data are as at the first start, the heap, private memory and the IPC buffer are zero; then it leaves its
/// marks there.
fn check_memory(component: &Component) -> Result<(), String> {
    let initialised = INITIALISED.swap(!INITIAL, Ordering::Relaxed);
    let zeroed = ZEROED.swap(!0, Ordering::Relaxed);
    let private = component.memory.exclusive("private");
    let private = private.map_err(|error| format!("{error}"))?;
    let word = component.ipc.word(FAR_WORD);
    let numbers_are_new = (initialised, zeroed, word) == (INITIAL, 0, 0);
    let is_new = numbers_are_new && private.iter().all(|&byte| byte == 0);
    private.fill(0xaa);
    component.ipc.set_word(FAR_WORD, !0);
    // Left to the next life as it is: the heap's list lies in static data.
    core::mem::forget(black_box(vec![0xaa_u8; 1000]));
    if !is_new {
        println!("remembers: {initialised:#x} {zeroed:#x} {word:#x}");
    }
    Ok(())
}

impl Mortal {
    fn answer_all(&mut self) -> Result<(), ChannelError> {
        // A question is taken only when its answer has a place.
        while self.answers.free()? > 0
            && let Some(question) = self.questions.pop()?
        {
            if self.answered == LIFESPAN && self.life < RESTLESS_LIVES {
                die(self.life);
            }
            self.answered += 1;
            let answer = Answer {
                number: question.number,
                square: question.number * question.number,
                life: self.life,
                random: self.random.number(),
            };
            if let Err(error) = self.answers.push(&answer) {
                println!("an answer is lost: {error}");
            }
        }
        self.channel.signal();
        Ok(())
    }
}

/// Each life ends in another way.
fn die(life: u64) -> ! {
    match life % RESTLESS_LIVES {
        0 => panic!("had enough"),
        1 => {
            black_box(sink(black_box(1)));
        }
        // In the middle of a line, while the output's lock is held.
        2 => println!("half a line {}", LastWords),
        _ => residue::leave_and_die(STACK),
    }
    unreachable!("it should be dead")
}

/// Runs out of its stack.
fn sink(depth: u64) -> u64 {
    let ballast = black_box([depth; 64]);
    if ballast[0] == 0 {
        return 0;
    }
    black_box(sink(depth + 1)) + ballast[63]
}

struct LastWords;

impl fmt::Display for LastWords {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("in the middle of a line")
    }
}
