//! The manifests as their authors write them, each value with its place.

mod document;
mod hardware;
mod needs;
mod quantity;
mod system;
mod tree;

pub(crate) use document::{Document, Text};
pub(crate) use hardware::{
    Class, Device, Hardware, PciBar, PciPart, PortPart, TriggerWord, Width, YesNo,
};
pub(crate) use needs::{
    ChannelKind, ChannelMemory, ChannelNeed, Crossing, CrossingKind, DeviceNeed, End, GrantKind,
    Needs, ParameterType, Peers, Presence,
};
pub(crate) use quantity::{Duration, Size};
pub(crate) use system::{
    Channel, Component, DeviceGrant, Grant, SystemSource, Value as SettingValue,
};
pub use tree::{Folder, SourceTree};

use toml::Spanned;

use crate::diagnostic::{Diagnostic, Failure, Place};

/// All manifests of one system.
#[derive(Debug)]
pub(crate) struct Sources {
    /// The system manifest.
    pub(crate) system: Document<SystemSource>,
    /// The hardware that it names.
    pub(crate) hardware: Document<Hardware>,
    /// What each component needs, in the order of the system's components.
    pub(crate) needs: Vec<Document<Needs>>,
}

impl Sources {
    /// Reads the system manifest at `path` and everything that it refers to.
    pub(crate) fn read(tree: &dyn SourceTree, path: &str) -> Result<Self, Failure> {
        let system: Document<SystemSource> = Document::read(tree, path)?;
        let hardware_path = format!("manifests/hardware/{}.toml", system.hardware.get_ref());
        let hardware = referred(tree, &hardware_path, || system.at(&system.hardware))?;
        let mut needs = Vec::new();
        for component in &system.component {
            let place = || system.at(&component.get_ref().needs);
            needs.push(referred(tree, component.get_ref().needs.get_ref(), place)?);
        }
        Ok(Self {
            system,
            hardware,
            needs,
        })
    }

    /// The components with what they need, in order.
    pub(crate) fn components(&self) -> impl Iterator<Item = (&Component, &Document<Needs>)> {
        let components = self.system.component.iter().map(Spanned::get_ref);
        components.zip(&self.needs)
    }

    /// Index of the component `name`.
    pub(crate) fn component_index(&self, name: &str) -> Option<usize> {
        self.components()
            .position(|(component, _)| component.name.get_ref() == name)
    }

    /// The component's place among the sources and its needs.
    pub(crate) fn component(&self, index: usize) -> (&Component, &Document<Needs>) {
        (self.system.component[index].get_ref(), &self.needs[index])
    }

    /// A channel's end, written `component.role`: the component's index and the need.
    pub(crate) fn channel_end(&self, end: &str) -> Option<(usize, &ChannelNeed)> {
        let (component, role) = end.split_once('.')?;
        let index = self.component_index(component)?;
        let mut roles = self.needs[index].channel.iter();
        let need = roles.find(|need| need.role.get_ref() == role)?;
        Some((index, need))
    }

    /// The hardware's device `name`.
    pub(crate) fn device(&self, name: &str) -> Option<&Device> {
        let mut devices = self.hardware.device.iter();
        devices.find(|device| device.name.get_ref() == name)
    }
}

/// Reads a file that another manifest names; if it is not there, that is the other one's fault.
fn referred<T: serde::de::DeserializeOwned>(
    tree: &dyn SourceTree,
    path: &str,
    place: impl FnOnce() -> Place,
) -> Result<Document<T>, Failure> {
    match tree.read(path) {
        Ok(text) => Document::parse(path, &text),
        Err(why) => Err(Diagnostic {
            place: place(),
            sentence: format!("{path} cannot be read: {why}"),
        }
        .into()),
    }
}
