//! Sekisho's build tool.
#![forbid(unsafe_code)]
fn main() {}
