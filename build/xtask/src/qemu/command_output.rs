//! Finds the output of a guest's command in what the console prints.
//!
//! The console is shared: other components' lines come between the guest's, and where one
//! interrupts a line of the guest, that line is printed again from its start. So the guest (see
//! qemu-tests/guest/etc/sekisho/session) sends its output as numbered lines of base64 behind a nonce:
//!
//! ```text
//! NONCE begin
//! NONCE 1 aGVsbG8K .
//! NONCE end 0 .
//! ```
//! Each ends with a full stop, behind which the guest's kernel may put a message of its own.
//! A line that comes twice counts as it came last, so each is given out when the next is there. The guest's
//! monitor drops output when the console takes none for long: numbers that are missing are counted.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Cuts the output out of the console's bytes, as they come.
pub(crate) struct CommandOutput {
    tag: String,
    line: Vec<u8>,
    progress: Progress,
    /// The last numbered line, not given out yet.
    pending: Option<(u64, Vec<u8>)>,
    lost: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Progress {
    BeforeBegin,
    Running,
    Ended { status: u8 },
}

impl CommandOutput {
    /// Waits for lines with this nonce.
    pub(crate) fn new(nonce: &str) -> CommandOutput {
        CommandOutput {
            tag: format!("{nonce} "),
            line: Vec::new(),
            progress: Progress::BeforeBegin,
            pending: None,
            lost: 0,
        }
    }

    /// Numbered lines that did not come.
    pub(crate) fn lost_lines(&self) -> u64 {
        self.lost
    }

    /// Takes what the console printed and returns what of it the command did.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut output = Vec::new();
        for byte in bytes {
            if *byte == b'\n' {
                let line = std::mem::take(&mut self.line);
                self.take_line(&String::from_utf8_lossy(&line), &mut output);
            } else {
                self.line.push(*byte);
            }
        }
        output
    }

    /// What came last of a command that does not end any more.
    pub(crate) fn take_rest(&mut self) -> Vec<u8> {
        let mut output = Vec::new();
        self.give_out(&mut output);
        output
    }

    /// The command's status, once it has ended.
    pub(crate) fn status(&self) -> Option<u8> {
        match self.progress {
            Progress::Ended { status } => Some(status),
            _ => None,
        }
    }

    /// Whether the command has begun.
    pub(crate) fn has_begun(&self) -> bool {
        self.progress != Progress::BeforeBegin
    }

    fn take_line(&mut self, line: &str, output: &mut Vec<u8>) {
        let Some(content) = line.strip_prefix(&self.tag) else {
            return;
        };
        let words: Vec<_> = content.split_whitespace().collect();
        match (self.progress, words.as_slice()) {
            (Progress::BeforeBegin, ["begin"]) => self.progress = Progress::Running,
            // Without its full stop the line was interrupted and comes again.
            (Progress::Running, ["end", status, stop, ..]) if stop.starts_with('.') => {
                self.give_out(output);
                // A status that is none must not pass for success.
                let status = status.parse().unwrap_or(u8::MAX);
                self.progress = Progress::Ended { status };
            }
            (Progress::Running, [number, coded, stop, ..]) if stop.starts_with('.') => {
                if let (Ok(number), Ok(bytes)) = (number.parse(), STANDARD.decode(coded)) {
                    self.take_piece(number, bytes, output);
                }
            }
            _ => {}
        }
    }

    fn take_piece(&mut self, number: u64, bytes: Vec<u8>, output: &mut Vec<u8>) {
        let last = self.pending.as_ref().map_or(0, |(last, _)| *last);
        if number != last {
            self.lost += number.saturating_sub(last + 1);
            self.give_out(output);
        }
        self.pending = Some((number, bytes));
    }

    fn give_out(&mut self, output: &mut Vec<u8>) {
        if let Some((_, bytes)) = self.pending.take() {
            output.extend(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(console: &str) -> (String, Option<u8>) {
        let mut command = CommandOutput::new("77");
        let mut output = Vec::new();
        // Byte by byte: lines arrive in pieces.
        for byte in console.bytes() {
            output.extend(command.feed(&[byte]));
        }
        let output = String::from_utf8_lossy(&output).into_owned();
        (output, command.status())
    }

    #[test]
    fn output_comes_out_as_it_went_in() {
        let console =
            "boot\r\n77 begin\r\n77 1 aGVsbG8K .\r\n77 2 d29ybGQ= .\r\n77 end 3 .\r\nbye\r\n";
        assert_eq!(run(console), ("hello\nworld".into(), Some(3)));
    }

    #[test]
    fn the_kernel_of_the_guest_may_speak_behind_a_piece() {
        let console = "77 begin\n77 1 aGVsbG8K .[   10.9] EXT4-fs\r\n77 end 0 .[   11.0] x\n";
        assert_eq!(run(console), ("hello\n".into(), Some(0)));
    }

    #[test]
    fn other_lines_are_left_out() {
        let console = "77 begin\n[disk] hm\n77 1 YQ== .\n78 2 Yg==\n77 end 0 .\n";
        assert_eq!(run(console), ("a".into(), Some(0)));
    }

    #[test]
    fn interrupted_lines_count_once() {
        let console = "77 begin\n77 1 aGVsb\r\n[disk] hm\r\n77 1 aGVsbG8K .\n77 2 YWI=\r\n[disk] x\r\n77 2 YWI= .\n77 en\n[disk] y\n77 end 1\n[disk] z\n77 end 1 .\n";
        assert_eq!(run(console), ("hello\nab".into(), Some(1)));
    }

    #[test]
    fn lines_that_do_not_come_are_counted() {
        let lost = |console: &str| {
            let mut command = CommandOutput::new("77");
            command.feed(console.as_bytes());
            command.lost_lines()
        };
        assert_eq!(lost("77 begin\n77 1 YQ== .\n77 1 YQ== .\n77 2 YQ== .\n"), 0);
        assert_eq!(lost("77 begin\n77 1 YQ== .\n77 4 YQ== .\n77 5 YQ== .\n"), 2);
        assert_eq!(lost("77 begin\n77 2 YQ== .\n"), 1);
    }

    #[test]
    fn a_status_that_is_none_is_a_failure() {
        assert_eq!(run("77 begin\n77 end x .\n").1, Some(u8::MAX));
        assert_eq!(run("77 begin\n78 end 0 .\n").1, None);
        assert_eq!(run("77 end 0 .\n").1, None);
    }

    #[test]
    fn a_command_that_was_cut_off_has_begun() {
        let mut command = CommandOutput::new("77");
        command.feed(b"77 begin\n77 1 aGVsbG8K .\nhalf");
        assert!(command.has_begun());
        assert_eq!(command.status(), None);
        assert_eq!(command.take_rest(), b"hello\n");
        assert_eq!(command.take_rest(), b"");
    }
}
