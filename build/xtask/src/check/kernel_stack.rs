//! The kernel's stack holds the deepest chain of calls.
//!
//! Every entry starts at the top of the one stack, with interrupts off. As the kernel branches
//! through no register, its image tells who calls whom and how much each pushes; what calls itself,
//! or moves the stack pointer in a way that is not understood here, is a finding.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use anyhow::{Context, Result};

use super::kernel_code::KernelCode;
use super::stack_frame::{Frame, follow};
use super::{Findings, Subject, build_images};

/// What the assembler calls on the kernel's stack once users run. The start is the same at every
/// boot; an exception of the kernel itself ends in a panic.
const ENTRIES: [&str; 5] = [
    "7on_call",
    "16on_reply_receive",
    "14on_system_call",
    "12on_exception",
    "12on_interrupt",
];

/// An interrupt that the kernel waited for pushes these on the same stack: alignment, five words of
/// the processor, two of the stub, two of the handler.
const INTERRUPT_BYTES: u64 = 16 + 9 * 8;

const CALL_BYTES: u64 = 8;

pub(super) fn check(subject: &Subject) -> Result<Findings> {
    let code = KernelCode::read(&build_images::build_kernel(subject)?)?;
    let stack = code.size("KERNEL_STACK");
    let stack = stack.context("the kernel has no stack by the name KERNEL_STACK")?;
    let mut depths = Depths::new(&code);
    let mut findings = Vec::new();
    for entry in ENTRIES {
        let start = code.find(entry);
        let start = start.with_context(|| format!("no function is called {entry}"))?;
        let depth = CALL_BYTES + depths.below(start) + INTERRUPT_BYTES;
        if depth > stack {
            findings.push(format!(
                "{entry} needs {depth} bytes of the stack's {stack}: {}",
                depths.deepest_chain(start).join(" > ")
            ));
        }
    }
    findings.append(&mut depths.findings);
    Ok(findings)
}

/// How deep functions push, with all that they call.
struct Depths<'a> {
    code: &'a KernelCode,
    frames: BTreeMap<u64, Frame>,
    known: HashMap<u64, u64>,
    /// Functions that are being looked at, the caller before the callee.
    chain: Vec<u64>,
    findings: Findings,
}

impl<'a> Depths<'a> {
    fn new(code: &'a KernelCode) -> Depths<'a> {
        let mut depths = Depths {
            code,
            frames: BTreeMap::new(),
            known: HashMap::new(),
            chain: Vec::new(),
            findings: Vec::new(),
        };
        depths.frames = frames(code);
        depths
    }

    /// Bytes that the function and those that it calls push, its return address left out.
    fn below(&mut self, start: u64) -> u64 {
        if let Some(depth) = self.known.get(&start) {
            return *depth;
        }
        if self.chain.contains(&start) {
            let names: Vec<_> = self.chain.iter().map(|&at| self.name(at)).collect();
            self.findings
                .push(format!("a function calls itself: {}", names.join(" > ")));
            return 0;
        }
        let Some(frame) = self.frames.get(&start) else {
            let caller = self.chain.last().map(|&at| self.name(at));
            let caller = caller.unwrap_or_default();
            self.findings
                .push(format!("{caller} calls {start:#x}, which is no function"));
            return 0;
        };
        let (mut deepest, calls) = (frame.peak, frame.calls.clone());
        for complaint in &frame.complaints {
            self.findings
                .push(format!("{}: {complaint}", self.name(start)));
        }
        self.chain.push(start);
        for (target, depth) in calls {
            deepest = deepest.max(depth + self.below(target));
        }
        self.chain.pop();
        self.known.insert(start, deepest);
        deepest
    }

    /// The calls that lead deepest, once [`below`](Self::below) has looked at the first.
    fn deepest_chain(&self, start: u64) -> Vec<String> {
        let mut names = vec![self.name(start)];
        let mut at = start;
        while let Some(frame) = self.frames.get(&at)
            && let Some(&(next, _)) = frame
                .calls
                .iter()
                .max_by_key(|(target, depth)| depth + self.known.get(target).unwrap_or(&0))
            && names.len() < self.frames.len()
        {
            names.push(self.name(next));
            at = next;
        }
        names
    }

    fn name(&self, start: u64) -> String {
        let function = self.code.functions.get(&start);
        function.map_or_else(|| format!("{start:#x}"), |function| function.name.clone())
    }
}

/// The frame of every function. Which of them return is found step by step: what follows a call
/// of one that never does is not its continuation.
fn frames(code: &KernelCode) -> BTreeMap<u64, Frame> {
    let mut returning = BTreeSet::new();
    loop {
        let frames: BTreeMap<u64, Frame> = code
            .functions
            .keys()
            .map(|&start| (start, follow(code, start, &returning)))
            .collect();
        let now: BTreeSet<u64> = frames
            .iter()
            .filter(|(_, frame)| frame.returns)
            .map(|(start, _)| *start)
            .collect();
        if now == returning {
            return frames;
        }
        returning = now;
    }
}
