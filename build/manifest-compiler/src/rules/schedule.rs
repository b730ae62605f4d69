//! Guests run when nobody else wants to, and the others leave them time.
//!
//! A guest is hostile: threads that run one have the lowest priorities, so that a guest that spins
//! takes nothing from anybody. Above them, budgets must not add up to the whole CPU, or a busy server
//! could stop the guests.

use crate::diagnostic::Report;
use crate::source::{Component, Sources};

/// Parts per million of the CPU.
const WHOLE_CPU: u64 = 1_000_000;
/// The root server's priority while it builds the system.
const ROOT_PRIORITY: u8 = 255;

pub(super) fn check(sources: &Sources, report: &mut Report) {
    let components: Vec<&Component> = sources.components().map(|(c, _)| c).collect();
    for component in &components {
        check_one(sources, component, report);
    }
    for runner in components.iter().filter(|c| !c.guest.is_empty()) {
        let priority = *runner.priority.get_ref();
        let lowest = components
            .iter()
            .find(|other| other.guest.is_empty() && *other.priority.get_ref() <= priority);
        if let Some(other) = lowest {
            let sentence = format!(
                "`{}` runs a guest, so its priority must be below that of `{}`",
                runner.name.get_ref(),
                other.name.get_ref()
            );
            report.add(sources.system.at(&runner.priority), sentence);
        }
    }
    check_sum(sources, &components, report);
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

/// Where there is a guest, all others together leave time. The place is the last budget added.
fn check_sum(sources: &Sources, components: &[&Component], report: &mut Report) {
    if components
        .iter()
        .all(|component| component.guest.is_empty())
    {
        return;
    }
    let mut sum = 0;
    for component in components.iter().filter(|c| c.guest.is_empty()) {
        let period = component.period.get_ref().microseconds().max(1);
        let budget = component.budget.get_ref().microseconds();
        sum += budget.saturating_mul(WHOLE_CPU).div_ceil(period);
        if sum >= WHOLE_CPU {
            let sentence = "with this one, the budgets above the guests add up to the whole CPU";
            return report.add(sources.system.at(&component.budget), sentence);
        }
    }
}
