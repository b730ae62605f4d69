//! QEMU's control socket: what a running machine is asked from outside.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

/// How long QEMU may take to open its socket: a bound for hangs.
const START: Duration = Duration::from_secs(120);

/// A connection to QEMU's control socket.
pub(crate) struct Control {
    stream: UnixStream,
    answers: BufReader<UnixStream>,
}

impl Control {
    /// Connects to the socket of a machine that has just been started.
    pub(crate) fn connect(socket: &Path) -> Result<Control> {
        let stream = connect(socket)?;
        let answers = BufReader::new(stream.try_clone()?);
        let mut control = Control { stream, answers };
        control.ask(&json!({ "execute": "qmp_capabilities" }))?;
        Ok(control)
    }

    /// Instructions executed since a recorded machine was switched on.
    ///
    /// The clock of `-icount` also advances while the processor sleeps, so it cannot tell how many
    /// instructions something took that waits for a disk. QEMU's recording mode counts the executed
    /// ones alone and answers `query-replay` with them; the record itself goes to /dev/null.
    pub(crate) fn executed(&mut self) -> Result<u64> {
        self.ask(&json!({ "execute": "query-replay" }))?["icount"]
            .as_u64()
            .context("QEMU does not count instructions")
    }

    /// Has QEMU write a line on its standard error for every instruction from now on.
    pub(crate) fn start_trace(&mut self) -> Result<()> {
        self.monitor("singlestep on")?;
        self.monitor("log exec,nochain")
    }

    /// Ends what [`Control::start_trace`] began.
    pub(crate) fn stop_trace(&mut self) -> Result<()> {
        self.monitor("log none")?;
        self.monitor("singlestep off")
    }

    fn monitor(&mut self, line: &str) -> Result<()> {
        let arguments = json!({ "command-line": line });
        self.ask(&json!({ "execute": "human-monitor-command", "arguments": arguments }))?;
        Ok(())
    }

    fn ask(&mut self, request: &Value) -> Result<Value> {
        writeln!(self.stream, "{request}")?;
        let mut line = String::new();
        loop {
            line.clear();
            if self.answers.read_line(&mut line)? == 0 {
                bail!("QEMU closed its control socket");
            }
            let mut answer: Value = serde_json::from_str(&line)?;
            if let Some(error) = answer.get("error") {
                bail!("QEMU refuses {request}: {error}");
            }
            // What is no answer is the greeting or an event.
            if let Some(content) = answer.get_mut("return") {
                return Ok(content.take());
            }
        }
    }
}

fn connect(socket: &Path) -> Result<UnixStream> {
    let started = Instant::now();
    loop {
        match UnixStream::connect(socket) {
            Ok(stream) => return Ok(stream),
            Err(error) if started.elapsed() > START => {
                return Err(error).context("QEMU's control socket does not open");
            }
            Err(_) => std::thread::sleep(Duration::from_millis(20)),
        }
    }
}
