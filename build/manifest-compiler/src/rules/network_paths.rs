//! What a guest sends reaches a network only encrypted: every way from a guest to a component that holds a
//! network device leads through a component whose needs declare a crossing there.

use std::collections::HashSet;

use crate::diagnostic::Report;
use crate::flow::Flow;
use crate::source::{Class, DeviceGrant, Sources};

pub(super) fn check(sources: &Sources, report: &mut Report) {
    let flow = Flow::of(sources);
    for (index, (component, _)) in sources.components().enumerate() {
        if component.guest.is_empty() {
            continue;
        }
        let monitor = component.name.get_ref();
        let mut said = HashSet::new();
        for reached in flow.reach(index) {
            let Some(grant) = network_device(sources, reached.component) else {
                continue;
            };
            if !said.insert(reached.component) {
                continue;
            }
            let device = grant.device.get_ref();
            let Some(last) = &reached.last else {
                let sentence = format!(
                    "`{monitor}` runs a guest and holds the network device `{device}`; nothing would encrypt what the guest sends"
                );
                report.add(sources.system.at(&grant.device), sentence);
                continue;
            };
            let sentence = format!(
                "the guest of `{monitor}` reaches the network device `{device}` in the clear: from `{monitor}` {}, which holds it; no component on this way declares a crossing with encryption",
                reached.path()
            );
            report.add(sources.system.at_span(last.clone()), sentence);
        }
    }
}

/// The grant of a network device to the component, if it has one.
pub(super) fn network_device(sources: &Sources, component: usize) -> Option<&DeviceGrant> {
    let mut grants = sources.component(component).0.device.iter();
    grants.find(|grant| {
        let device = sources.device(grant.device.get_ref());
        device.is_some_and(|device| *device.class.get_ref() == Class::Network)
    })
}
