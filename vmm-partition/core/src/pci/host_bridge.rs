//! Function 00:00.0, which does nothing but be there.

use super::configuration::{Configuration, Identity};

/// The host bridge's configuration space (identified as QEMU's generic bridge, which no driver binds to).
pub(super) fn configuration() -> Configuration {
    Configuration::new(Identity {
        vendor: 0x1b36,
        device: 0x0008,
        revision: 0,
        class: 0x06_00_00,
        subsystem_vendor: 0x1af4,
        subsystem: 0x1100,
    })
}
