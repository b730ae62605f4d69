//! What a system manifest names exists: components, roles, devices.

use crate::diagnostic::Report;
use crate::source::{Sources, Text};

pub(super) fn check(sources: &Sources, report: &mut Report) {
    let system = &sources.system;
    for channel in &system.channel {
        let channel = channel.get_ref();
        check_end(sources, &channel.client, report);
        check_end(sources, &channel.server, report);
    }
    for grant in &system.grant {
        let grant = grant.get_ref();
        for name in std::iter::once(&grant.to).chain(&grant.of) {
            check_component(sources, name, report);
        }
    }
    for component in &system.component {
        for grant in &component.get_ref().device {
            let device = grant.device.get_ref();
            if sources.device(device).is_none() {
                let hardware = sources.hardware.name.get_ref();
                report.add(
                    system.at(&grant.device),
                    format!("hardware `{hardware}` has no device `{device}`"),
                );
            }
        }
    }
    let console = &sources.hardware.boot_console;
    if sources
        .device(console.get_ref())
        .is_none_or(|device| device.ports.is_empty())
    {
        report.add(
            sources.hardware.at(console),
            format!("there is no device `{}` with ports", console.get_ref()),
        );
    }
}

fn check_end(sources: &Sources, end: &Text, report: &mut Report) {
    let place = || sources.system.at(end);
    let Some((component, role)) = end.get_ref().split_once('.') else {
        let sentence = format!(
            "`{}` is no end of a channel; write `component.role`",
            end.get_ref()
        );
        return report.add(place(), sentence);
    };
    let Some(index) = sources.component_index(component) else {
        return report.add(place(), format!("there is no component `{component}`"));
    };
    if sources.channel_end(end.get_ref()).is_none() {
        let needs = sources.component(index).0.needs.get_ref();
        report.add(
            place(),
            format!("{needs} asks for no channel `{role}`, so this one would be unused"),
        );
    }
}

fn check_component(sources: &Sources, name: &Text, report: &mut Report) {
    if sources.component_index(name.get_ref()).is_none() {
        report.add(
            sources.system.at(name),
            format!("there is no component `{}`", name.get_ref()),
        );
    }
}
