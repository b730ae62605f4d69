//! Says what is going on whenever the user has to wait.

use std::io::{IsTerminal, Write};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

/// What takes less is not worth a line.
const WORTH_A_LINE: Duration = Duration::from_secs(2);

/// Does `work`; when it takes long, a line says what is done, and on a terminal it counts seconds.
pub(crate) fn step<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let started = Instant::now();
    let (done, end) = mpsc::channel::<()>();
    let result = std::thread::scope(|scope| {
        scope.spawn(move || report(what, started, &end));
        let result = work();
        drop(done);
        result
    });
    if started.elapsed() >= WORTH_A_LINE {
        let back = if is_live() { "\r\x1b[K" } else { "" };
        let seconds = started.elapsed().as_secs_f32();
        eprintln!("{back}{what}: {seconds:.1} s");
    }
    result
}

/// Writes the line, and on a terminal again every second, until the other end of `end` is gone.
fn report(what: &str, started: Instant, end: &mpsc::Receiver<()>) {
    let is_over = |patience| end.recv_timeout(patience) != Err(RecvTimeoutError::Timeout);
    if is_over(WORTH_A_LINE) {
        return;
    }
    let mut error = std::io::stderr();
    if !is_live() {
        eprintln!("{what} ...");
        return;
    }
    loop {
        // Progress is a courtesy: a terminal that cannot be written to changes nothing.
        let _ = write!(
            error,
            "\r\x1b[K{what} ... {} s",
            started.elapsed().as_secs()
        );
        let _ = error.flush();
        if is_over(Duration::from_secs(1)) {
            return;
        }
    }
}

fn is_live() -> bool {
    std::io::stderr().is_terminal()
}
