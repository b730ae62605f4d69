//! Virtual CPUs: guests of a few instructions, and what their monitor and the host see of them.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

mod isolation;
mod long_mode;
mod real_mode;

const GROUPS: &[&[test_support::Test]] = &[real_mode::TESTS, long_mode::TESTS, isolation::TESTS];

test_support::root_task!(GROUPS);
