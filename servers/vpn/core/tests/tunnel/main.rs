//! The tunnel from outside: two of them, a wire between them, and a clock that is moved by hand.

mod dissector;
mod hostile;
mod life;
mod packets;
mod post_quantum;
mod world;
