//! A device is granted to one component.

use std::collections::HashMap;

use crate::diagnostic::Report;
use crate::source::Sources;

pub(super) fn check(sources: &Sources, report: &mut Report) {
    let mut owners = HashMap::new();
    for (component, _) in sources.components() {
        for grant in &component.device {
            let device = grant.device.get_ref();
            if let Some(owner) = owners.insert(device, component.name.get_ref()) {
                report.add(
                    sources.system.at(&grant.device),
                    format!("device `{device}` is granted to `{owner}` already"),
                );
            }
        }
    }
}
