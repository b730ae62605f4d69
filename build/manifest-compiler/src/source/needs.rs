//! A component's `needs.toml`: what the program cannot do without. Who grants it, the system says.

use serde::Deserialize;
use toml::Spanned;

use super::{Size, Text};

/// `needs.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Needs {
    /// What the program is for.
    pub(crate) why: Text,
    /// The cargo package, which has one binary.
    pub(crate) program: Text,
    pub(crate) stack: Spanned<Size>,
    pub(crate) heap: Spanned<Size>,
    /// Private RAM.
    pub(crate) region: Vec<SizedNeed>,
    /// RAM that a device reads and writes.
    pub(crate) dma: Vec<SizedNeed>,
    pub(crate) device: Vec<DeviceNeed>,
    pub(crate) channel: Vec<ChannelNeed>,
    pub(crate) guest: Vec<RoleNeed>,
    pub(crate) file: Vec<FileNeed>,
    pub(crate) parameter: Vec<ParameterNeed>,
    pub(crate) grant: Vec<GrantNeed>,
    pub(crate) crossing: Vec<Crossing>,
}

/// A piece of memory.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SizedNeed {
    pub(crate) name: Text,
    pub(crate) size: Spanned<Size>,
    pub(crate) why: Text,
}

/// A device, by the parts that the program touches.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeviceNeed {
    pub(crate) role: Text,
    pub(crate) parts: Vec<Text>,
    pub(crate) why: Text,
}

/// One end of a channel.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChannelNeed {
    pub(crate) role: Text,
    pub(crate) kind: Spanned<ChannelKind>,
    pub(crate) end: Spanned<End>,
    pub(crate) peers: Spanned<Peers>,
    /// What is spoken; both ends must name the same.
    pub(crate) protocol: Text,
    /// Size of the region that this end writes.
    pub(crate) out: Spanned<Size>,
    pub(crate) memory: Spanned<ChannelMemory>,
    pub(crate) why: Text,
}

/// How a channel works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ChannelKind {
    /// Two shared regions and a signal each way.
    Ring,
    /// A badged endpoint.
    Call,
}

/// Which end of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum End {
    Client,
    Server,
}

/// How many channels a role can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Peers {
    /// Exactly one.
    One,
    /// One or none: the program does without it.
    Optional,
    /// Any number, none included.
    Many,
}

/// What this end does with the channel's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ChannelMemory {
    /// Copies from and to it.
    Plain,
    /// Lets its device read and write it: contiguous, and the physical address is told.
    Dma,
}

/// Something with a role.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RoleNeed {
    pub(crate) role: Text,
    pub(crate) why: Text,
}

/// A file of the boot archive.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FileNeed {
    pub(crate) name: Text,
    pub(crate) presence: Spanned<Presence>,
    pub(crate) why: Text,
}

/// Whether a program can do without.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Presence {
    Required,
    Optional,
}

/// A setting. A `*` in the name stands for the name of any component, and the setting is then optional.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ParameterNeed {
    pub(crate) name: Text,
    #[serde(rename = "type")]
    pub(crate) value_type: Spanned<ParameterType>,
    pub(crate) why: Text,
}

/// What a setting can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ParameterType {
    Integer,
    Text,
    /// Seconds since 1970 at boot: the root server gives it, the system manifest does not.
    BootTime,
}

/// What the program promises about information that enters by some of its roles and leaves by others; roles are
/// those of its channels, and `faults` and `restart` for its grants.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Crossing {
    pub(crate) kind: Spanned<CrossingKind>,
    pub(crate) from: Vec<Text>,
    pub(crate) to: Vec<Text>,
    pub(crate) why: Text,
}

/// What stands at a crossing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum CrossingKind {
    /// What crosses is encrypted and authenticated under a key that this component holds.
    Encryption,
    /// Nothing crosses; between a role and itself: nothing passes from one peer to another.
    Separation,
}

impl Crossing {
    /// Whether it stands between these roles.
    pub(crate) fn joins(&self, from: &str, to: &str) -> bool {
        let names = |roles: &[Text], role: &str| roles.iter().any(|r| r.get_ref() == role);
        names(&self.from, from) && names(&self.to, to)
    }
}

/// Authority over other components.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GrantNeed {
    pub(crate) kind: Spanned<GrantKind>,
    pub(crate) why: Text,
}

/// Kinds of authority over other components.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum GrantKind {
    /// To receive their faults.
    Faults,
    /// To stop, set up and start their threads and to answer for them.
    Restart,
}

impl GrantKind {
    /// As it is written.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Faults => "faults",
            Self::Restart => "restart",
        }
    }
}

impl ParameterNeed {
    /// The part of the name before and behind the `*`, if there is one.
    pub(crate) fn pattern(&self) -> Option<(&str, &str)> {
        self.name.get_ref().split_once('*')
    }

    /// Whether the root server gives the value.
    pub(crate) fn is_given_at_boot(&self) -> bool {
        *self.value_type.get_ref() == ParameterType::BootTime
    }

    /// Whether a setting called `name` is meant.
    pub(crate) fn matches(&self, name: &str) -> bool {
        match self.pattern() {
            None => self.name.get_ref() == name,
            Some((before, behind)) => name
                .strip_prefix(before)
                .and_then(|rest| rest.strip_suffix(behind))
                .is_some_and(|peer| !peer.is_empty()),
        }
    }
}
