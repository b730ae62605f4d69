//! What the targets share: a guest's memory, the system around it, and a processor that follows a script.
#![forbid(unsafe_code)]

mod driver;
mod gateway;
mod ram;
mod script;
mod system;

pub use driver::start_devices;
pub use ram::Ram;
pub use script::Script;
pub use system::System;
