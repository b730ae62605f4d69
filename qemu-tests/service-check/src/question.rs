//! A question on the trusted path.

use alloc::{format, string::String};

use console_api::{Line, LineEnd, Prompt};
use runtime::{Component, print, println};

pub(crate) fn check(component: &Component) -> Result<(), String> {
    let mut prompt = Prompt::open(&component.memory).map_err(|error| format!("{error}"))?;
    let notification = component
        .notification()
        .map_err(|error| format!("{error}"))?;
    let mut line = Line::new();
    print!("Word to count: ");
    let end = prompt.ask(&mut line, || {
        let _ = notification.wait();
    });
    match end {
        Ok(LineEnd::Entered) => println!("the word has {} bytes", line.as_bytes().len()),
        Ok(LineEnd::GivenUp) => println!("no word"),
        Err(error) => return Err(format!("{error}")),
    }
    Ok(())
}
