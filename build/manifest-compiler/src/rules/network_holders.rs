//! Who holds a network device sees ciphertext alone: it speaks no protocol of guests' packets and holds no key.

use crate::diagnostic::Report;
use crate::rules::network_paths::network_device;
use crate::source::{CrossingKind, Sources};

/// The protocol of guests' Ethernet frames, in the clear.
const FRAMES: &str = "frames";

pub(super) fn check(sources: &Sources, report: &mut Report) {
    for (index, (component, needs)) in sources.components().enumerate() {
        let Some(grant) = network_device(sources, index) else {
            continue;
        };
        let (name, device) = (component.name.get_ref(), grant.device.get_ref());
        let place = || sources.system.at(&grant.device);
        let mut channels = needs.channel.iter();
        if let Some(channel) = channels.find(|channel| channel.protocol.get_ref() == FRAMES) {
            let role = channel.role.get_ref();
            let sentence = format!(
                "`{name}` holds the network device `{device}` and has a channel `{role}` that carries guests' `{FRAMES}` in the clear"
            );
            report.add(place(), sentence);
        }
        let encrypts = |kind| kind == CrossingKind::Encryption;
        if needs.crossing.iter().any(|c| encrypts(*c.kind.get_ref())) {
            let sentence = format!(
                "`{name}` encrypts for others and holds the network device `{device}`; keys and devices belong to different components"
            );
            report.add(place(), sentence);
        }
    }
}
