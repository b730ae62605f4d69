//! What a program prints: lines on its console.
//!
//! Printing never waits: a program must not depend on its console. What does not fit into the
//! stream is lost, and a later line says how much.

use core::fmt::{self, Write};

use shared_memory::{ByteWriter, Channel, Memory};
use spin::Mutex;

/// The channel to the console.
const CHANNEL: &str = "console";

static OUTPUT: Mutex<Output> = Mutex::new(Output::None);

/// Where prints go.
#[expect(clippy::large_enum_variant, reason = "there is one, in a static")]
enum Output {
    None,
    Console(Console),
    Redirected(fn(&[u8])),
}

struct Console {
    channel: Channel,
    writer: ByteWriter,
    lost: usize,
    /// The number of the console's last question how this program is.
    status_told: u64,
}

/// Prints to this program's console.
#[macro_export]
macro_rules! print {
    ($($argument:tt)*) => {
        $crate::print_arguments(::core::format_args!($($argument)*))
    };
}

/// Prints a line to this program's console.
#[macro_export]
macro_rules! println {
    () => { $crate::print!("\n") };
    ($format:literal $($argument:tt)*) => {
        $crate::print_arguments(::core::format_args!("{}\n", ::core::format_args!($format $($argument)*)))
    };
}

/// Prints to this program's console; [`print!`] and [`println!`] are the short forms.
pub fn print_arguments(arguments: fmt::Arguments<'_>) {
    // A print from within a print (a panic in a Display implementation) is dropped, not waited for.
    if let Some(mut output) = OUTPUT.try_lock() {
        output.print(arguments);
    }
}

/// Sends prints to `write` from now on, for programs that have no console.
pub fn redirect_output(write: fn(&[u8])) {
    *OUTPUT.lock() = Output::Redirected(write);
}

/// Whether the console has taken everything that was printed; also when there is no console.
#[must_use]
pub fn output_is_taken() -> bool {
    match OUTPUT.try_lock().as_deref_mut() {
        Some(Output::Console(console)) => {
            console.lost == 0 && console.writer.waiting().is_ok_and(|bytes| bytes == 0)
        }
        _ => true,
    }
}

/// Whether whoever sits at the console wants to know how this program is. Answers once to each time.
#[must_use]
pub fn status_is_wanted() -> bool {
    match OUTPUT.try_lock().as_deref_mut() {
        Some(Output::Console(console)) => {
            let asked = console.channel.attention();
            core::mem::replace(&mut console.status_told, asked) != asked
        }
        _ => false,
    }
}

/// Opens the console, if there is one.
pub(crate) fn open(memory: &Memory) {
    if let Ok(channel) = Channel::open(memory, CHANNEL)
        && let Ok(writer) = channel.byte_writer()
    {
        let status_told = channel.attention();
        *OUTPUT.lock() = Output::Console(Console {
            channel,
            writer,
            lost: 0,
            // What was asked before this program's time is not for it.
            status_told,
        });
    }
}

impl Output {
    fn print(&mut self, arguments: fmt::Arguments<'_>) {
        // Writers here do not fail; a Display implementation that does loses its own text.
        let _ = match self {
            Self::Console(console) => {
                let result = console.write_fmt(arguments);
                console.channel.signal();
                result
            }
            Self::Redirected(write) => Redirected(*write).write_fmt(arguments),
            Self::None => DebugOutput.write_fmt(arguments),
        };
    }
}

impl Console {
    fn put(&mut self, bytes: &[u8]) {
        let written = self.writer.write(bytes).unwrap_or(0);
        self.lost = self.lost.saturating_add(bytes.len() - written);
    }

    /// Says what was lost, once there is room for saying so.
    fn report_loss(&mut self) {
        const LONGEST_REPORT: usize = 64;
        if self.lost > 0 && self.writer.free().is_ok_and(|free| free >= LONGEST_REPORT) {
            let lost = core::mem::take(&mut self.lost);
            let _ = write!(self, "\n({lost} bytes lost here)\n");
        }
    }
}

impl Write for Console {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.report_loss();
        if self.lost > 0 {
            self.lost = self.lost.saturating_add(text.len());
        } else {
            self.put(text.as_bytes());
        }
        Ok(())
    }
}

struct Redirected(fn(&[u8]));

impl Write for Redirected {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        (self.0)(text.as_bytes());
        Ok(())
    }
}

/// The kernel's debug console, where the program was built for it.
struct DebugOutput;

impl Write for DebugOutput {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if cfg!(feature = "debug-output") {
            text.bytes().for_each(kernel_calls::debug_put_char);
        }
        Ok(())
    }
}
