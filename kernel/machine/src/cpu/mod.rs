//! The processor's own tables and switches: what every core sets up once.

pub(crate) mod control;
pub(crate) mod features;
pub(crate) mod fpu;
pub(crate) mod interrupt_table;
pub(crate) mod segments;
pub(crate) mod system_call;
