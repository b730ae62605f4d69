//! Every component gets everything that it asks for.

use crate::diagnostic::Report;
use crate::source::{ChannelNeed, Component, Document, Needs, Peers, Presence, Sources};

pub(super) fn check(sources: &Sources, report: &mut Report) {
    for (component, needs) in sources.components() {
        for missing in missing_grants(component, needs) {
            report.add(sources.system.at(&component.name), missing);
        }
        check_channels(sources, component, needs, report);
        check_authority(sources, component, needs, report);
    }
}

/// Devices, guests, files and parameters: one sentence for each that is missing.
fn missing_grants(component: &Component, needs: &Needs) -> Vec<String> {
    let name = component.name.get_ref();
    let devices = needs.device.iter().map(|need| need.role.get_ref());
    let guests = needs.guest.iter().map(|need| need.role.get_ref());
    let files = needs
        .file
        .iter()
        .filter(|need| *need.presence.get_ref() == Presence::Required);
    let files = files.map(|need| need.name.get_ref());
    let parameters = needs
        .parameter
        .iter()
        .filter(|need| need.pattern().is_none() && !need.is_given_at_boot());
    let parameters = parameters.map(|need| need.name.get_ref());
    let has_device = |need: &str| component.device.iter().any(|g| g.need.get_ref() == need);
    let has_guest = |need: &str| component.guest.iter().any(|g| g.need.get_ref() == need);
    let has_file = |need: &str| component.file.iter().any(|g| g.need.get_ref() == need);
    let has_setting = |need: &str| component.parameter.iter().any(|g| g.need.get_ref() == need);
    let sentence =
        |kind: &str, need: &String| format!("`{name}` needs a {kind} `{need}` and is granted none");
    let mut missing = Vec::new();
    missing.extend(
        devices
            .filter(|n| !has_device(n))
            .map(|n| sentence("device", n)),
    );
    missing.extend(
        guests
            .filter(|n| !has_guest(n))
            .map(|n| sentence("guest", n)),
    );
    missing.extend(files.filter(|n| !has_file(n)).map(|n| sentence("file", n)));
    missing.extend(
        parameters
            .filter(|n| !has_setting(n))
            .map(|n| sentence("parameter", n)),
    );
    missing
}

/// A role for one peer has exactly one channel, an optional one at most one, a role for many any number.
fn check_channels(
    sources: &Sources,
    component: &Component,
    needs: &Document<Needs>,
    report: &mut Report,
) {
    let name = component.name.get_ref();
    let not_many = |need: &&ChannelNeed| *need.peers.get_ref() != Peers::Many;
    for need in needs.channel.iter().filter(not_many) {
        let role = need.role.get_ref();
        let end = format!("{name}.{role}");
        let ends = sources.system.channel.iter().flat_map(|channel| {
            let channel = channel.get_ref();
            [&channel.client, &channel.server]
        });
        let mut ends = ends.filter(|other| *other.get_ref() == end);
        if ends.next().is_none() && *need.peers.get_ref() == Peers::One {
            report.add(
                sources.system.at(&component.name),
                format!("`{name}` needs a channel `{role}` and has none"),
            );
        }
        if let Some(second) = ends.next() {
            report.add(
                sources.system.at(second),
                format!("`{end}` is for one peer and has a channel already"),
            );
        }
    }
}

fn check_authority(
    sources: &Sources,
    component: &Component,
    needs: &Document<Needs>,
    report: &mut Report,
) {
    let name = component.name.get_ref();
    for need in &needs.grant {
        let kind = *need.kind.get_ref();
        let granted = sources.system.grant.iter().any(|grant| {
            let grant = grant.get_ref();
            grant.to.get_ref() == name && *grant.kind.get_ref() == kind
        });
        if !granted {
            let word = kind.word();
            report.add(
                sources.system.at(&component.name),
                format!("`{name}` needs a grant of `{word}` and has none"),
            );
        }
    }
}
