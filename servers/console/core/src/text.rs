//! What of a component's text may reach the terminal.
//!
//! A terminal obeys control characters: a component that could send them would forge the label
//! of another. So its text is reduced to what can be seen; a guest's own view is raw, and the
//! reason why labels are believed only outside of it.

use alloc::string::String;

/// The text in `bytes`: broken UTF-8 and control characters become `?`, tabs spaces.
pub(crate) fn visible(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes)
        .chars()
        .map(visible_character)
        .collect()
}

fn visible_character(character: char) -> char {
    match character {
        '\t' => ' ',
        char::REPLACEMENT_CHARACTER => '?',
        // Marks that turn the direction of writing could reorder a label.
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            '?'
        }
        _ if character.is_control() => '?',
        _ => character,
    }
}
