//! The compiled system as JSON, field by field as [`compiled_manifest::System`] has it.

use compiled_manifest::System;

/// The system as JSON.
///
/// # Errors
///
/// None that a compiled system can cause; the coder's own are passed on.
pub fn export(system: &System) -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(system)
}
