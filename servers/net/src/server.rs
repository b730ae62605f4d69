//! From signals to turns of the network.

use net_core::{Network, Seeds, Setup, Turn};
use runtime::Component;

use crate::alarm::Alarm;
use crate::clients;
use crate::device::{self, Interrupt, Transport};
use crate::failure::Failure;

pub(crate) struct Server {
    network: Network<Transport>,
    queues: Interrupt,
    link: Interrupt,
    alarm: Alarm,
}

impl Server {
    pub(crate) fn new(component: &mut Component) -> Result<Self, Failure> {
        let mut seed = || component.random.number();
        let seeds = Seeds {
            identifications: seed(),
            leases: seed(),
            associations: seed(),
        };
        let component = &*component;
        let environment = component.environment;
        // First of all: what it was told by an earlier life of this program ends here.
        let driver = device::start(component)?;
        let setup = Setup {
            ipv4: setting(component, "address")?,
            ipv6: setting(component, "address6")?,
            seeds,
        };
        let alarm = Alarm::open(component)?;
        let interrupt = |part| Interrupt::open(component, part, device::badge(environment, part)?);
        let (queues, link) = (interrupt("irq")?, interrupt("link-irq")?);
        let clients = clients::open(component)?;
        Ok(Self {
            network: Network::new(driver, setup, clients, alarm.now()),
            queues,
            link,
            alarm,
        })
    }

    /// Does what the signals ask for, and what is due.
    pub(crate) fn handle(&mut self, signals: u64) -> Result<Turn, Failure> {
        // Before the queues are looked at: what comes later interrupts again.
        self.queues.take(signals)?;
        self.alarm.notice(signals);
        let now = self.alarm.now();
        if self.link.take(signals)? {
            self.network.look_at_link(now);
        }
        let turn = self.network.turn(now)?;
        for client in self.network.whom_to_wake() {
            client.signal();
        }
        if runtime::status_is_wanted() {
            self.network.tell_status();
        }
        while let Some(notice) = self.network.take_notice() {
            runtime::println!("{notice}");
        }
        if let Some(deadline) = self.network.deadline() {
            self.alarm.set(deadline);
        }
        Ok(turn)
    }
}

fn setting<S>(component: &Component, name: &'static str) -> Result<S, Failure>
where
    S: core::str::FromStr<Err = net_core::settings::BadSetting>,
{
    let text = component.environment.text(name)?;
    text.parse().map_err(|error| Failure::Setting(name, error))
}
