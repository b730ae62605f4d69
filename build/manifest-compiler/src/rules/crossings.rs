//! A crossing names roles that the component has, and encryption leads from some of them to others.

use std::collections::HashSet;

use crate::diagnostic::Report;
use crate::source::{Crossing, CrossingKind, Document, Needs, Sources};

pub(super) fn check(sources: &Sources, report: &mut Report) {
    let mut seen = HashSet::new();
    for (component, needs) in sources.components() {
        if seen.insert(component.needs.get_ref()) {
            for crossing in &needs.crossing {
                check_crossing(needs, crossing, report);
            }
        }
    }
}

fn check_crossing(needs: &Document<Needs>, crossing: &Crossing, report: &mut Report) {
    if crossing.from.is_empty() || crossing.to.is_empty() {
        report.add(needs.at(&crossing.kind), "this crossing joins nothing");
    }
    for role in crossing.from.iter().chain(&crossing.to) {
        let word = role.get_ref();
        let is_channel = needs.channel.iter().any(|need| need.role.get_ref() == word);
        let is_grant = needs.grant.iter().any(|g| g.kind.get_ref().word() == word);
        if !is_channel && !is_grant {
            let sentence =
                format!("there is no channel and no grant `{word}` here to cross from or to");
            report.add(needs.at(role), sentence);
        }
    }
    if *crossing.kind.get_ref() == CrossingKind::Encryption {
        for role in &crossing.to {
            if crossing
                .from
                .iter()
                .any(|from| from.get_ref() == role.get_ref())
            {
                let sentence = format!("`{}` is on both sides of this encryption", role.get_ref());
                report.add(needs.at(role), sentence);
            }
        }
    }
}
