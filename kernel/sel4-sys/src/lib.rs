//! The kernel interface: seL4's ABI for x86_64 MCS in numbers, layouts and stubs.

#![no_std]
