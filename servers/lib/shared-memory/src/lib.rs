//! One-writer regions, rings and byte streams between components that do not trust each other.

#![no_std]
