//! The trace of a machine: a line for each executed instruction.
//!
//! QEMU (accel/tcg/cpu-exec.c) writes `Trace 0: HOST [CS_BASE/PC/FLAGS/CFLAGS] ` before it executes a
//! block, here of one instruction, and `Stopped execution of TB chain before …` when it did not come to
//! that. The flags (target/i386/cpu.h, `HF_*`) tell where the processor is.

/// Where an instruction was executed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Place {
    Kernel,
    User,
    /// In a guest, whatever it runs.
    Guest,
}

/// One executed instruction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Step {
    pub(super) address: u64,
    pub(super) place: Place,
}

/// Makes steps of lines; the last one is kept back until it is certain.
#[derive(Default)]
pub(super) struct Trace {
    last: Option<Step>,
}

impl Trace {
    /// Takes a line; answers the step that is now certain.
    pub(super) fn line(&mut self, line: &str) -> Option<Step> {
        if let Some(step) = parse(line) {
            self.last.replace(step)
        } else if line.starts_with("Stopped") {
            self.last = None;
            None
        } else {
            None
        }
    }
}

fn parse(line: &str) -> Option<Step> {
    const PRIVILEGE_LEVEL: u64 = 3;
    const GUEST: u64 = 1 << 21;
    let inside = line.strip_prefix("Trace ")?.split_once('[')?.1;
    let mut fields = inside.split('/').skip(1);
    let mut number = || u64::from_str_radix(fields.next()?, 16).ok();
    let (address, flags) = (number()?, number()?);
    let place = if flags & GUEST != 0 {
        Place::Guest
    } else if flags & PRIVILEGE_LEVEL == 3 {
        Place::User
    } else {
        Place::Kernel
    };
    Some(Step { address, place })
}

#[cfg(test)]
mod tests {
    use super::*;

    const KERNEL: &str =
        "Trace 0: 0x7f4408000100 [0000000000000000/ffffffff80201000/0040c0b0/ff020201] \n";
    const USER: &str =
        "Trace 0: 0x7f4408000100 [0000000000000000/0000000000400123/0040c0b3/ff020201] ";
    const GUEST: &str =
        "Trace 0: 0x7f4408000100 [0000000000000000/0000000000000003/002000b0/ff020201] ";

    #[test]
    fn lines_become_steps() {
        let mut trace = Trace::default();
        assert_eq!(trace.line(KERNEL), None);
        let step = |address, place| Some(Step { address, place });
        assert_eq!(trace.line(USER), step(0xffff_ffff_8020_1000, Place::Kernel));
        assert_eq!(trace.line(GUEST), step(0x40_0123, Place::User));
        assert_eq!(trace.line(KERNEL), step(3, Place::Guest));
    }

    #[test]
    fn what_was_not_executed_does_not_count() {
        let mut trace = Trace::default();
        trace.line(USER);
        assert_eq!(
            trace.line("Stopped execution of TB chain before 0x7f [0000000000400123] "),
            None
        );
        assert_eq!(trace.line(KERNEL), None);
        assert_eq!(trace.line("qemu: hello"), None);
    }
}
