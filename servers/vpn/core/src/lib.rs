//! What a VPN server does between one guest and the wire, without input, output or a clock of its own.
//!
//! [`inside`] speaks to the guest: Ethernet, addresses, names, the firewall. [`tunnel`] speaks to the
//! peers: WireGuard. [`configuration`] and [`key_store`] read what both are told.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod configuration;
pub mod inside;
pub mod key_store;
pub mod tunnel;
