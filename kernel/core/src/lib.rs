//! Every decision of the kernel, in safe Rust, tested on the host.

#![no_std]
#![forbid(unsafe_code)]
