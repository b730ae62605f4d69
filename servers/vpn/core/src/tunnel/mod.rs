//! WireGuard: keys, sessions and timers between inner packets and datagrams on the wire.
