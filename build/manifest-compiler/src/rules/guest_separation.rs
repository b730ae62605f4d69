//! Two guests meet in no component, except where it keeps them apart: whatever handles a guest's plaintext or
//! keys has an instance for each guest.

use std::ops::Range;

use crate::diagnostic::Report;
use crate::flow::{Flow, Reached};
use crate::source::Sources;

pub(super) fn check(sources: &Sources, report: &mut Report) {
    let flow = Flow::of(sources);
    let guests: Vec<Guest<'_>> = sources
        .components()
        .enumerate()
        .filter(|(_, (component, _))| !component.guest.is_empty())
        .map(|(index, (component, _))| (component.name.get_ref().as_str(), flow.reach(index)))
        .collect();
    for (index, second) in guests.iter().enumerate() {
        for first in &guests[..index] {
            let meeting = Meeting::of(&flow, first, second);
            if let Some(meeting) = meeting.or_else(|| Meeting::of(&flow, second, first)) {
                meeting.report(sources, report);
            }
        }
    }
}

/// A guest's monitor, and what the guest reaches.
type Guest<'a> = (&'a str, Vec<Reached<'a>>);

/// A component in which a guest is already and into which another comes.
struct Meeting<'a> {
    first: &'a str,
    second: &'a str,
    way: &'a Reached<'a>,
    last: Range<usize>,
}

impl<'a> Meeting<'a> {
    /// The place where the second guest first meets the other; what lies behind it follows from it.
    fn of(flow: &Flow<'_>, first: &'a Guest<'a>, second: &'a Guest<'a>) -> Option<Self> {
        let meets = |way: &&Reached<'_>| {
            first.1.iter().any(|other| {
                other.component == way.component
                    && !flow.separates(way.component, other.entry, way.entry)
            })
        };
        let mut steps = second.1.iter().filter(|way| way.last.is_some());
        let way = steps.find(meets)?;
        Some(Self {
            first: first.0,
            second: second.0,
            way,
            last: way.last.clone()?,
        })
    }

    fn report(self, sources: &Sources, report: &mut Report) {
        let Self {
            first, second, way, ..
        } = &self;
        let shared = sources.component(way.component).0.name.get_ref();
        let sentence = format!(
            "the guests of `{first}` and `{second}` meet in `{shared}`, which does not keep them apart: from `{second}` {}; give each guest its own",
            way.path()
        );
        report.add(sources.system.at_span(self.last), sentence);
    }
}
