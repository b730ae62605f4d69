//! How what a guest knows can spread: which component it reaches, by which channels and grants.
//!
//! A channel carries both ways, because even a ring that one end alone writes has a signal back. Faults carry the
//! registers of who faulted; whoever may restart others reads and sets their registers. What enters a component
//! may leave it everywhere, except where the component's needs declare a crossing: then what enters by one role
//! leaves by another only encrypted, or not at all. A crossing is an assertion about a program, which an auditor
//! checks; everything else here follows from the manifests.

use std::collections::{HashSet, VecDeque};
use std::ops::Range;

use crate::source::{CrossingKind, GrantKind, Sources};

/// The role by which something enters a component; none for what nobody can hold apart, such as a guest's own
/// monitor, or registers set from outside.
type Entry<'a> = Option<&'a str>;

/// One step from a component to another.
#[derive(Clone, Debug)]
struct Step<'a> {
    from: usize,
    /// The role by which it leaves; none for faults, which come without the program's doing.
    leaves: Entry<'a>,
    to: usize,
    enters: Entry<'a>,
    /// Where the system manifest makes it.
    span: Range<usize>,
    words: String,
}

/// A component that a guest's knowledge reaches, and the way there.
#[derive(Clone, Debug)]
pub(crate) struct Reached<'a> {
    pub(crate) component: usize,
    pub(crate) entry: Entry<'a>,
    /// The steps in words; empty for the monitor itself.
    words: Vec<&'a str>,
    /// Where the system manifest makes the last step; none for the monitor itself.
    pub(crate) last: Option<Range<usize>>,
}

/// All steps of a system.
#[derive(Debug)]
pub(crate) struct Flow<'a> {
    sources: &'a Sources,
    steps: Vec<Step<'a>>,
}

impl<'a> Flow<'a> {
    /// The steps that the system's channels and grants allow.
    pub(crate) fn of(sources: &'a Sources) -> Self {
        let mut steps = channel_steps(sources);
        steps.extend(grant_steps(sources));
        Self { sources, steps }
    }

    /// Everything that the guest of the component `monitor` reaches in the clear, the nearest first.
    pub(crate) fn reach(&self, monitor: usize) -> Vec<Reached<'_>> {
        let start = Reached {
            component: monitor,
            entry: None,
            words: Vec::new(),
            last: None,
        };
        let mut seen = HashSet::from([(monitor, None)]);
        let mut queue = VecDeque::from([start]);
        let mut reached = Vec::new();
        while let Some(here) = queue.pop_front() {
            for step in self.steps.iter().filter(|step| self.passes(&here, step)) {
                if seen.insert((step.to, step.enters)) {
                    let mut words = here.words.clone();
                    words.push(&step.words);
                    queue.push_back(Reached {
                        component: step.to,
                        entry: step.enters,
                        words,
                        last: Some(step.span.clone()),
                    });
                }
            }
            reached.push(here);
        }
        reached
    }

    fn passes(&self, here: &Reached<'_>, step: &Step<'_>) -> bool {
        let crossed = || {
            here.entry.zip(step.leaves).is_some_and(|(from, to)| {
                let crossings = &self.sources.component(here.component).1.crossing;
                crossings.iter().any(|crossing| crossing.joins(from, to))
            })
        };
        step.from == here.component && !crossed()
    }

    /// Whether the component keeps what enters by these two apart.
    pub(crate) fn separates(&self, component: usize, one: Entry<'_>, other: Entry<'_>) -> bool {
        let crossings = &self.sources.component(component).1.crossing;
        let separate = |from, to| {
            crossings.iter().any(|crossing| {
                *crossing.kind.get_ref() == CrossingKind::Separation && crossing.joins(from, to)
            })
        };
        one.zip(other)
            .is_some_and(|(one, other)| separate(one, other) && separate(other, one))
    }
}

impl Reached<'_> {
    /// The way as part of a sentence; empty for the monitor itself.
    pub(crate) fn path(&self) -> String {
        self.words.join(", ")
    }
}

fn channel_steps(sources: &Sources) -> Vec<Step<'_>> {
    let mut steps = Vec::new();
    for channel in &sources.system.channel {
        let channel = channel.get_ref();
        let ends = [&channel.client, &channel.server];
        let [Some(client), Some(server)] = ends.map(|end| sources.channel_end(end.get_ref()))
        else {
            continue;
        };
        for ((from, leaves), (to, enters)) in [(client, server), (server, client)] {
            let role = leaves.role.get_ref();
            steps.push(Step {
                from,
                leaves: Some(role),
                to,
                enters: Some(enters.role.get_ref()),
                span: channel.client.span(),
                words: format!("by its channel `{role}` to `{}`", name(sources, to)),
            });
        }
    }
    steps
}

fn grant_steps(sources: &Sources) -> Vec<Step<'_>> {
    let mut steps = Vec::new();
    for grant in &sources.system.grant {
        let grant = grant.get_ref();
        let (kind, to) = (*grant.kind.get_ref(), grant.to.get_ref());
        let Some(holder) = sources.component_index(to) else {
            continue;
        };
        for of in &grant.of {
            let Some(subject) = sources.component_index(of.get_ref()) else {
                continue;
            };
            let words = match kind {
                GrantKind::Faults => format!("by its faults to `{to}`"),
                GrantKind::Restart => format!("by its registers to `{to}`"),
            };
            steps.push(Step {
                from: subject,
                leaves: None,
                to: holder,
                enters: Some(kind.word()),
                span: of.span(),
                words,
            });
            if kind == GrantKind::Restart {
                steps.push(Step {
                    from: holder,
                    leaves: Some(kind.word()),
                    to: subject,
                    enters: None,
                    span: of.span(),
                    words: format!("by its grant of `restart` to `{}`", of.get_ref()),
                });
            }
        }
    }
    steps
}

fn name(sources: &Sources, index: usize) -> &str {
    sources.component(index).0.name.get_ref()
}
