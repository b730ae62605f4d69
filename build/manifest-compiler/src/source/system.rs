//! The system manifest: which components there are and who is granted what.

use serde::Deserialize;
use toml::Spanned;

use super::{Duration, Size, Text};

/// `manifests/systems/NAME.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SystemSource {
    /// The file's name without `.toml`.
    pub(crate) name: Text,
    /// A file of `manifests/hardware`, without `.toml`.
    pub(crate) hardware: Text,
    /// What the system is for.
    pub(crate) why: Text,
    pub(crate) component: Vec<Spanned<Component>>,
    pub(crate) channel: Vec<Spanned<Channel>>,
    pub(crate) grant: Vec<Spanned<Grant>>,
}

/// An instance of a program.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Component {
    pub(crate) name: Text,
    /// Path of its `needs.toml` from the repository's root.
    pub(crate) needs: Text,
    pub(crate) why: Text,
    /// 0 to 254, higher first.
    pub(crate) priority: Spanned<u8>,
    /// CPU time in each period.
    pub(crate) budget: Spanned<Duration>,
    pub(crate) period: Spanned<Duration>,
    pub(crate) device: Vec<DeviceGrant>,
    pub(crate) guest: Vec<GuestGrant>,
    pub(crate) file: Vec<FileGrant>,
    pub(crate) parameter: Vec<Setting>,
}

/// A device of the hardware for a role of the component's needs.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeviceGrant {
    pub(crate) need: Text,
    pub(crate) device: Text,
    pub(crate) why: Text,
}

/// Memory for a guest of the component's needs.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GuestGrant {
    pub(crate) need: Text,
    pub(crate) memory: Spanned<Size>,
    pub(crate) why: Text,
}

/// A file of the boot archive for a name of the component's needs.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FileGrant {
    pub(crate) need: Text,
    pub(crate) file: Text,
    pub(crate) why: Text,
}

/// A value for a parameter of the component's needs.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Setting {
    pub(crate) need: Text,
    pub(crate) value: Spanned<Value>,
    pub(crate) why: Text,
}

/// What a parameter can be set to.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub(crate) enum Value {
    Integer(u64),
    Text(String),
}

/// A connection of two components; each end is written `component.role`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Channel {
    pub(crate) client: Text,
    pub(crate) server: Text,
    pub(crate) why: Text,
}

/// Authority of one component over others.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Grant {
    pub(crate) kind: Spanned<super::GrantKind>,
    pub(crate) to: Text,
    pub(crate) of: Vec<Text>,
    pub(crate) why: Text,
}
