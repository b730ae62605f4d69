//! Moves bytes between channels, multiplexer and serial port.

use alloc::{format, vec::Vec};

use console_core::{Multiplexer, Recipient, Uart};
use runtime::{
    Component,
    environment::Environment,
    kernel_calls::{Ipc, invoke::irq_handler_ack},
};

use crate::{
    failure::Failure,
    ports::KernelPorts,
    source::{Source, Turn, turn_buffer},
};

/// The roles of channels.
const CLIENT: &str = "client";
const VIEW: &str = "view";

pub(crate) struct Server {
    ipc: Ipc,
    interrupt: Interrupt,
    uart: Uart<KernelPorts>,
    clients: Vec<Source>,
    views: Vec<Source>,
    multiplexer: Multiplexer,
}

struct Interrupt {
    handler: u64,
    badge: u64,
}

/// Whether anybody had something to say.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Heard {
    Nothing,
    Something,
}

impl Server {
    pub(crate) fn new(component: &Component) -> Result<Self, Failure> {
        let environment = component.environment;
        let first_port = u16::try_from(environment.integer("serial.port")?);
        let ports = KernelPorts::new(
            component.ipc,
            environment.capability("serial.ports")?,
            first_port.map_err(|_| Failure::NoPort)?,
        );
        let clients = open_all(component, CLIENT)?;
        let views = open_all(component, VIEW)?;
        let multiplexer = Multiplexer::new(
            clients
                .iter()
                .map(|client| (client.name, may_ask(environment, client.name))),
            views.iter().map(|view| view.name),
        );
        Ok(Self {
            ipc: component.ipc,
            interrupt: Interrupt {
                handler: environment.capability("serial.irq")?,
                badge: environment.integer("serial.badge")?,
            },
            uart: Uart::new(ports)?,
            clients,
            views,
            multiplexer,
        })
    }

    /// Does everything that can be done after `signals`, until nobody has anything to say or the
    /// serial port has to be waited for.
    pub(crate) fn handle(&mut self, signals: u64) -> Result<(), Failure> {
        if signals & self.interrupt.badge != 0 {
            self.answer_interrupt()?;
        }
        loop {
            let heard = self.listen_to_all();
            self.note_questions();
            if heard == Heard::Nothing {
                self.multiplexer.pause();
            }
            self.uart.send(
                &mut self.multiplexer,
                Multiplexer::next_output,
                Multiplexer::has_output,
            )?;
            if heard == Heard::Nothing || self.multiplexer.has_output() {
                return Ok(());
            }
        }
    }

    /// Reads all keystrokes and hands them out.
    fn answer_interrupt(&mut self) -> Result<(), Failure> {
        // First: an edge that comes from now on is not lost.
        irq_handler_ack(&self.ipc, self.interrupt.handler)?;
        let (clients, views) = (&mut self.clients, &mut self.views);
        let multiplexer = &mut self.multiplexer;
        self.uart.service(|key| match multiplexer.key(key) {
            Some((Recipient::Client(index), key)) => clients[index].press(key),
            Some((Recipient::View(index), key)) => views[index].press(key),
            None => {}
        })?;
        if multiplexer.take_status_request() {
            clients.iter_mut().for_each(Source::ask_for_status);
        }
        Ok(())
    }

    /// Gives everybody turns until nobody has anything to say or there is no room for it.
    fn listen_to_all(&mut self) -> Heard {
        let mut heard = Heard::Nothing;
        while self.multiplexer.has_room() && self.listen() == Heard::Something {
            heard = Heard::Something;
        }
        heard
    }

    /// Gives every source a turn.
    fn listen(&mut self) -> Heard {
        let mut heard = Heard::Nothing;
        let mut buffer = turn_buffer();
        for (index, client) in self.clients.iter_mut().enumerate() {
            match client.take(&mut buffer) {
                Turn::Text(text) => self.multiplexer.client_output(index, text),
                Turn::Misbehaved => announce_misbehaviour(&mut self.multiplexer, client),
                Turn::Nothing => continue,
            }
            heard = Heard::Something;
        }
        for (index, view) in self.views.iter_mut().enumerate() {
            match view.take(&mut buffer) {
                Turn::Text(text) => self.multiplexer.view_output(index, text),
                Turn::Misbehaved => announce_misbehaviour(&mut self.multiplexer, view),
                Turn::Nothing => continue,
            }
            heard = Heard::Something;
        }
        heard
    }

    /// After the text, so that a question is complete when it gets the screen.
    fn note_questions(&mut self) {
        for (index, client) in self.clients.iter_mut().enumerate() {
            self.multiplexer.client_asks(index, client.asks());
        }
    }
}

fn open_all(component: &Component, role: &str) -> Result<Vec<Source>, Failure> {
    let names = component.environment.clients(role);
    let sources = names.map(|name| Source::open(&component.memory, role, name));
    Ok(sources.collect::<Result<_, _>>()?)
}

fn may_ask(environment: &Environment<'_>, client: &str) -> bool {
    environment.integer(&format!("{CLIENT}.{client}.may-ask")) == Ok(1)
}

fn announce_misbehaviour(multiplexer: &mut Multiplexer, source: &Source) {
    let name = source.name;
    multiplexer.announce(&format!(
        "{name} broke its channel's rules and is not listened to any more"
    ));
}
