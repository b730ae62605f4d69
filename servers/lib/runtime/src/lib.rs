//! What every user-mode program of Sekisho starts with.

#![no_std]
