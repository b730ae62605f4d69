//! What the manifest says of this guest's tunnel and gateway.

use core::{fmt, time::Duration};

use runtime::{Component, environment::Missing};
use vpn_core::{
    inside::{Blocklist, Inbound, InboundError},
    tunnel::{Circumstances, Policy},
};

use crate::blocklist::{self, NoList};

/// All of it.
pub(crate) struct Settings {
    pub(crate) circumstances: Circumstances,
    pub(crate) inbound: Inbound,
    pub(crate) blocklist: Option<Blocklist>,
}

/// Why it is of no use. Then the guest gets no network, and who wrote the manifest is told.
pub(crate) enum BadSetting {
    Missing(Missing),
    PostQuantum,
    Inbound(InboundError<'static>),
    Blocklist(NoList),
}

impl Settings {
    pub(crate) fn read(component: &Component) -> Result<Self, BadSetting> {
        let environment = component.environment;
        let policy = Policy::from_name(environment.text("post-quantum")?);
        let inbound = Inbound::parse(environment.text("inbound")?);
        Ok(Self {
            circumstances: Circumstances {
                boot_time: Duration::from_nanos(environment.integer("boot-unix-nanoseconds")?),
                // The volume knows more.
                remembered_labels: Duration::ZERO,
                post_quantum: policy.ok_or(BadSetting::PostQuantum)?,
            },
            inbound: inbound.map_err(BadSetting::Inbound)?,
            blocklist: blocklist::read(component).map_err(BadSetting::Blocklist)?,
        })
    }
}

impl From<Missing> for BadSetting {
    fn from(missing: Missing) -> Self {
        Self::Missing(missing)
    }
}

impl fmt::Display for BadSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(error) => error.fmt(f),
            Self::PostQuantum => {
                f.write_str("the parameter `post-quantum` must be require, prefer or off")
            }
            Self::Inbound(error) => write!(f, "in the parameter `inbound`, {error}"),
            Self::Blocklist(error) => error.fmt(f),
        }
    }
}
