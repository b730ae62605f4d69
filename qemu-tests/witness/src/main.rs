//! A component that behaves while others do not: it waits, says that it still runs, and ends the test as a
//! guest monitor would, by reporting that its guest is switched off.

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::{format, string::String};
use core::{convert::Infallible, time::Duration};

use runtime::{CallError, Component, DeadlineTimer, Endpoint, println};
use supervisor_api::{CHANNEL, Noted, Report};

runtime::component!(main);

/// How long the others have for what they do.
const PATIENCE: Duration = Duration::from_millis(200);

fn main(component: Component) -> Result<Infallible, String> {
    wait(&component)?;
    println!("timer and console still serve");
    let slot = component.environment.capability(CHANNEL);
    let supervisor = Endpoint::new(component.ipc, slot.map_err(|error| format!("{error}"))?);
    let nonsense: Result<Noted, CallError> = supervisor.call(&"this is no report");
    if nonsense != Err(CallError::Unintelligible) {
        return Err(format!(
            "the supervisor takes nonsense for a report: {nonsense:?}"
        ));
    }
    let noted: Result<Noted, CallError> = supervisor.call(&Report::GuestPoweredOff);
    Err(format!("the machine is still there: {noted:?}"))
}

fn wait(component: &Component) -> Result<(), String> {
    let timer = DeadlineTimer::open(&component.memory).map_err(|error| format!("{error}"))?;
    let notification = component
        .notification()
        .map_err(|error| format!("{error}"))?;
    timer.set_after(&component.clock, PATIENCE);
    while notification.wait() & timer.badge() == 0 {}
    Ok(())
}
