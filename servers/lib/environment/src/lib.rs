//! What a component is told at its start: names of its capabilities, regions and parameters.

#![no_std]
#![forbid(unsafe_code)]
