//! Who runs when: priorities, budgets, and the lending of scheduling contexts.

mod budget;
mod context;
mod domain;
mod pick;
mod priority_set;
mod ready;
mod refill;
mod release;
mod state;
mod yield_to;

pub(crate) use domain::{DURATION_MAX, DomainSchedule, ENTRIES};
pub(crate) use priority_set::PrioritySet;
pub(crate) use refill::{MAX_EXTRA_REFILLS, MIN_BUDGET_US, MIN_REFILLS, Parameters};
