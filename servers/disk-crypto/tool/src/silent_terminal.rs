//! A line from the terminal that nobody sees: echo is off before the question appears, so that not even
//! an answer typed at once is shown.

use std::fs::File;
use std::io::{self, Read, Write};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

/// The terminal while it does not echo. Dropped, it is as it was before.
struct Silent {
    terminal: File,
    before: Termios,
}

impl Silent {
    fn open() -> io::Result<Self> {
        let terminal = File::options().read(true).write(true).open("/dev/tty")?;
        let before = tcgetattr(&terminal)?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        // The end of the line is shown, so that what comes next stands on a line of its own.
        silent.local_modes.insert(LocalModes::ECHONL);
        tcsetattr(&terminal, OptionalActions::Now, &silent)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Silent {
    fn drop(&mut self) {
        // A terminal that is gone needs no echo.
        let _ = tcsetattr(&self.terminal, OptionalActions::Now, &self.before);
    }
}

/// Shows `prompt` and reads a line, without its end.
pub(crate) fn ask(prompt: &str) -> io::Result<Zeroizing<Vec<u8>>> {
    let silent = Silent::open()?;
    (&silent.terminal).write_all(prompt.as_bytes())?;
    // A terminal gives a line at a time, and never more of it than this (termios(3), canonical mode).
    let mut line = Zeroizing::new(vec![0; 4096]);
    let length = (&silent.terminal).read(&mut line)?;
    line.truncate(length);
    if line.pop() != Some(b'\n') {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(line)
}
