//! A gateway without a network behind it: it gives the guest its addresses and answers pings.
//!
//! A guest that looks for one of its other addresses (by ARP) makes it misbehave in the way that the address
//! stands for; so a scenario chooses by `ping` what the guest's monitor has to bear.

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

extern crate alloc;

mod answers;
mod checksum;
mod link;
mod mischief;
mod tally;

use alloc::string::{String, ToString};
use core::convert::Infallible;

use runtime::Component;

use crate::{answers::Answer, link::Link, mischief::Afterwards, tally::Tally};

runtime::component!(main);

fn main(component: Component) -> Result<Infallible, String> {
    let notification = component.notification().map_err(text)?;
    let mut link = Link::open(&component)?;
    let mut frame = [0; frame_api::MAX_FRAME];
    let mut tally = Tally::default();
    loop {
        while let Some((length, checksum)) = link.receive(&mut frame)? {
            tally.count(&frame[..length]);
            match answers::answer(&mut frame, length, checksum) {
                Answer::Frame(length) => link.send(&frame[..length], frame_api::Checksum::Good)?,
                Answer::Mischief(host) => match mischief::act(host, &mut link)? {
                    Afterwards::Honest => {}
                    Afterwards::Silent => loop {
                        let _ = notification.wait();
                    },
                },
                Answer::None => {}
            }
        }
        link.announce();
        let _ = notification.wait();
    }
}

fn text(error: impl ToString) -> String {
    error.to_string()
}
