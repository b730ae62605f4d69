//! Tests of the kernel's decisions on the host: a store of ordinary boxes, a root server made by the real
//! boot code, and system calls through the real entry points.

mod host;
mod invariants;
mod model;
mod world;

mod boot;
mod cnode;
mod domain;
mod fast;
mod fault;
mod guest;
mod interrupt;
mod ipc;
mod mitigation;
mod notification;
mod paths;
mod random;
mod reply;
mod retype;
mod schedule;
mod space;
mod steps;
mod tcb;
