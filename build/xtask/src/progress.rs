//! Says what is going on whenever the user has to wait.

use std::io::{IsTerminal, Write};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

/// Does `work` under a line that says what is done; on a terminal the line counts seconds.
pub(crate) fn step<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let started = Instant::now();
    let live = std::io::stderr().is_terminal();
    if !live {
        eprintln!("{what} ...");
    }
    let (done, ticks) = mpsc::channel::<()>();
    let result = std::thread::scope(|scope| {
        if live {
            scope.spawn(move || count_seconds(what, started, &ticks));
        }
        let result = work();
        drop(done);
        result
    });
    let seconds = started.elapsed().as_secs_f32();
    if live {
        eprintln!("\r\x1b[K{what}: {seconds:.1} s");
    } else if seconds >= 2.0 {
        eprintln!("{what}: {seconds:.1} s");
    }
    result
}

/// Rewrites the line every second until the other end of `ticks` is gone.
fn count_seconds(what: &str, started: Instant, ticks: &mpsc::Receiver<()>) {
    let mut error = std::io::stderr();
    loop {
        // Progress is a courtesy: a terminal that cannot be written to changes nothing.
        let _ = write!(
            error,
            "\r\x1b[K{what} ... {} s",
            started.elapsed().as_secs()
        );
        let _ = error.flush();
        if ticks.recv_timeout(Duration::from_secs(1)) != Err(RecvTimeoutError::Timeout) {
            return;
        }
    }
}
