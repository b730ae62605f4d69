//! What the system does when a guest or a component has come to its end.

use core::fmt;

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// The rest of the system goes on.
    GoOn,
    /// The machine is switched off.
    PowerOff,
    /// The machine starts afresh.
    Restart,
    /// The emulator ends with the status of a test that passed.
    Pass,
    /// The emulator ends with the status of a test that failed.
    Fail,
}

/// A word in the manifest that is no action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownAction;

impl Action {
    /// The action that the manifest calls `word`.
    ///
    /// # Errors
    ///
    /// There is none of that name.
    pub fn from_word(word: &str) -> Result<Self, UnknownAction> {
        Ok(match word {
            "go-on" => Self::GoOn,
            "power-off" => Self::PowerOff,
            "restart" => Self::Restart,
            "pass" => Self::Pass,
            "fail" => Self::Fail,
            _ => return Err(UnknownAction),
        })
    }
}

/// The manifest's choice of actions. Those about guests are taken when no guest is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The last guest switched its machine off.
    pub on_guest_power_off: Action,
    /// The last guest asks for its machine to start afresh.
    pub on_guest_restart: Action,
    /// The last guest crashed.
    pub on_guest_crash: Action,
    /// A component faulted.
    pub on_component_fault: Action,
}

impl Policy {
    /// Whether the policy ever takes `action`, so that it must be possible.
    #[must_use]
    pub fn names(&self, action: Action) -> bool {
        [
            self.on_guest_power_off,
            self.on_guest_restart,
            self.on_guest_crash,
            self.on_component_fault,
        ]
        .contains(&action)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::GoOn => "everything else goes on",
            Self::PowerOff => "the machine is switched off",
            Self::Restart => "the machine starts afresh",
            Self::Pass => "the test has passed",
            Self::Fail => "the test has failed",
        })
    }
}

impl fmt::Display for UnknownAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an action is none of go-on, power-off, restart, pass, fail")
    }
}

impl core::error::Error for UnknownAction {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_actions_and_others_are_refused() {
        assert_eq!(Action::from_word("power-off"), Ok(Action::PowerOff));
        assert_eq!(Action::from_word("go-on"), Ok(Action::GoOn));
        assert_eq!(Action::from_word("Power-off"), Err(UnknownAction));
        assert_eq!(Action::from_word(""), Err(UnknownAction));
    }

    #[test]
    fn a_policy_names_what_it_needs() {
        let policy = Policy {
            on_guest_power_off: Action::PowerOff,
            on_guest_restart: Action::PowerOff,
            on_guest_crash: Action::GoOn,
            on_component_fault: Action::GoOn,
        };
        assert!(policy.names(Action::PowerOff));
        assert!(!policy.names(Action::Restart));
    }
}
