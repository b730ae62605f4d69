//! A machine that is running, its serial line in our hands; or another program that is used like one.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::{Ending, Machine};
use crate::process_tree;

/// How often somebody is looked at who should end.
const PAUSE: Duration = Duration::from_millis(10);

/// A running machine. It ends with the value that stands for it.
pub(crate) struct Session {
    child: Child,
    status: Option<ExitStatus>,
    input: ChildStdin,
    heard: Receiver<Heard>,
    remarks: Sender<Heard>,
    /// Remarks that wait for the end of a line.
    waiting: VecDeque<String>,
    is_in_line: bool,
}

/// What is heard of a machine.
enum Heard {
    Output(Vec<u8>),
    Remark(String),
    /// It prints nothing any more.
    End,
}

/// Where somebody beside the machine says what happens to it: between two lines of the machine's.
pub(crate) struct Remarks(Sender<Heard>);

impl Remarks {
    /// Says a line. It may be that nobody listens any more.
    pub(crate) fn say(&self, line: &str) {
        let _ = self.0.send(Heard::Remark(line.to_owned()));
    }
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
        let (remarks, heard) = mpsc::channel();
        let output = child.stdout.take().context("it has no output")?;
        forward(output, remarks.clone());
        Ok(Session {
            child,
            status: None,
            input,
            heard,
            remarks,
            waiting: VecDeque::new(),
            is_in_line: false,
        })
    }

    /// For who is beside the machine: what is said there stands among what the machine prints.
    pub(crate) fn remarks(&self) -> Remarks {
        Remarks(self.remarks.clone())
    }

    /// What QEMU itself says, of a machine started with [`Complaints::Piped`].
    pub(crate) fn take_complaints(&mut self) -> Option<ChildStderr> {
        self.child.stderr.take()
    }

    /// Waits for the next event; at the deadline the machine is stopped.
    pub(crate) fn next(&mut self, deadline: Instant) -> Result<Event> {
        loop {
            if let Some(line) = self.waiting.pop_front_if(|_| !self.is_in_line) {
                return Ok(Event::Output(format!("{line}\r\n").into_bytes()));
            }
            let patience = deadline.saturating_duration_since(Instant::now());
            // Who prints without end is stopped too.
            let heard = match patience.is_zero() {
                true => Err(RecvTimeoutError::Timeout),
                false => self.heard.recv_timeout(patience),
            };
            match heard {
                Ok(Heard::Output(bytes)) => {
                    self.is_in_line = !bytes.ends_with(b"\n");
                    return Ok(Event::Output(bytes));
                }
                Ok(Heard::Remark(line)) => self.waiting.push_back(line),
                Ok(Heard::End) | Err(RecvTimeoutError::Disconnected) => {
                    self.wait(deadline)?;
                    break;
                }
                Err(RecvTimeoutError::Timeout) => break,
            }
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
        if self.status.is_none() {
            self.status = process_tree::kill(&mut self.child);
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Passes on what the machine prints, from a thread of its own.
fn forward(mut output: ChildStdout, heard: Sender<Heard>) {
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(length @ 1..) = output.read(&mut buffer) {
            if heard
                .send(Heard::Output(buffer[..length].to_vec()))
                .is_err()
            {
                return;
            }
        }
        // Whoever ended the machine does not ask any more.
        let _ = heard.send(Heard::End);
    });
}
