//! A compiled system for people and their tools.

pub mod capdl;
pub mod json;
