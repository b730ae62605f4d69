//! A program and everything that it started.
//!
//! A process group would not do: a terminal's Ctrl-C would no more reach it, and script(1) gives its shell a session
//! of its own.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How long processes are waited for that do not stop: those that belong to somebody else never do.
const PATIENCE: Duration = Duration::from_secs(10);

/// Ends a program that was not waited for yet, and what it started and what that started. How it ended, if that can be
/// known; it is waited for, so its number may be another's from now on.
///
/// They are stopped before any is killed: what is stopped starts nothing more, and what it started is still known as
/// its own. Only what lost its parent earlier is not found.
pub(crate) fn kill(child: &mut Child) -> Option<ExitStatus> {
    signal("KILL", &stopped_tree(child.id()));
    // It fails only for a process that is gone, which is what we want.
    let _ = child.kill();
    child.wait().ok()
}

/// The process and all below it, stopped: two looks in a row saw the same ones, and none of them running.
fn stopped_tree(number: u32) -> BTreeSet<u32> {
    let deadline = Instant::now() + PATIENCE;
    let mut found = BTreeSet::from([number]);
    loop {
        // Who was found once belongs to it, even if its parent has ended since.
        let tree = with_all_below(&found, &parents());
        let running = tree.iter().copied().filter(|&process| runs(process));
        let running: BTreeSet<u32> = running.collect();
        if running.is_empty() && tree == found || Instant::now() >= deadline {
            return tree;
        }
        signal("STOP", &running);
        found = tree;
        thread::sleep(Duration::from_millis(1));
    }
}

/// Sends a signal. Whoever is gone or belongs to somebody else does not get it.
fn signal(name: &str, processes: &BTreeSet<u32>) {
    if processes.is_empty() {
        return;
    }
    let numbers: Vec<_> = processes.iter().map(u32::to_string).collect();
    let request = format!("kill -{name} {}", numbers.join(" "));
    let mut command = Command::new("sh");
    let _ = command
        .args(["-c", &request])
        .stderr(Stdio::null())
        .status();
}

/// Whether a thread of the process is neither stopped nor dead.
fn runs(process: u32) -> bool {
    let threads = fs::read_dir(format!("/proc/{process}/task"));
    let mut threads = threads.into_iter().flatten().flatten();
    threads.any(|thread| {
        let stat = stat(&thread.path());
        stat.is_some_and(|stat| !['T', 't', 'Z', 'X'].contains(&stat.state))
    })
}

/// All processes, each with the one that started it.
fn parents() -> Vec<(u32, u32)> {
    let folders = fs::read_dir("/proc").into_iter().flatten().flatten();
    folders
        .filter_map(|folder| {
            let number = folder.file_name().to_str()?.parse().ok()?;
            Some((number, stat(&folder.path())?.parent))
        })
        .collect()
}

/// What the kernel says of a process or thread.
#[derive(Debug, PartialEq)]
struct Stat {
    state: char,
    parent: u32,
}

/// As much as matters of the `stat` in a folder of `/proc`; nothing of who is gone.
fn stat(folder: &Path) -> Option<Stat> {
    Stat::read(&fs::read_to_string(folder.join("stat")).ok()?)
}

impl Stat {
    /// The third and the fourth field (proc(5)); the second one is a name in parentheses, which may hold anything.
    fn read(text: &str) -> Option<Stat> {
        let (_, behind_name) = text.rsplit_once(')')?;
        let mut fields = behind_name.split_whitespace();
        Some(Stat {
            state: fields.next()?.parse().ok()?,
            parent: fields.next()?.parse().ok()?,
        })
    }
}

/// The processes and those below them.
fn with_all_below(processes: &BTreeSet<u32>, parents: &[(u32, u32)]) -> BTreeSet<u32> {
    let mut found = processes.clone();
    let mut above: Vec<u32> = found.iter().copied().collect();
    while let Some(process) = above.pop() {
        let children = parents.iter().filter(|(_, parent)| *parent == process);
        above.extend(
            children
                .map(|(child, _)| child)
                .filter(|child| found.insert(**child)),
        );
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_do_not_mislead() {
        let (state, parent) = ('R', 7);
        assert_eq!(
            Stat::read("42 (a) b ) R 7 42 42 0"),
            Some(Stat { state, parent })
        );
        assert_eq!(Stat::read("42"), None);
    }

    #[test]
    fn the_whole_tree_is_found() {
        let parents = [(2, 1), (5, 3), (3, 2), (4, 2), (9, 8)];
        let tree = |processes: &[u32]| {
            let processes = processes.iter().copied().collect();
            Vec::from_iter(with_all_below(&processes, &parents))
        };
        assert_eq!(tree(&[2]), [2, 3, 4, 5]);
        assert_eq!(tree(&[4, 8]), [4, 8, 9]);
    }

    /// Starts a shell, kills it as soon as somebody runs who was started with `mark` as an argument, and waits until
    /// nobody does any more.
    fn nothing_is_left_of(script: &str, mark: &str) {
        let mut shell = Command::new("sh")
            .args(["-c", script])
            .stderr(Stdio::null())
            .spawn()
            .expect("there is a shell");
        wait_until("somebody runs", || somebody_runs(mark));
        kill(&mut shell);
        // Whoever adopts them takes them away in his own time.
        wait_until("nobody runs", || !somebody_runs(mark));
    }

    fn somebody_runs(mark: &str) -> bool {
        let mut processes = parents().into_iter().map(|(process, _)| process);
        processes.any(|process| {
            let line = fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
            let mut arguments = line.split(|&byte| byte == 0);
            arguments.any(|argument| argument == mark.as_bytes()) && runs(process)
        })
    }

    /// Not as long as those sleep who may be left.
    fn wait_until(what: &str, is_so: impl Fn() -> bool) {
        let deadline = Instant::now() + Duration::from_secs(200);
        while !is_so() {
            assert!(Instant::now() < deadline, "not true by now: {what}");
            thread::sleep(Duration::from_millis(10));
        }
    }

    #[test]
    fn what_a_shell_started_ends_with_it() {
        let mark = format!("1000.1{}", std::process::id());
        let script = format!("sh -c 'sleep {mark} & wait'; true");
        nothing_is_left_of(&script, &mark);
    }

    #[test]
    fn what_a_shell_starts_while_it_is_killed_ends_with_it() {
        let mark = format!("1000.2{}", std::process::id());
        let script = format!(
            "start() {{ for _ in $(seq 200); do sleep {mark} & done; wait; }}; start & start"
        );
        nothing_is_left_of(&script, &mark);
    }
}
