//! Every `why` says something. (That there is one at all, the parser sees.)

use std::collections::HashSet;

use crate::diagnostic::Report;
use crate::source::{Document, Sources, Text};

pub(super) fn check(sources: &Sources, report: &mut Report) {
    check_all(&sources.system, system_reasons(sources), report);
    let hardware = &sources.hardware;
    let memory = hardware.memory.iter().map(|memory| &memory.why);
    let devices = hardware.device.iter().map(|device| &device.why);
    let all = [&hardware.why].into_iter().chain(memory).chain(devices);
    check_all(hardware, all, report);
    let mut seen = HashSet::new();
    for (component, needs) in sources.components() {
        if seen.insert(component.needs.get_ref()) {
            let sized = needs.region.iter().chain(&needs.dma).map(|need| &need.why);
            let devices = needs.device.iter().map(|need| &need.why);
            let channels = needs.channel.iter().map(|need| &need.why);
            let guests = needs.guest.iter().map(|need| &need.why);
            let files = needs.file.iter().map(|need| &need.why);
            let parameters = needs.parameter.iter().map(|need| &need.why);
            let grants = needs.grant.iter().map(|need| &need.why);
            let crossings = needs.crossing.iter().map(|crossing| &crossing.why);
            let all = [&needs.why].into_iter().chain(sized).chain(devices);
            let all = all.chain(channels).chain(guests).chain(files);
            let all = all.chain(parameters).chain(grants).chain(crossings);
            check_all(needs, all, report);
        }
    }
}

fn system_reasons(sources: &Sources) -> impl Iterator<Item = &Text> {
    let system = &sources.system;
    let of_components = system.component.iter().flat_map(|component| {
        let component = component.get_ref();
        let devices = component.device.iter().map(|grant| &grant.why);
        let guests = component.guest.iter().map(|grant| &grant.why);
        let files = component.file.iter().map(|grant| &grant.why);
        let settings = component.parameter.iter().map(|setting| &setting.why);
        let all = [&component.why].into_iter().chain(devices).chain(guests);
        all.chain(files).chain(settings)
    });
    let channels = system.channel.iter().map(|c| &c.get_ref().why);
    let grants = system.grant.iter().map(|grant| &grant.get_ref().why);
    let all = [&system.why].into_iter().chain(of_components);
    all.chain(channels).chain(grants)
}

fn check_all<'a, T>(
    document: &Document<T>,
    reasons: impl Iterator<Item = &'a Text>,
    report: &mut Report,
) {
    for why in reasons {
        if why.get_ref().trim().is_empty() {
            report.add(document.at(why), "this `why` gives no reason");
        }
    }
}
