//! Nothing is granted that the component does not ask for, and nothing twice.

use std::collections::HashSet;

use crate::diagnostic::Report;
use crate::source::{Component, Document, Needs, Sources, Text};

pub(super) fn check(sources: &Sources, report: &mut Report) {
    for (component, needs) in sources.components() {
        let devices = component.device.iter().map(|grant| &grant.need);
        check_kind(sources, component, "device", devices, report, |role| {
            needs.device.iter().any(|need| need.role.get_ref() == role)
        });
        let guests = component.guest.iter().map(|grant| &grant.need);
        check_kind(sources, component, "guest", guests, report, |role| {
            needs.guest.iter().any(|need| need.role.get_ref() == role)
        });
        let files = component.file.iter().map(|grant| &grant.need);
        check_kind(sources, component, "file", files, report, |name| {
            needs.file.iter().any(|need| need.name.get_ref() == name)
        });
        let settings = component.parameter.iter().map(|setting| &setting.need);
        check_kind(sources, component, "parameter", settings, report, |name| {
            asks_for_setting(sources, needs, name)
        });
    }
    check_authority(sources, report);
}

/// A setting with a peer's name in it counts only if there is such a peer.
fn asks_for_setting(sources: &Sources, needs: &Document<Needs>, name: &str) -> bool {
    needs.parameter.iter().any(|need| {
        need.matches(name)
            && !need.is_given_at_boot()
            && need.pattern().is_none_or(|(before, behind)| {
                let peer = name
                    .strip_prefix(before)
                    .and_then(|n| n.strip_suffix(behind));
                peer.is_some_and(|peer| sources.component_index(peer).is_some())
            })
    })
}

fn check_kind<'a>(
    sources: &Sources,
    component: &Component,
    kind: &str,
    grants: impl Iterator<Item = &'a Text>,
    report: &mut Report,
    is_needed: impl Fn(&str) -> bool,
) {
    let mut seen = HashSet::new();
    for need in grants {
        let name = need.get_ref();
        let place = sources.system.at(need);
        if !is_needed(name) {
            let needs = component.needs.get_ref();
            let sentence =
                format!("{needs} asks for no {kind} `{name}`, so this grant would be unused");
            report.add(place, sentence);
        } else if !seen.insert(name) {
            report.add(place, format!("the {kind} `{name}` is granted twice"));
        }
    }
}

/// Authority over components goes to those that ask for this kind, once for each component.
fn check_authority(sources: &Sources, report: &mut Report) {
    let system = &sources.system;
    let mut seen = HashSet::new();
    for grant in &system.grant {
        let grant = grant.get_ref();
        let (kind, to) = (*grant.kind.get_ref(), grant.to.get_ref());
        let Some(index) = sources.component_index(to) else {
            continue;
        };
        let (component, needs) = sources.component(index);
        if !needs.grant.iter().any(|need| *need.kind.get_ref() == kind) {
            let (needs, word) = (component.needs.get_ref(), kind.word());
            let sentence =
                format!("{needs} asks for no grant of `{word}`, so this one would be unused");
            report.add(system.at(&grant.kind), sentence);
        }
        if grant.of.is_empty() {
            report.add(system.at(&grant.kind), "this grant is over nobody");
        }
        for of in &grant.of {
            if !seen.insert((kind.word(), to, of.get_ref())) {
                let sentence = format!("this grant over `{}` is given twice", of.get_ref());
                report.add(system.at(of), sentence);
            }
        }
    }
}
