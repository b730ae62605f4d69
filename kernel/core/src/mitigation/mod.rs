//! Which measures against speculative attacks the processor needs, by its own words and its generation.
//!
//! docs/mitigations.md says of every attack what it is, whom it concerns here, and what its measure costs.

pub mod measure;
mod policy;

pub use policy::decide;
