//! A machine that is running, its serial line in our hands; or another program that is used like one.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::{Ending, Machine};

/// How often somebody is looked at who should end.
const PAUSE: Duration = Duration::from_millis(10);

/// A running machine. It ends with the value that stands for it.
pub(crate) struct Session {
    child: Child,
    status: Option<ExitStatus>,
    input: ChildStdin,
    output: Receiver<Vec<u8>>,
}

/// Where goes what QEMU itself has to say.
pub(crate) enum Complaints<'a> {
    /// To our standard error.
    Shown,
    /// To a file.
    Kept(&'a Path),
    /// To whom takes them by [`Session::take_complaints`].
    Piped,
}

/// What a machine does next.
pub(crate) enum Event {
    /// It printed something.
    Output(Vec<u8>),
    /// It is gone.
    Ended(Ending),
}

impl Session {
    /// Switches the machine on.
    pub(crate) fn start(machine: &Machine, complaints: Complaints<'_>) -> Result<Session> {
        let complaints = match complaints {
            Complaints::Kept(path) => File::create(path)
                .with_context(|| format!("{} cannot be written", path.display()))?
                .into(),
            Complaints::Shown => Stdio::inherit(),
            Complaints::Piped => Stdio::piped(),
        };
        Session::of(&mut machine.command(), complaints).context("QEMU cannot be started")
    }

    /// Starts a program that is used like a machine.
    pub(crate) fn of(command: &mut Command, complaints: Stdio) -> Result<Session> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(complaints)
            .spawn()?;
        let input = child.stdin.take().context("it has no input")?;
        let output = forward(child.stdout.take().context("it has no output")?);
        Ok(Session {
            child,
            status: None,
            input,
            output,
        })
    }

    /// What QEMU itself says, of a machine started with [`Complaints::Piped`].
    pub(crate) fn take_complaints(&mut self) -> Option<ChildStderr> {
        self.child.stderr.take()
    }

    /// Waits for the next event; at the deadline the machine is stopped.
    pub(crate) fn next(&mut self, deadline: Instant) -> Result<Event> {
        let patience = deadline.saturating_duration_since(Instant::now());
        // Who prints without end is stopped too.
        let output = match patience.is_zero() {
            true => Err(RecvTimeoutError::Timeout),
            false => self.output.recv_timeout(patience),
        };
        match output {
            Ok(bytes) => return Ok(Event::Output(bytes)),
            Err(RecvTimeoutError::Disconnected) => self.wait(deadline)?,
            Err(RecvTimeoutError::Timeout) => {}
        }
        Ok(Event::Ended(match self.status {
            Some(status) => Ending::of(status),
            None => {
                self.stop();
                Ending::TimedOut
            }
        }))
    }

    /// Waits for the end of what prints nothing any more.
    fn wait(&mut self, deadline: Instant) -> Result<()> {
        while self.status.is_none() && Instant::now() < deadline {
            self.status = self.child.try_wait()?;
            std::thread::sleep(PAUSE);
        }
        Ok(())
    }

    /// Types the text on the machine's serial line.
    pub(crate) fn send(&mut self, text: &str) -> Result<()> {
        self.input
            .write_all(text.as_bytes())
            .and_then(|()| self.input.flush())
            .context("the machine takes no more input")
    }

    /// The exit status of a program that has ended by itself.
    pub(crate) fn exit_code(&self) -> Option<i32> {
        self.status?.code()
    }

    /// Ends the machine as a power cut would.
    pub(crate) fn cut_power(mut self) -> Ending {
        self.stop();
        Ending::PowerCut
    }

    fn stop(&mut self) {
        // Both fail only for a process that is gone, which is what we want.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Passes on what the machine prints, from a thread of its own.
fn forward(mut output: ChildStdout) -> Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(length @ 1..) = output.read(&mut buffer) {
            if sender.send(buffer[..length].to_vec()).is_err() {
                return;
            }
        }
    });
    receiver
}
