//! The parts of a device that a component asks for exist.

use crate::diagnostic::Report;
use crate::source::Sources;

pub(super) fn check(sources: &Sources, report: &mut Report) {
    for (component, needs) in sources.components() {
        for grant in &component.device {
            let need = needs
                .device
                .iter()
                .find(|n| n.role.get_ref() == grant.need.get_ref());
            let device = sources.device(grant.device.get_ref());
            let (Some(need), Some(device)) = (need, device) else {
                continue;
            };
            for part in &need.parts {
                if !device.parts().any(|name| name.get_ref() == part.get_ref()) {
                    let (part, device) = (part.get_ref(), device.name.get_ref());
                    let path = component.needs.get_ref();
                    report.add(
                        sources.system.at(&grant.device),
                        format!("{path} asks for `{part}`, which device `{device}` does not have"),
                    );
                }
            }
        }
        for need in &needs.device {
            if need.parts.is_empty() {
                report.add(
                    needs.at(&need.role),
                    format!("no part of `{}` is asked for", need.role.get_ref()),
                );
            }
        }
    }
}
