//! One screen and one keyboard for everybody.
//!
//! One recipient has the focus: its text appears as it comes and keystrokes go to it alone. That
//! is a guest's view, or a component that asks a question. Lines of all other components appear
//! between its lines; if it leaves a line unfinished, that line is ended, and put back after the others.
//!
//! At the start nobody has the focus: what is typed before a question appears, such as a passphrase by somebody in
//! a hurry, is for no guest. The first guest gets the focus when it first prints.
//!
//! A guest's text is raw, so it can leave the terminal in a state in which other text cannot be read. Before a
//! question and at the attention key the terminal is put right.

use alloc::{
    collections::VecDeque,
    format,
    string::{String, ToString},
    vec::Vec,
};

use crate::{
    command::{ATTENTION_KEY, Command, HELP},
    screen::Screen,
    source::{Client, View},
    text::visible,
};

/// With this much on its way to the serial line no more is taken from anybody.
const OUTPUT_MAX: usize = 4096;

/// Who gets a keystroke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recipient {
    /// The component with this number.
    Client(usize),
    /// The guest with this number.
    View(usize),
}

/// Brings together what everybody prints, and hands out keystrokes.
#[derive(Debug)]
pub struct Multiplexer {
    clients: Vec<Client>,
    views: Vec<View>,
    screen: Screen,
    /// Complete lines that wait for the focused one to end its own.
    lines: VecDeque<String>,
    focus: Option<Recipient>,
    /// The guest that had the focus last.
    last_view: Option<Recipient>,
    /// The attention key was the last one.
    expects_command: bool,
    /// Somebody wants to know how everybody is.
    wants_status: bool,
}

impl Multiplexer {
    /// A console of components (with whether they may ask questions) and of guests.
    pub fn new<'a>(
        clients: impl IntoIterator<Item = (&'a str, bool)>,
        views: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        Self {
            clients: clients
                .into_iter()
                .map(|(name, may_ask)| Client::new(name, may_ask))
                .collect(),
            views: views.into_iter().map(View::new).collect(),
            focus: None,
            last_view: None,
            screen: Screen::default(),
            lines: VecDeque::new(),
            expects_command: false,
            wants_status: false,
        }
    }

    /// Whether there is room for more text; if not, send first.
    #[must_use]
    pub fn has_room(&self) -> bool {
        let lines: usize = self.lines.iter().map(String::len).sum();
        self.screen.waiting() + lines < OUTPUT_MAX
    }

    /// The next byte for the serial line.
    pub fn next_output(&mut self) -> Option<u8> {
        self.screen.next()
    }

    /// Whether there are bytes for the serial line.
    #[must_use]
    pub fn has_output(&self) -> bool {
        self.screen.waiting() > 0
    }

    /// A line of the console's own.
    pub fn announce(&mut self, text: &str) {
        self.lines.push_back(format!("[console] {text}"));
        self.show_lines_if_between();
    }

    /// Component number `index` printed `bytes`.
    pub fn client_output(&mut self, index: usize, bytes: &[u8]) {
        for &byte in bytes {
            let Some(client) = self.clients.get_mut(index) else {
                return;
            };
            let complete = client.push(byte);
            if self.focus == Some(Recipient::Client(index)) {
                self.show_question(index, byte);
            } else if let Some(line) = complete {
                let line = format!("[{}] {}", client.name, visible(&line));
                self.lines.push_back(line);
            }
        }
        self.show_lines_if_between();
    }

    /// Guest number `index` printed `bytes`.
    pub fn view_output(&mut self, index: usize, bytes: &[u8]) {
        if self.focus.is_none() && index == 0 && !bytes.is_empty() {
            self.give_focus(Some(Recipient::View(index)));
        }
        let Some(view) = self.views.get_mut(index) else {
            return;
        };
        if self.focus != Some(Recipient::View(index)) {
            view.backlog.push(bytes);
            return;
        }
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.screen.put(line);
            self.show_lines_if_between();
        }
    }

    /// Component number `index` begins to ask, or has its answer.
    pub fn client_asks(&mut self, index: usize, asks: bool) {
        let Some(client) = self.clients.get_mut(index) else {
            return;
        };
        let asks = asks && client.may_ask;
        if core::mem::replace(&mut client.asks, asks) == asks {
            return;
        }
        let asker = Recipient::Client(index);
        match (asks, self.focus) {
            // One question at a time; the next one is shown when this one is answered.
            (true, Some(Recipient::Client(_))) => {}
            (true, _) => self.give_focus(Some(asker)),
            (false, focus) if focus == Some(asker) => self.question_answered(index),
            (false, _) => {}
        }
    }

    /// A key was pressed; answers who gets what, if anybody does.
    pub fn key(&mut self, key: u8) -> Option<(Recipient, u8)> {
        if core::mem::take(&mut self.expects_command) {
            return self.command(Command::from_key(key));
        }
        if key == ATTENTION_KEY {
            self.expects_command = true;
            self.screen.reset_terminal();
            return None;
        }
        self.focus.map(|recipient| (recipient, key))
    }

    /// Whether the components are to say how they are. Answers once.
    pub fn take_status_request(&mut self) -> bool {
        core::mem::take(&mut self.wants_status)
    }

    /// To be called when nobody has more to print: lines that wait for the end of another line
    /// interrupt it now.
    pub fn pause(&mut self) {
        if self.lines.is_empty() {
            return;
        }
        let interrupted = self.screen.interrupt();
        self.show_lines_if_between();
        self.screen.resume(&interrupted);
    }

    fn show_lines_if_between(&mut self) {
        if self.screen.is_at_line_start() {
            for line in self.lines.drain(..) {
                self.screen.put_line(&line);
            }
        }
    }

    fn command(&mut self, command: Command) -> Option<(Recipient, u8)> {
        match command {
            Command::Literal => return self.focus.map(|recipient| (recipient, ATTENTION_KEY)),
            Command::Help => self.announce(HELP),
            Command::Status => {
                self.announce_status();
                self.wants_status = true;
            }
            Command::View(index) => self.choose(Recipient::View(index)),
            Command::Next => self.choose_next(),
            Command::Question => match self.next_asker() {
                Some(asker) => self.give_focus(Some(asker)),
                None => self.announce("no question waits"),
            },
        }
        self.pause();
        None
    }

    /// Puts `focus` on the screen: what it printed since it was there last, or its question.
    fn give_focus(&mut self, focus: Option<Recipient>) {
        if focus == self.focus {
            return;
        }
        let left = self.screen.interrupt();
        if let Some(Recipient::View(index)) = self.focus
            && let Some(view) = self.views.get_mut(index)
        {
            view.line = left;
            self.last_view = self.focus;
        }
        self.focus = focus;
        self.show_lines_if_between();
        match focus {
            Some(Recipient::View(index)) => self.show_view(index),
            Some(Recipient::Client(index)) => self.show_asker(index),
            None => {}
        }
    }

    fn show_view(&mut self, index: usize) {
        let Some(view) = self.views.get_mut(index) else {
            return;
        };
        let line = core::mem::take(&mut view.line);
        let (mut backlog, dropped) = view.backlog.take();
        if dropped > 0 {
            let text = format!("[console] {dropped} bytes of {} are not shown", view.name);
            self.screen.put_line(&text);
        } else {
            self.screen.resume(&line);
        }
        self.view_output(index, backlog.make_contiguous());
    }

    fn show_asker(&mut self, index: usize) {
        let Some(client) = self.clients.get(index) else {
            return;
        };
        let name = &client.name;
        self.screen.reset_terminal();
        self.screen
            .put_line(&format!("[console] {name} asks; keystrokes go to it alone"));
        let question = visible(&client.line);
        self.screen.put(format!("[{name}] {question}").as_bytes());
    }

    /// A byte of the component that has the focus: its question grows as it prints.
    fn show_question(&mut self, index: usize, byte: u8) {
        let Some(client) = self.clients.get(index) else {
            return;
        };
        match byte {
            b'\n' => self.screen.put(b"\r\n"),
            b'\r' => {}
            _ => {
                if self.screen.is_at_line_start() {
                    self.screen.put(format!("[{}] ", client.name).as_bytes());
                }
                let shown = if matches!(byte, b' '..=b'~') {
                    byte
                } else {
                    b'?'
                };
                self.screen.put(&[shown]);
            }
        }
    }

    /// The next question comes, or the guest that had the focus before.
    fn question_answered(&mut self, index: usize) {
        self.screen.interrupt();
        if let Some(client) = self.clients.get_mut(index) {
            client.line.clear();
        }
        let next = self.next_asker().or(self.last_view);
        self.give_focus(next);
    }

    fn next_asker(&self) -> Option<Recipient> {
        let asker = self.clients.iter().position(|client| client.asks);
        asker.map(Recipient::Client)
    }

    fn choose(&mut self, recipient: Recipient) {
        if self.name(recipient).is_some() {
            self.give_focus(Some(recipient));
        } else {
            self.announce("there is no such guest");
        }
    }

    /// Guests in their order, then askers, then the first guest again.
    fn choose_next(&mut self) {
        let views = (0..self.views.len()).map(Recipient::View);
        let askers = (0..self.clients.len())
            .filter(|index| self.clients[*index].asks)
            .map(Recipient::Client);
        let all: Vec<_> = views.chain(askers).collect();
        let current = all
            .iter()
            .position(|recipient| Some(*recipient) == self.focus);
        let next = current.map_or(0, |index| index + 1) % all.len().max(1);
        match all.get(next).copied() {
            Some(recipient) => self.give_focus(Some(recipient)),
            None => self.announce("nobody to show"),
        }
    }

    fn announce_status(&mut self) {
        let focus = self.focus.and_then(|recipient| self.name(recipient));
        let text = match (self.focus, focus) {
            (Some(Recipient::Client(_)), Some(name)) => {
                format!("the question of {name} has screen and keyboard")
            }
            (_, Some(name)) => format!("the guest of {name} has screen and keyboard"),
            (_, None) => "nobody has screen and keyboard".to_string(),
        };
        self.announce(&text);
        for (number, view) in self.views.iter().enumerate() {
            let line = format!("[console]   {}: the guest of {}", number + 1, view.name);
            self.lines.push_back(line);
        }
        for client in self.clients.iter().filter(|client| client.asks) {
            let line = format!("[console]   p: the question of {}", client.name);
            self.lines.push_back(line);
        }
    }

    fn name(&self, recipient: Recipient) -> Option<&str> {
        match recipient {
            Recipient::Client(index) => self.clients.get(index).map(|client| client.name.as_str()),
            Recipient::View(index) => self.views.get(index).map(|view| view.name.as_str()),
        }
    }
}

#[cfg(test)]
#[path = "multiplexer_tests.rs"]
mod tests;
