//! Functions by address.
//!
//! Nearly everything is inlined, so symbols say little. `addr2line` of binutils (which a linker brings
//! along) names the inlined functions too; the innermost one of this repository is the one to blame.

use std::collections::{HashMap, HashSet};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::workspace;

const TOOL: &str = "addr2line";

/// The functions at an address.
#[derive(Default)]
pub(super) struct Names {
    /// The innermost one of this repository, inlined or not.
    pub(super) inner: String,
    /// The one that was not inlined.
    pub(super) outer: String,
}

/// The functions at each of these addresses of an ELF file.
pub(super) fn functions(file: &Path, addresses: &HashSet<u64>) -> Result<HashMap<u64, Names>> {
    if addresses.is_empty() {
        return Ok(HashMap::new());
    }
    let mut child = Command::new(TOOL)
        .args(["--addresses", "--functions", "--inlines", "--demangle"])
        .arg("--exe")
        .arg(file)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("{TOOL} cannot be started; it is part of binutils"))?;
    let mut input = child.stdin.take().context("addr2line has no input")?;
    let questions: String = addresses.iter().map(|at| format!("{at:#x}\n")).collect();
    let writer = std::thread::spawn(move || input.write_all(questions.as_bytes()));
    let output = child.wait_with_output()?;
    // What it did not read, it did not answer: that shows below.
    let _ = writer.join();
    ensure!(
        output.status.success(),
        "{TOOL} failed on {}",
        file.display()
    );
    Ok(parse(&String::from_utf8_lossy(&output.stdout)))
}

/// An answer is a line with the address, then pairs of lines from the innermost function outwards: name,
/// and file with line.
fn parse(answers: &str) -> HashMap<u64, Names> {
    let ours = workspace::root().display().to_string();
    let mut found: HashMap<u64, Names> = HashMap::new();
    let mut address = 0;
    let mut is_ours = false;
    let mut lines = answers.lines();
    while let Some(line) = lines.next() {
        if let Some(number) = line.strip_prefix("0x") {
            address = u64::from_str_radix(number, 16).unwrap_or(0);
            is_ours = false;
            continue;
        }
        let place = lines.next().unwrap_or_default();
        let names = found.entry(address).or_default();
        names.outer = shortened(line);
        if !is_ours {
            is_ours = place.starts_with(&ours);
            names.inner.clone_from(&names.outer);
        }
    }
    found
}

/// The name without what tells nothing: hashes, and the types that methods belong to.
fn shortened(name: &str) -> String {
    let mut short = String::new();
    let mut depth = 0;
    for c in name.chars() {
        match c {
            '<' => depth += 1,
            '>' => depth -= 1,
            c if depth == 0 => short.push(c),
            _ => {}
        }
    }
    let parts: Vec<_> = short
        .split("::")
        .filter(|part| !part.is_empty() && !is_hash(part))
        .collect();
    parts.join("::")
}

fn is_hash(part: &str) -> bool {
    part.len() == 17 && part.starts_with('h') && part[1..].chars().all(|c| c.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_function_of_ours_counts() {
        let ours = workspace::root().display();
        let answers = format!(
            "0x0000000000000010\ncore::cell::Cell<T>::get\n/rustc/cell.rs:5\n\
             kernel_core::ipc::<impl kernel_core::Kernel<M>>::signal\n{ours}/a.rs:1\n\
             kernel_core::outer\n{ours}/b.rs:1\n0x0000000000000020\nmemcpy\n??:0\n"
        );
        let names = parse(&answers);
        assert_eq!(names[&0x10].inner, "kernel_core::ipc::signal");
        assert_eq!(names[&0x10].outer, "kernel_core::outer");
        assert_eq!(names[&0x20].inner, "memcpy");
    }

    #[test]
    fn hashes_are_left_out() {
        assert_eq!(shortened("a::b::h0123456789abcdef"), "a::b");
    }
}
