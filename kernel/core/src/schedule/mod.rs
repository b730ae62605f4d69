//! Who runs when: priorities, budgets, and the lending of scheduling contexts.

mod budget;
mod context;
mod pick;
mod ready;
mod refill;
mod release;
mod state;
mod yield_to;

pub(crate) use refill::{MIN_BUDGET_US, MIN_REFILLS, Parameters};
