//! Device registers in memory.

#![no_std]
