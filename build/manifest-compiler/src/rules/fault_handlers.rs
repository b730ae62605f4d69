//! Every component's faults go to exactly one handler; only a handler's own go nowhere.

use std::collections::HashSet;

use crate::diagnostic::Report;
use crate::source::{GrantKind, Sources};

pub(super) fn check(sources: &Sources, report: &mut Report) {
    let system = &sources.system;
    let grants = system.grant.iter().map(toml::Spanned::get_ref);
    let faults = grants.filter(|grant| *grant.kind.get_ref() == GrantKind::Faults);
    let mut handled = HashSet::new();
    let mut handlers = HashSet::new();
    for grant in faults {
        handlers.insert(grant.to.get_ref());
        for of in &grant.of {
            let name = of.get_ref();
            if name == grant.to.get_ref() {
                report.add(
                    system.at(of),
                    format!("`{name}` cannot handle its own faults"),
                );
            }
            if !handled.insert(name) {
                report.add(
                    system.at(of),
                    format!("the faults of `{name}` have a handler already"),
                );
            }
        }
    }
    for (component, _) in sources.components() {
        let name = component.name.get_ref();
        if !handled.contains(name) && !handlers.contains(name) {
            report.add(
                system.at(&component.name),
                format!("nobody receives the faults of `{name}`"),
            );
        }
    }
}
