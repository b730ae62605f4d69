//! Reads Rust source just well enough to count it: comments, strings, and items for tests only.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

/// The attribute that marks what is compiled for tests only.
const TEST_ONLY: &str = "#[cfg(test)]";

/// Lines that hold code of the product: no blanks, no comments, nothing that is for tests only.
pub(crate) fn product_lines(text: &str) -> usize {
    full_lines(&without_tests(&blank_comments_and_strings(text)))
}

/// Those of them in unsafe blocks, functions and implementations.
pub(crate) fn unsafe_lines(text: &str) -> usize {
    let code = without_tests(&blank_comments_and_strings(text));
    let mut lines = 0;
    let mut rest = code.as_str();
    while let Some(at) = rest.find("unsafe ") {
        let (before, item) = rest.split_at(at);
        let (item, behind) = item.split_at(item_length(item));
        // An attribute may have a name that ends like this.
        if !before.ends_with(|c: char| c.is_alphanumeric() || c == '_') {
            lines += full_lines(item);
        }
        rest = behind;
    }
    lines
}

fn full_lines(code: &str) -> usize {
    let lines = code.lines();
    lines.filter(|line| !line.trim().is_empty()).count()
}

/// What `count` finds in all files of Rust below a folder, but for modules that are for tests only.
pub(crate) fn count_below(folder: &Path, count: fn(&str) -> usize) -> Result<usize> {
    let mut lines = 0;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if is_test_module(&path)? {
            continue;
        }
        if path.is_dir() {
            lines += count_below(&path, count)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path)
                .with_context(|| format!("{} cannot be read", path.display()))?;
            lines += count(&text);
        }
    }
    Ok(lines)
}

/// Whether the file or folder is a module that its parent includes for tests only.
fn is_test_module(path: &Path) -> Result<bool> {
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    let Some(folder) = path.parent() else {
        return Ok(false);
    };
    let beside = folder.with_extension("rs");
    let parents = [
        folder.join("lib.rs"),
        folder.join("main.rs"),
        folder.join("mod.rs"),
        beside,
    ];
    for parent in parents {
        if parent != path
            && parent.exists()
            && declares_test_module(&fs::read_to_string(&parent)?, &name)
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether the source includes the module `name` for tests only.
fn declares_test_module(text: &str, name: &str) -> bool {
    let code = blank_comments_and_strings(text);
    code.match_indices(TEST_ONLY).any(|(at, _)| {
        let rest = code[at + TEST_ONLY.len()..].trim_start();
        let rest = rest.strip_prefix("pub(crate) ").unwrap_or(rest);
        rest.strip_prefix("mod ")
            .and_then(|rest| rest.strip_prefix(name))
            .is_some_and(|rest| rest.trim_start().starts_with(';'))
    })
}

/// Removes each item that follows the test attribute.
fn without_tests(code: &str) -> String {
    let mut product = String::new();
    let mut rest = code;
    while let Some(at) = rest.find(TEST_ONLY) {
        product.push_str(&rest[..at]);
        let item = &rest[at + TEST_ONLY.len()..];
        rest = &item[item_length(item)..];
    }
    product.push_str(rest);
    product
}

/// Length of the item that the code starts with: to its semicolon, or its closing brace.
fn item_length(code: &str) -> usize {
    let mut depth = 0usize;
    for (at, character) in code.char_indices() {
        match character {
            '{' => depth += 1,
            '}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at + 1;
                }
            }
            ';' if depth == 0 => return at + 1,
            _ => {}
        }
    }
    code.len()
}

/// Replaces comments by spaces and the inside of strings by dots; lines stay where they are.
fn blank_comments_and_strings(text: &str) -> String {
    let mut output = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let (length, filler) = token(rest);
        let (token, behind) = rest.split_at(length.max(first.len_utf8()));
        match filler {
            Some(filler) => {
                output.extend(token.chars().map(|c| if c == '\n' { c } else { filler }))
            }
            None => output.push_str(token),
        }
        rest = behind;
    }
    output
}

/// Length of the comment or string that the text starts with and what to put for it; else one
/// character that stays.
fn token(text: &str) -> (usize, Option<char>) {
    if text.starts_with("//") {
        return (text.find('\n').unwrap_or(text.len()), Some(' '));
    }
    if text.starts_with("/*") {
        return (block_comment_length(text), Some(' '));
    }
    if let Some(length) = raw_string_length(text) {
        return (length, Some('.'));
    }
    if text.starts_with('"') {
        return (string_length(text), Some('.'));
    }
    if let Some(length) = character_length(text) {
        return (length, Some('.'));
    }
    // An identifier as a whole, so that the r of `for` opens no raw string.
    let word = |c: char| c.is_alphanumeric() || c == '_';
    (text.find(|c| !word(c)).unwrap_or(text.len()), None)
}

fn block_comment_length(text: &str) -> usize {
    let mut depth = 0usize;
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let step = if rest.starts_with("/*") {
            depth += 1;
            2
        } else if rest.starts_with("*/") {
            depth -= 1;
            2
        } else {
            rest.chars().next().map_or(1, char::len_utf8)
        };
        at += step;
        if depth == 0 {
            break;
        }
    }
    at
}

fn raw_string_length(text: &str) -> Option<usize> {
    let opening = ["r", "br", "cr"]
        .iter()
        .find_map(|prefix| text.strip_prefix(prefix))?;
    let hashes = opening.len() - opening.trim_start_matches('#').len();
    let content = opening[hashes..].strip_prefix('"')?;
    let closing = format!("\"{}", "#".repeat(hashes));
    let end = content.find(&closing)? + closing.len();
    Some(text.len() - content.len() + end)
}

fn string_length(text: &str) -> usize {
    let mut escaped = false;
    for (at, character) in text.char_indices().skip(1) {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// Length of a character literal; a lifetime is none.
fn character_length(text: &str) -> Option<usize> {
    let content = text.strip_prefix('\'')?;
    if let Some(escape) = content.strip_prefix('\\') {
        return Some(3 + escape.get(1..)?.find('\'')? + 1);
    }
    let character = content.chars().next()?;
    content[character.len_utf8()..]
        .starts_with('\'')
        .then(|| 2 + character.len_utf8())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_and_comments_do_not_count() {
        let text =
            "// a\n\n/* b\n/* c */ */\nfn f() {} // d\n/// e\nconst S: &str = \"// no comment\";\n";
        assert_eq!(product_lines(text), 2);
    }

    #[test]
    fn unsafe_code_counts_with_its_braces() {
        let text = "fn f() {\n    // unsafe {\n    unsafe { g() };\n    let a = unsafe {\n        h()\n    };\n}\n\
                    unsafe impl Send for A {}\nunsafe fn g() {\n    i();\n}\n#[cfg(test)]\nmod t { unsafe {} }\n";
        assert_eq!(unsafe_lines(text), 1 + 3 + 1 + 3);
        assert_eq!(unsafe_lines("#![forbid(unsafe_code)]\nfn f() {}\n"), 0);
    }

    #[test]
    fn tests_do_not_count() {
        let text = "fn f() {}\n#[cfg(test)]\nmod tests {\n    fn g() { let brace = '{'; }\n}\n#[cfg(test)]\nmod model;\nfn h() {}\n";
        assert_eq!(product_lines(text), 2);
        assert!(declares_test_module(text, "model"));
        assert!(!declares_test_module(text, "tests"));
    }

    #[test]
    fn strings_hide_what_looks_like_code() {
        let text = "const A: &str = r#\"\n// \" {\n\"#;\nconst B: char = '\"';\nconst C: char = '\\'';\nfn f<'a>(x: &'a str) {}\n";
        assert_eq!(product_lines(text), 6);
    }
}
