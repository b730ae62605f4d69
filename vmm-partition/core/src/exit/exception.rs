//! Intercepted exceptions: given back to the guest.

use sel4_sys::extension::event;

use super::inject;
use crate::{
    number::{low_u8, low_u32},
    vcpu::{Exit, Request},
};

/// Exceptions that push an error code.
const WITH_CODE: [u8; 7] = [8, 10, 11, 12, 13, 14, 17];

pub(super) fn handle(exit: &Exit, request: &mut Request) {
    let vector = low_u8(exit.detail & 0x1f);
    let word = if WITH_CODE.contains(&vector) {
        event::exception_with_code(vector, low_u32(exit.detail_2))
    } else {
        event::exception(vector)
    };
    inject(request, word);
}
