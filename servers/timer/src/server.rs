//! Reads deadlines, wakes clients, programs the HPET.

use alloc::vec::Vec;

use mmio::Registers;
use runtime::{
    Clock, Component,
    kernel_calls::{Ipc, invoke::irq_handler_ack},
    shared_memory::Channel,
};
use timer_core::{Armed, Hpet, Rate, Schedule};

use crate::{client::Client, failure::Failure};

pub(crate) struct Server {
    ipc: Ipc,
    clock: Clock,
    hpet: Hpet,
    rate: Rate,
    interrupt: Interrupt,
    clients: Vec<Client>,
    schedule: Schedule,
}

struct Interrupt {
    handler: u64,
    badge: u64,
}

impl Server {
    pub(crate) fn new(component: &Component) -> Result<Self, Failure> {
        let environment = component.environment;
        let clients = environment
            .clients("client")
            .map(|name| Client::open(&component.memory, name))
            .collect::<Result<Vec<_>, _>>()?;
        let registers = Registers::open(&component.memory, "hpet.registers")?;
        let hpet = Hpet::new(&registers, environment.integer("hpet.pin")?)?;
        let server = Self {
            ipc: component.ipc,
            clock: component.clock,
            hpet,
            rate: Rate::new(environment.tsc_khz, hpet.period_fs()),
            interrupt: Interrupt {
                handler: environment.capability("hpet.irq")?,
                badge: environment.integer("hpet.badge")?,
            },
            schedule: Schedule::new(clients.len()),
            clients,
        };
        server.acknowledge()?;
        Ok(server)
    }

    /// Does what the signals ask for: new deadlines of clients, or the interrupt. Answers whom to wake yet.
    pub(crate) fn handle(&mut self, signals: u64) -> Result<Option<&Channel>, Failure> {
        for (number, client) in self.clients.iter().enumerate() {
            if client.is_in(signals) {
                self.schedule.set(number, client.deadline());
            }
        }
        if signals & self.interrupt.badge != 0 {
            self.acknowledge()?;
        }
        Ok(self.wake_and_arm())
    }

    /// Wakes who is due, all but the last of them, and has the next one's time interrupt us. If that time
    /// passes meanwhile, again.
    fn wake_and_arm(&mut self) -> Option<&Channel> {
        let mut to_wake = None;
        loop {
            let now = self.clock.now().0;
            for client in self.schedule.take_due(now) {
                if let Some(earlier) = to_wake.replace(client) {
                    self.clients[earlier].channel().signal();
                }
            }
            let Some(next) = self.schedule.next() else {
                break;
            };
            let ticks = self.rate.hpet_ticks(next.saturating_sub(now));
            if self.hpet.arm(ticks) == Armed::Ahead {
                break;
            }
        }
        to_wake.map(|client| self.clients[client].channel())
    }

    fn acknowledge(&self) -> Result<(), Failure> {
        irq_handler_ack(&self.ipc, self.interrupt.handler).map_err(Failure::Interrupt)
    }
}
