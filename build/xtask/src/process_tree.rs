//! A program and everything that it started.
//!
//! A process group would not do: a terminal's Ctrl-C would no more reach it, and script(1) gives its shell a session
//! of its own.

use std::fs;
use std::process::{Child, Command, ExitStatus, Stdio};

/// Ends a program that was not waited for yet, and what it started and what that started. How it ended, if that can be
/// known; it is waited for, so its number may be another's from now on.
pub(crate) fn kill(child: &mut Child) -> Option<ExitStatus> {
    let below = below(child.id(), &parents());
    // Each fails only for a process that is gone, which is what we want.
    let _ = child.kill();
    let status = child.wait();
    if !below.is_empty() {
        let numbers: Vec<_> = below.iter().map(u32::to_string).collect();
        let request = format!("kill -KILL {}", numbers.join(" "));
        let mut command = Command::new("sh");
        let _ = command
            .args(["-c", &request])
            .stderr(Stdio::null())
            .status();
    }
    status.ok()
}

/// All processes, each with the one that started it.
fn parents() -> Vec<(u32, u32)> {
    let folders = fs::read_dir("/proc").into_iter().flatten().flatten();
    folders
        .filter_map(|folder| {
            let number = folder.file_name().to_str()?.parse().ok()?;
            Some((
                number,
                parent(&fs::read_to_string(folder.path().join("stat")).ok()?)?,
            ))
        })
        .collect()
}

/// The fourth field of a process's `stat` (proc(5)); the second one is a name in parentheses, which may hold anything.
fn parent(stat: &str) -> Option<u32> {
    let (_, behind_name) = stat.rsplit_once(')')?;
    behind_name.split_whitespace().nth(1)?.parse().ok()
}

/// The processes below `number`, those above first.
fn below(number: u32, parents: &[(u32, u32)]) -> Vec<u32> {
    let mut found = vec![number];
    let mut next = 0;
    while let Some(&above) = found.get(next) {
        let children = parents.iter().filter(|(_, parent)| *parent == above);
        found.extend(children.map(|(child, _)| child));
        next += 1;
    }
    found.split_off(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader};
    use std::path::Path;
    use std::thread;
    use std::time::Duration;

    #[test]
    fn names_do_not_mislead() {
        assert_eq!(parent("42 (a) b ) R 7 42 42 0"), Some(7));
        assert_eq!(parent("42"), None);
    }

    #[test]
    fn the_whole_tree_is_found() {
        let parents = [(2, 1), (5, 3), (3, 2), (4, 2), (9, 8)];
        assert_eq!(below(2, &parents), [3, 4, 5]);
        assert_eq!(below(8, &parents), [9]);
        assert!(below(4, &parents).is_empty());
    }

    #[test]
    fn what_a_shell_started_ends_with_it() {
        let mut shell = Command::new("sh")
            .args(["-c", "sh -c 'sleep 1000 & echo $!; wait'; true"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("there is a shell");
        let output = shell.stdout.take().expect("it was asked for");
        let mut line = String::new();
        let read = BufReader::new(output).read_line(&mut line);
        read.expect("the shell says something");
        let sleeper = Path::new("/proc").join(line.trim()).join("stat");
        let runs = || fs::read_to_string(&sleeper).is_ok_and(|stat| !stat.contains(") Z "));
        assert!(runs());
        kill(&mut shell);
        // Whoever adopts it takes it away in its own time.
        while runs() {
            thread::sleep(Duration::from_millis(10));
        }
    }
}
