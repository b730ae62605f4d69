//! The network over a device in software: how it gets on with honest peers, and how with others.

mod conversations;
mod dhcp6;
mod doubles;
mod fairness;
mod hostile;
mod machine;
mod noise;
mod path_mtu;
mod pieces;
mod trust;
