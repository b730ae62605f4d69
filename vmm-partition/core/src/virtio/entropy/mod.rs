//! The entropy device (section 5.4): random bytes from a generator of this monitor's own, seeded at boot.

mod logic;
mod state;
#[cfg(test)]
mod tests;

pub(crate) use state::Entropy;
