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
    let asked = prompt.begin().and_then(|()| {
        print!("Word to count: ");
        prompt.answer(&mut line, || {
            let _ = notification.wait();
        })
    });
    drop(prompt);
    match asked {
        Ok(LineEnd::Entered) => println!("the word has {} bytes", line.as_bytes().len()),
        Ok(LineEnd::GivenUp) => println!("no word"),
        Err(error) => return Err(format!("{error}")),
    }
    Ok(())
}
