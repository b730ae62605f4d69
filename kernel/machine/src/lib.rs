//! The kernel's mechanism: boot, traps, page tables, interrupt controllers, SVM.

#![no_std]
