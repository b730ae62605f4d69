//! Exits after which the guest cannot go on.

use sel4_sys::extension::reason;

use crate::{
    ending::{Ending, Stop},
    vcpu::Exit,
};

pub(super) fn ending(exit: &Exit) -> Ending {
    Ending::Stopped(match exit.reason {
        reason::INVALID_STATE => Stop::InvalidState {
            code: exit.detail,
            rip: exit.rip,
        },
        _ => Stop::UnknownExit {
            reason: exit.reason,
            detail: exit.detail,
            rip: exit.rip,
        },
    })
}
