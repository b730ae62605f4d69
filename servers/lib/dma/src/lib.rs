//! Memory that a device reads and writes.

#![no_std]
