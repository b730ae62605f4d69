//! How components talk to the console: byte streams, and questions on the trusted path.
//!
//! A component's lines are a byte stream towards the console; printing is the runtime's business.
//! A component that the manifest allows to ask sets the attention word of its side: the console
//! then gives it the screen and every keystroke until the word is cleared.
//!
//! The attention word of the console's side is a number that changes when whoever sits there wants to know how
//! everybody is: a component that has something to tell looks at it when it is woken, see `runtime::status_is_wanted`.

#![no_std]
#![forbid(unsafe_code)]

mod line;
mod prompt;

pub use line::{Line, LineEnd};
pub use prompt::Prompt;

/// Attention words.
pub mod attention {
    /// The component asks for nothing.
    pub const NONE: u64 = 0;
    /// The component asks for the screen and the keystrokes.
    pub const ASKS: u64 = 1;
}
