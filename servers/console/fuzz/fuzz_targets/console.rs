//! Components, guests and keys in any order: labels cannot be forged, and a keystroke goes to nobody who may not have it.
#![no_main]

use console_core::{Multiplexer, Recipient, TERMINAL_RESET};
use libfuzzer_sys::fuzz_target;

/// A component that may ask, one that may not.
const CLIENTS: [(&str, bool); 2] = [("volume", true), ("chatter", false)];
const VIEWS: [&str; 2] = ["office", "internet"];
/// As the server does: no more from one than this before it is another's turn.
const TURN: usize = 256;
/// Far above what waits when the multiplexer says that it has no room.
const WAITING_MAX: usize = 64 << 10;

/// What happens, to whom, and with which bytes.
type Step<'a> = (u8, bool, &'a [u8]);

struct Console {
    multiplexer: Multiplexer,
    asks: [bool; 2],
    shown: Vec<u8>,
    guests_print: bool,
}

impl Console {
    fn step(&mut self, (kind, second, bytes): Step<'_>) {
        let index = usize::from(second);
        let text = &bytes[..bytes.len().min(TURN)];
        let has_room = self.multiplexer.has_room();
        match kind % 8 {
            0..=2 if has_room => self.multiplexer.client_output(index, &marked(text, second)),
            3 if has_room && self.guests_print => self.multiplexer.view_output(index, text),
            4 => {
                let asks = !bytes.is_empty();
                self.asks[index] = asks;
                self.multiplexer.client_asks(index, asks);
            }
            5 => text.iter().take(8).for_each(|&key| self.key(key)),
            6 => self.multiplexer.pause(),
            _ => self.drain(),
        }
    }

    fn key(&mut self, key: u8) {
        if let Some((Recipient::Client(index), _)) = self.multiplexer.key(key) {
            assert!(CLIENTS[index].1 && self.asks[index]);
        }
    }

    fn drain(&mut self) {
        let before = self.shown.len();
        while let Some(byte) = self.multiplexer.next_output() {
            self.shown.push(byte);
        }
        assert!(self.shown.len() - before < WAITING_MAX);
    }
}

/// The text with its letters in the case that is this component's own.
fn marked(text: &[u8], second: bool) -> Vec<u8> {
    if second {
        text.to_ascii_uppercase()
    } else {
        text.to_ascii_lowercase()
    }
}

/// Every line has the label of who printed it, and nothing that a terminal obeys.
fn check_lines(shown: &[u8]) {
    let reset = str::from_utf8(TERMINAL_RESET).expect("it is ASCII");
    for line in shown.split(|&byte| byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let line = str::from_utf8(line).expect("what is shown is text");
        let line = line.replace(reset, "");
        assert!(!line.chars().any(char::is_control), "{line:?}");
        if let Some(text) = line.strip_prefix("[volume] ") {
            assert!(!text.chars().any(|c| c.is_ascii_uppercase()), "{line}");
        } else if let Some(text) = line.strip_prefix("[chatter] ") {
            assert!(!text.chars().any(|c| c.is_ascii_lowercase()), "{line}");
        } else {
            assert!(line.is_empty() || line.starts_with("[console] "), "{line}");
        }
    }
}

fuzz_target!(|input: (bool, Vec<Step<'_>>)| {
    let (guests_print, steps) = input;
    let mut console = Console {
        multiplexer: Multiplexer::new(CLIENTS, VIEWS),
        asks: [false; 2],
        shown: Vec::new(),
        guests_print,
    };
    for step in steps {
        console.step(step);
    }
    console.multiplexer.pause();
    console.drain();
    if !guests_print {
        check_lines(&console.shown);
    }
});
