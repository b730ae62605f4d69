//! Guests run when nobody else wants to, and the others leave them time.
//!
//! A guest is hostile: threads that run one have the lowest priorities, so that a guest that spins
//! takes nothing from anybody. Above them, budgets must not add up to the whole CPU, or a busy server
//! could stop the guests.
//!
//! What serves nobody but guests may have their priority: they take turns then, each as long as its budget. Such a server needs
//! no limit of its own, because it cannot stop a guest, and a guest that spins slows only what serves guests.

use crate::diagnostic::Report;
use crate::source::{Component, End, Sources};

/// Parts per million of the CPU.
const WHOLE_CPU: u64 = 1_000_000;
/// The root server's priority while it builds the system.
const ROOT_PRIORITY: u8 = 255;

pub(super) fn check(sources: &Sources, report: &mut Report) {
    let components: Vec<&Component> = sources.components().map(|(c, _)| c).collect();
    for component in &components {
        check_one(sources, component, report);
    }
    let Some(guests) = guests_priority(&components) else {
        return;
    };
    for runner in components.iter().filter(|c| !c.guest.is_empty()) {
        let priority = *runner.priority.get_ref();
        let lower = components
            .iter()
            .find(|other| other.guest.is_empty() && *other.priority.get_ref() < priority);
        if let Some(other) = lower {
            let sentence = format!(
                "`{}` runs a guest, so its priority must not be above that of `{}`",
                runner.name.get_ref(),
                other.name.get_ref()
            );
            report.add(sources.system.at(&runner.priority), sentence);
        }
    }
    check_servers(sources, guests, report);
    check_sum(sources, guests, report);
}

/// The lowest priority of a thread that runs a guest, if there is one.
fn guests_priority(components: &[&Component]) -> Option<u8> {
    let runners = components.iter().filter(|c| !c.guest.is_empty());
    runners.map(|runner| *runner.priority.get_ref()).min()
}

fn check_one(sources: &Sources, component: &Component, report: &mut Report) {
    let system = &sources.system;
    if *component.priority.get_ref() == ROOT_PRIORITY {
        let sentence = "priority 255 is the root server's; the highest for a component is 254";
        report.add(system.at(&component.priority), sentence);
    }
    let budget = component.budget.get_ref().microseconds();
    let period = component.period.get_ref().microseconds();
    if budget == 0 || budget > period {
        let sentence = "a budget is more than nothing and at most the period";
        report.add(system.at(&component.budget), sentence);
    }
}

/// Who takes turns with guests serves nobody who does not: one guest could keep it from serving.
fn check_servers(sources: &Sources, guests: u8, report: &mut Report) {
    for channel in &sources.system.channel {
        let channel = channel.get_ref();
        let Some((client, _)) = sources.channel_end(channel.client.get_ref()) else {
            continue;
        };
        let Some((server, need)) = sources.channel_end(channel.server.get_ref()) else {
            continue;
        };
        let (client, server) = (sources.component(client).0, sources.component(server).0);
        if *need.end.get_ref() != End::Server {
            continue;
        }
        if *server.priority.get_ref() <= guests && *client.priority.get_ref() > guests {
            let sentence = format!(
                "`{}` takes turns with guests, and cannot serve `{}`, whose priority is higher",
                server.name.get_ref(),
                client.name.get_ref()
            );
            report.add(sources.system.at(&channel.server), sentence);
        }
    }
}

/// All who go before guests leave them time. The place is the last budget added.
fn check_sum(sources: &Sources, guests: u8, report: &mut Report) {
    let mut sum = 0_u64;
    let components = sources.components().map(|(component, _)| component);
    let servers = components.filter(|component| component.guest.is_empty());
    for component in servers.filter(|server| *server.priority.get_ref() > guests) {
        let period = component.period.get_ref().microseconds().max(1);
        let budget = component.budget.get_ref().microseconds();
        sum = sum.saturating_add(budget.saturating_mul(WHOLE_CPU).div_ceil(period));
        if sum >= WHOLE_CPU {
            let sentence = "with this one, the budgets above the guests add up to the whole CPU";
            return report.add(sources.system.at(&component.budget), sentence);
        }
    }
}
