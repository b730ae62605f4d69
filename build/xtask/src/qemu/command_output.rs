//! Finds the output of a guest's command in what the console prints.
//!
//! The guest puts `begin-NONCE` and `end-NONCE STATUS` on lines of their own around it (see
//! qemu-tests/guest/etc/sekisho/session). The console server labels each line with its source, so
//! whatever stands before the begin mark is the label of the guest's lines, and lines without it
//! are somebody else's.

/// Cuts the output out of the console's bytes, as they come.
pub(crate) struct CommandOutput {
    begin: Vec<u8>,
    end: Vec<u8>,
    line: Vec<u8>,
    state: State,
    /// Whether a line was printed whose newline is still to come.
    newline_owed: bool,
}

enum State {
    BeforeBegin,
    Inside { label: Vec<u8>, closing: Closing },
    Ended { status: u8 },
}

/// How lines end on this console.
#[derive(Clone, Copy)]
enum Closing {
    Newline,
    ReturnAndNewline,
}

impl CommandOutput {
    /// Waits for the marks with this nonce.
    pub(crate) fn new(nonce: &str) -> CommandOutput {
        CommandOutput {
            begin: format!("begin-{nonce}").into_bytes(),
            end: format!("end-{nonce} ").into_bytes(),
            line: Vec::new(),
            state: State::BeforeBegin,
            newline_owed: false,
        }
    }

    /// Takes what the console printed and returns what of it the command did.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut output = Vec::new();
        for byte in bytes {
            if *byte == b'\n' {
                let line = std::mem::take(&mut self.line);
                self.take_line(&line, &mut output);
            } else {
                self.line.push(*byte);
            }
        }
        output
    }

    /// The command's status, once it has ended.
    pub(crate) fn status(&self) -> Option<u8> {
        match self.state {
            State::Ended { status } => Some(status),
            _ => None,
        }
    }

    /// Whether the command has begun.
    pub(crate) fn has_begun(&self) -> bool {
        !matches!(self.state, State::BeforeBegin)
    }

    fn take_line(&mut self, line: &[u8], output: &mut Vec<u8>) {
        match &self.state {
            State::BeforeBegin => {
                let (content, closing) = match line.strip_suffix(b"\r") {
                    Some(content) => (content, Closing::ReturnAndNewline),
                    None => (line, Closing::Newline),
                };
                if let Some(label) = content.strip_suffix(self.begin.as_slice()) {
                    let label = label.to_vec();
                    self.state = State::Inside { label, closing };
                }
            }
            State::Inside { label, closing } => {
                let Some(content) = line.strip_prefix(label.as_slice()) else {
                    return;
                };
                let content = match closing {
                    Closing::Newline => content,
                    Closing::ReturnAndNewline => content.strip_suffix(b"\r").unwrap_or(content),
                };
                if let Some(status) = content.strip_prefix(self.end.as_slice()) {
                    let status = String::from_utf8_lossy(status);
                    // A status that is none is the guest's lie; it must not pass for success.
                    let status = status.trim().parse().unwrap_or(u8::MAX);
                    self.state = State::Ended { status };
                    return;
                }
                if self.newline_owed {
                    output.push(b'\n');
                }
                output.extend_from_slice(content);
                self.newline_owed = true;
            }
            State::Ended { .. } => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(console: &str) -> (String, Option<u8>) {
        let mut command = CommandOutput::new("77");
        let mut output = Vec::new();
        // Byte by byte: the marks may arrive in pieces.
        for byte in console.bytes() {
            output.extend(command.feed(&[byte]));
        }
        (
            String::from_utf8_lossy(&output).into_owned(),
            command.status(),
        )
    }

    #[test]
    fn output_comes_out_as_it_went_in() {
        let (output, status) = run("boot\n\nbegin-77\na\n\nb\n\nend-77 3\nbye\n");
        assert_eq!(output, "a\n\nb\n");
        assert_eq!(status, Some(3));
    }

    #[test]
    fn a_last_line_without_newline_stays_so() {
        assert_eq!(run("begin-77\na\nend-77 0\n"), ("a".into(), Some(0)));
        assert_eq!(run("begin-77\n\nend-77 0\n"), (String::new(), Some(0)));
    }

    #[test]
    fn labels_are_cut_and_other_lines_left_out() {
        let console =
            "[g] begin-77\r\n[g] a\r\n[supervisor] hm\r\n[g] b\r\n[g] \r\n[g] end-77 1\r\n";
        assert_eq!(run(console), ("a\nb\n".into(), Some(1)));
    }

    #[test]
    fn marks_with_another_nonce_are_text() {
        let (output, status) = run("begin-77\nend-78 0\n\nend-77 x\n");
        assert_eq!(output, "end-78 0\n");
        assert_eq!(status, Some(u8::MAX));
    }

    #[test]
    fn without_an_end_there_is_no_status() {
        let mut command = CommandOutput::new("77");
        command.feed(b"begin-77\nhalf");
        assert!(command.has_begun());
        assert_eq!(command.status(), None);
    }
}
