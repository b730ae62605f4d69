//! The guest's side: Ethernet frames, addresses, names and the firewall.
