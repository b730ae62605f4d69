//! Telling the supervisor how the guest ended.

use runtime::{Component, Endpoint};
use supervisor_api::{CrashCause, Noted, Report};
use vmm_partition_core::{Ending, ending::Stop};

use crate::failure::Failure;

/// Reports the end of the guest.
pub(crate) fn report(component: &Component, ending: Ending) -> Result<(), Failure> {
    let slot = component.environment.capability(supervisor_api::CHANNEL)?;
    let supervisor = Endpoint::new(component.ipc, slot);
    supervisor
        .call::<Report, Noted>(&report_of(ending))
        .map(|Noted| ())
        .map_err(Failure::Report)
}

/// A guest that halts for good has ended as it wished, like one that switches itself off.
fn report_of(ending: Ending) -> Report {
    let (cause, instruction) = match ending {
        Ending::PowerOff | Ending::Halted => return Report::GuestPoweredOff,
        Ending::Reset(_) => return Report::GuestRestarts,
        Ending::TripleFault { rip } => (CrashCause::TripleFault, rip),
        Ending::Stopped(stop) => match stop {
            Stop::Instruction { rip, .. } => (CrashCause::Unsupported, rip),
            Stop::FetchOutsideMemory { address } => (CrashCause::Unsupported, address),
            Stop::InvalidState { rip, .. } => (CrashCause::InvalidState, rip),
            Stop::UnknownExit { reason, rip, .. } => (CrashCause::Other(reason), rip),
            Stop::KernelRefused { error } => (CrashCause::Other(error), 0),
        },
    };
    Report::GuestCrashed { cause, instruction }
}
