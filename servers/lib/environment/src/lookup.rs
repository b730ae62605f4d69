//! An environment as the component reads it.

use crate::{
    Capability, DecodeError, Kind, LENGTH_PREFIX, List, Missing, Parameter, Region, Value,
    list::take,
};

/// What a component was told at its start.
///
/// Names are looked up whole, or as `owner.part` by the functions whose name ends in `_of`.
#[derive(Clone, Copy, Debug)]
pub struct Environment<'a> {
    /// The component's own name.
    pub component: &'a str,
    /// Entropy that no other component has.
    pub seed: [u8; 32],
    /// Ticks of the time-stamp counter in a millisecond.
    pub tsc_khz: u64,
    /// What the component holds.
    pub capabilities: List<'a, Capability<'a>>,
    /// What is mapped.
    pub regions: List<'a, Region<'a>>,
    /// How it is set up.
    pub parameters: List<'a, Parameter<'a>>,
}

impl<'a> Environment<'a> {
    /// Reads the environment at the start of `page`.
    ///
    /// # Errors
    ///
    /// The page holds no description, or one whose regions cannot all be mapped.
    pub fn decode(page: &'a [u8]) -> Result<Self, DecodeError> {
        let (prefix, rest) = page
            .split_first_chunk::<LENGTH_PREFIX>()
            .ok_or(DecodeError::Truncated)?;
        let length =
            usize::try_from(u32::from_le_bytes(*prefix)).map_err(|_| DecodeError::Truncated)?;
        let bytes = rest.get(..length).ok_or(DecodeError::Truncated)?;
        let (component, bytes) = take(bytes)?;
        let (seed, bytes) = take(bytes)?;
        let (tsc_khz, bytes) = take(bytes)?;
        let (capabilities, bytes) = List::take(bytes)?;
        let (regions, bytes) = List::take(bytes)?;
        let (parameters, bytes) = List::take(bytes)?;
        if !bytes.is_empty() {
            return Err(DecodeError::Malformed);
        }
        check_regions(&regions)?;
        Ok(Self {
            component,
            seed,
            tsc_khz,
            capabilities,
            regions,
            parameters,
        })
    }

    /// The slot of capability `name`.
    ///
    /// # Errors
    ///
    /// There is none.
    pub fn capability(&self, name: &str) -> Result<u64, Missing> {
        self.capability_of(name, "")
    }

    /// The slot of capability `owner.part`.
    ///
    /// # Errors
    ///
    /// There is none.
    pub fn capability_of(&self, owner: &str, part: &str) -> Result<u64, Missing> {
        self.capabilities
            .iter()
            .find(|capability| is_named(capability.name, owner, part))
            .map(|capability| capability.slot)
            .ok_or_else(|| Missing::new(Kind::Capability, owner, part))
    }

    /// Region `name`.
    ///
    /// # Errors
    ///
    /// There is none.
    pub fn region(&self, name: &str) -> Result<Region<'a>, Missing> {
        self.region_of(name, "")
    }

    /// Region `owner.part`.
    ///
    /// # Errors
    ///
    /// There is none.
    pub fn region_of(&self, owner: &str, part: &str) -> Result<Region<'a>, Missing> {
        self.regions
            .iter()
            .find(|region| is_named(region.name, owner, part))
            .ok_or_else(|| Missing::new(Kind::Region, owner, part))
    }

    /// Parameter `name`, if there is one.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<Value<'a>> {
        self.parameter_of(name, "")
    }

    /// Parameter `owner.part`, if there is one.
    #[must_use]
    pub fn parameter_of(&self, owner: &str, part: &str) -> Option<Value<'a>> {
        self.parameters
            .iter()
            .find(|parameter| is_named(parameter.name, owner, part))
            .map(|parameter| parameter.value)
    }

    /// Parameter `name`, a number.
    ///
    /// # Errors
    ///
    /// There is none, or it is no number.
    pub fn integer(&self, name: &str) -> Result<u64, Missing> {
        self.integer_of(name, "")
    }

    /// Parameter `owner.part`, a number.
    ///
    /// # Errors
    ///
    /// There is none, or it is no number.
    pub fn integer_of(&self, owner: &str, part: &str) -> Result<u64, Missing> {
        match self.parameter_of(owner, part) {
            Some(Value::Integer(value)) => Ok(value),
            _ => Err(Missing::new(Kind::Integer, owner, part)),
        }
    }

    /// Parameter `name`, a text.
    ///
    /// # Errors
    ///
    /// There is none, or it is no text.
    pub fn text(&self, name: &str) -> Result<&'a str, Missing> {
        match self.parameter(name) {
            Some(Value::Text(value)) => Ok(value),
            _ => Err(Missing::new(Kind::Text, name, "")),
        }
    }

    /// Parameter `name`, bytes.
    ///
    /// # Errors
    ///
    /// There is none, or it is not of bytes.
    pub fn bytes(&self, name: &str) -> Result<&'a [u8], Missing> {
        match self.parameter(name) {
            Some(Value::Bytes(value)) => Ok(value),
            _ => Err(Missing::new(Kind::Bytes, name, "")),
        }
    }

    /// The clients that have a channel in the role `role`: `disk` for `<role>.disk.signal`.
    ///
    /// A client's name holds no dot; the names come in the order of the manifest.
    pub fn clients<'r>(&self, role: &'r str) -> impl Iterator<Item = &'a str> + use<'a, 'r> {
        self.capabilities.iter().filter_map(move |capability| {
            capability
                .name
                .strip_prefix(role)?
                .strip_prefix('.')?
                .strip_suffix(".signal")
        })
    }
}

fn is_named(name: &str, owner: &str, part: &str) -> bool {
    match name.strip_prefix(owner) {
        Some("") => part.is_empty(),
        Some(rest) => !part.is_empty() && rest.strip_prefix('.') == Some(part),
        None => false,
    }
}

/// Lists are short (they fit into a few pages), so every region is compared with every other.
fn check_regions(regions: &List<'_, Region<'_>>) -> Result<(), DecodeError> {
    for (index, region) in regions.iter().enumerate() {
        let end = region.end().ok_or(DecodeError::RegionWraps)?;
        for other in regions.iter().skip(index + 1) {
            let other_end = other.end().ok_or(DecodeError::RegionWraps)?;
            if region.address < other_end && other.address < end {
                return Err(DecodeError::RegionsOverlap);
            }
        }
    }
    Ok(())
}
