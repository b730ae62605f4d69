//! Kills other components, in the middle of whatever they do: sends the threads that it was given to address 0,
//! one after the other, as often and as far apart as its parameters say.

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::{format, string::String, vec::Vec};
use core::{convert::Infallible, fmt, time::Duration};

use runtime::{
    Component, DeadlineTimer, Notification,
    kernel_calls::{
        invoke::{Resume, tcb_write_registers},
        user_context::UserContext,
    },
    println,
};

runtime::component!(main);

fn main(component: Component) -> Result<Infallible, String> {
    let text = |error: &dyn fmt::Display| format!("{error}");
    let environment = component.environment;
    let number = |name| environment.integer(name).map_err(|error| text(&error));
    let (delay, interval) = (number("delay-ms")?, number("interval-ms")?);
    let rounds = number("rounds")?;
    let capabilities = environment.capabilities.iter();
    let victims: Vec<_> = capabilities
        .filter_map(|capability| Some((capability.name.strip_prefix("thread.")?, capability.slot)))
        .collect();
    let timer = DeadlineTimer::open(&component.memory).map_err(|error| text(&error))?;
    let notification = component.notification().map_err(|error| text(&error))?;
    let wait = |milliseconds| {
        let span = Duration::from_millis(milliseconds);
        wait_for(&component, &timer, notification, span);
    };
    wait(delay);
    for _ in 0..rounds {
        for (name, thread) in &victims {
            println!("kills {name}");
            let nowhere = UserContext::default();
            tcb_write_registers(&component.ipc, *thread, Resume::Yes, &nowhere)
                .map_err(|error| format!("{name} cannot be killed: {error:?}"))?;
            wait(interval);
        }
    }
    println!("has killed enough");
    loop {
        wait(3_600_000);
    }
}

fn wait_for(
    component: &Component,
    timer: &DeadlineTimer,
    notification: Notification,
    span: Duration,
) {
    let end = component.clock.after(span);
    timer.set_after(&component.clock, span);
    while component.clock.now() < end {
        let _ = notification.wait();
    }
}
