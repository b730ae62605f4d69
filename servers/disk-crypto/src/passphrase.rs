//! Asking for the passphrase: three tries, each slower than the one before.

use core::time::Duration;

use console_api::{Line, LineEnd, Prompt};
use disk_crypto_core::{
    error::OpenError,
    unlock::{Locked, MemoryBlock, Unlocked},
};
use runtime::{Component, DeadlineTimer, Notification};

use crate::open::Refusal;

/// Seconds to wait after each wrong passphrase; the last one ends it.
const DELAYS_S: [u64; 2] = [2, 8];

/// Asks until a passphrase opens a key slot. `memory` is wiped.
pub(crate) fn unlock(
    component: &Component,
    notification: Notification,
    locked: &Locked,
    memory: &mut [MemoryBlock],
) -> Result<Unlocked, Refusal> {
    let mut prompt = Prompt::open(&component.memory)?;
    let mut line = Line::new();
    let mut delays_s = DELAYS_S.into_iter();
    loop {
        prompt.begin()?;
        runtime::print!("Passphrase for {}: ", component.environment.component);
        let end = prompt.answer(&mut line, || {
            let _ = notification.wait();
        });
        runtime::println!();
        if end? == LineEnd::GivenUp {
            return Err(Refusal::GivenUp);
        }
        match locked.unlock(line.as_bytes(), memory) {
            Err(OpenError::WrongPassphrase) => {}
            Ok(unlocked) => return Ok(unlocked),
            Err(error) => return Err(error.into()),
        }
        let delay_s = delays_s.next().ok_or(Refusal::TooManyTries)?;
        runtime::println!("wrong passphrase; the next try is in {delay_s} seconds");
        wait(component, notification, Duration::from_secs(delay_s))?;
    }
}

fn wait(component: &Component, notification: Notification, span: Duration) -> Result<(), Refusal> {
    let timer = DeadlineTimer::open(&component.memory)?;
    let end = component.clock.after(span);
    timer.set(end);
    while component.clock.now() < end {
        let _ = notification.wait();
    }
    Ok(())
}
