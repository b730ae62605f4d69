//! Which places of a zone are free.

use alloc::vec::Vec;

/// Consecutive places of a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) first: u16,
    pub(crate) length: u16,
}

/// The places of one zone. A place is taken while it holds, or is about to hold, a version that counts:
/// the one of the last commit or a newer one.
pub(crate) struct Zone {
    taken: Vec<bool>,
    /// Where the last run ended, so that what is written in order lies in order.
    cursor: u16,
}

impl Zone {
    /// A zone of `places` places, all free.
    pub(crate) fn new(places: u16) -> Self {
        Self {
            taken: alloc::vec![false; usize::from(places)],
            cursor: 0,
        }
    }

    pub(crate) fn take(&mut self, place: u16) {
        if let Some(taken) = self.taken.get_mut(usize::from(place)) {
            *taken = true;
        }
    }

    pub(crate) fn release(&mut self, place: u16) {
        if let Some(taken) = self.taken.get_mut(usize::from(place)) {
            *taken = false;
        }
    }

    /// Takes up to `length` consecutive places: those at `preferred` if the first of them is free,
    /// otherwise the next free ones after the last run. `None`: no place is free.
    pub(crate) fn allocate(&mut self, preferred: u16, length: u16) -> Option<Run> {
        let first = if self.is_free(preferred) {
            preferred
        } else {
            self.next_free(self.cursor).or_else(|| self.next_free(0))?
        };
        let mut run = Run { first, length: 0 };
        while run.length < length && self.is_free(first + run.length) {
            self.take(first + run.length);
            run.length += 1;
        }
        self.cursor = first + run.length;
        Some(run)
    }

    fn is_free(&self, place: u16) -> bool {
        self.taken.get(usize::from(place)) == Some(&false)
    }

    fn next_free(&self, from: u16) -> Option<u16> {
        let rest = self.taken.get(usize::from(from)..)?;
        let offset = rest.iter().position(|&taken| !taken)?;
        u16::try_from(usize::from(from) + offset).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_preferred_places_are_used_while_they_are_free() {
        let mut zone = Zone::new(20);
        assert_eq!(
            zone.allocate(4, 3),
            Some(Run {
                first: 4,
                length: 3
            })
        );
        assert_eq!(
            zone.allocate(2, 3),
            Some(Run {
                first: 2,
                length: 2
            })
        );
        assert_eq!(
            zone.allocate(4, 3),
            Some(Run {
                first: 7,
                length: 3
            })
        );
    }

    #[test]
    fn a_full_zone_says_so_until_a_place_is_released() {
        let mut zone = Zone::new(4);
        assert_eq!(
            zone.allocate(0, 9),
            Some(Run {
                first: 0,
                length: 4
            })
        );
        assert_eq!(zone.allocate(0, 1), None);
        zone.release(2);
        assert_eq!(
            zone.allocate(0, 1),
            Some(Run {
                first: 2,
                length: 1
            })
        );
    }
}
