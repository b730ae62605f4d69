//! Further threads for a test: stack and IPC buffer in the program's image, TCB from the arena.

use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicU64, Ordering};

use kernel_calls::ipc_buffer::IpcBuffer;
use kernel_calls::user_context::UserContext;
use kernel_calls::{
    Ipc,
    invoke::{self, Resume, SchedParams},
};
use sel4_sys::object::ObjectType;
use sel4_sys::{CNodeCapData, Error, slot};

use crate::cpu;
use crate::resources::Tester;

/// Most threads of one test besides the first.
pub const THREADS_MAX: usize = 8;
/// One more for the thread of lowest priority.
const AREAS_COUNT: usize = THREADS_MAX + 1;
const STACK_SIZE: usize = 16 * 1024;
const PAGE: u64 = 4096;

#[repr(C, align(4096))]
struct Area {
    stack: [u8; STACK_SIZE],
    buffer: [u8; 4096],
}

/// Memory that only the thread that uses an area touches.
struct Areas(UnsafeCell<[Area; AREAS_COUNT]>);
// SAFETY: the program itself only takes addresses of it.
unsafe impl Sync for Areas {}

static AREAS: Areas = Areas(UnsafeCell::new(
    [const {
        Area {
            stack: [0; STACK_SIZE],
            buffer: [0; 4096],
        }
    }; AREAS_COUNT],
));

/// Words in which the threads of a test leave what they saw. Zero at the start of each spawn series.
static NOTES: [AtomicU64; 64] = [const { AtomicU64::new(0) }; 64];

/// The word at `index` (0 to 63).
pub fn note(index: usize) -> &'static AtomicU64 {
    &NOTES[index]
}

/// What the word at `index` holds.
#[must_use]
pub fn noted(index: usize) -> u64 {
    note(index).load(Ordering::SeqCst)
}

/// Sets the word at `index`.
pub fn set_note(index: usize, value: u64) {
    note(index).store(value, Ordering::SeqCst);
}

/// Sets all words to zero.
pub fn clear_notes() {
    NOTES
        .iter()
        .for_each(|word| word.store(0, Ordering::SeqCst));
}

/// What a thread does: its own IPC buffer and its argument. At the end it suspends itself.
pub type Entry = fn(Ipc, u64);

/// How a thread is made.
#[derive(Clone, Copy)]
pub struct Plan {
    /// What it does.
    pub entry: Entry,
    /// Handed to `entry`.
    pub argument: u64,
    /// Its priority; the first thread has 255.
    pub priority: u64,
    /// Its maximum controlled priority.
    pub mcp: u64,
    /// Where its faults go; 0 for nowhere.
    pub fault_endpoint: u64,
    /// Budget of its scheduling context in microseconds; 0 for a thread without one.
    pub budget_us: u64,
    /// Period of its scheduling context in microseconds.
    pub period_us: u64,
    /// Refills beyond two.
    pub extra_refills: u64,
    /// Identifies it in timeout faults.
    pub badge: u64,
    /// Its CNode and the guard of that.
    pub cspace: (u64, CNodeCapData),
    /// Its address space.
    pub vspace: u64,
}

impl Plan {
    /// A thread in the program's own spaces, priority 200, with as much time as it likes.
    #[must_use]
    pub const fn new(entry: Entry, argument: u64) -> Self {
        Self {
            entry,
            argument,
            priority: 200,
            mcp: 200,
            fault_endpoint: 0,
            budget_us: 10_000,
            period_us: 10_000,
            extra_refills: 0,
            badge: 0,
            cspace: (slot::CNODE, CNodeCapData::new(0, 0)),
            vspace: slot::VSPACE,
        }
    }

    /// At this priority.
    #[must_use]
    pub const fn priority(mut self, priority: u64) -> Self {
        self.priority = priority;
        self
    }

    /// With a handler of faults.
    #[must_use]
    pub const fn faults_to(mut self, endpoint: u64) -> Self {
        self.fault_endpoint = endpoint;
        self
    }

    /// With this much time.
    #[must_use]
    pub const fn budget(mut self, budget_us: u64, period_us: u64) -> Self {
        self.budget_us = budget_us;
        self.period_us = period_us;
        self
    }

    /// Without a scheduling context: it runs on what is lent to it.
    #[must_use]
    pub const fn passive(self) -> Self {
        self.budget(0, 0)
    }

    /// In another address space.
    #[must_use]
    pub const fn in_space(mut self, vspace: u64) -> Self {
        self.vspace = vspace;
        self
    }
}

/// A thread of a test.
#[derive(Clone, Copy, Debug)]
pub struct Thread {
    /// Its TCB.
    pub tcb: u64,
    /// Its scheduling context, 0 if it has none.
    pub sched_context: u64,
    /// The frame of its IPC buffer.
    pub buffer_frame: u64,
    /// The address of its IPC buffer.
    pub buffer_address: u64,
    /// Its registers at the start.
    pub context: UserContext,
}

impl Tester {
    /// Makes a thread and starts it.
    ///
    /// # Errors
    ///
    /// What the kernel says.
    pub fn spawn(&mut self, plan: Plan) -> Result<Thread, Error> {
        let thread = self.prepare(plan)?;
        invoke::tcb_write_registers(&self.ipc, thread.tcb, Resume::Yes, &thread.context)?;
        Ok(thread)
    }

    /// Makes a thread, all but its start: registers are in [`Thread::context`].
    ///
    /// # Errors
    ///
    /// What the kernel says.
    pub fn prepare(&mut self, plan: Plan) -> Result<Thread, Error> {
        let area = self.next_thread;
        assert!(area < THREADS_MAX, "too many threads");
        self.next_thread += 1;
        self.prepare_in(area, plan)
    }

    fn prepare_in(&mut self, area: usize, plan: Plan) -> Result<Thread, Error> {
        let stack = AREAS.0.get() as u64 + (area * size_of::<Area>()) as u64;
        let buffer_address = stack + STACK_SIZE as u64;
        let buffer_frame = self.image_frame(buffer_address);
        let tcb = self.make(ObjectType::Tcb, 0)?;
        let buffer = (buffer_address, buffer_frame);
        let cspace = (plan.cspace.0, plan.cspace.1.0);
        invoke::tcb_configure(&self.ipc, tcb, cspace, plan.vspace, buffer)?;
        let sched_context = self.sched_context(&plan)?;
        invoke::tcb_set_sched_params(
            &self.ipc,
            tcb,
            slot::TCB,
            (plan.mcp, plan.priority),
            sched_context,
            plan.fault_endpoint,
        )?;
        let context = UserContext {
            rip: begin as *const () as u64,
            // As if `begin` had been called: the return address would lie here.
            rsp: buffer_address - 8,
            rflags: 0x202,
            rdi: plan.entry as usize as u64,
            rsi: buffer_address,
            rdx: plan.argument,
            rcx: tcb,
            ..UserContext::default()
        };
        Ok(Thread {
            tcb,
            sched_context,
            buffer_frame,
            buffer_address,
            context,
        })
    }

    fn sched_context(&mut self, plan: &Plan) -> Result<u64, Error> {
        if plan.budget_us == 0 {
            return Ok(0);
        }
        let context = self.make(ObjectType::SchedContext, 10)?;
        let parameters = SchedParams {
            budget_us: plan.budget_us,
            period_us: plan.period_us,
            extra_refills: plan.extra_refills,
            badge: plan.badge,
        };
        self.configure(context, parameters)?;
        Ok(context)
    }

    /// Gives a scheduling context its parameters.
    ///
    /// # Errors
    ///
    /// What the kernel says.
    pub fn configure(&self, context: u64, parameters: SchedParams) -> Result<(), Error> {
        invoke::sched_control_configure(
            &self.ipc,
            self.boot.sched_control.start,
            context,
            parameters,
        )
    }

    /// The frame of the program's image that holds this address.
    #[must_use]
    pub fn image_frame(&self, address: u64) -> u64 {
        let frames = self.boot.user_image_frames;
        let image_start = self.boot.ipc_buffer - (frames.end - frames.start) * PAGE;
        frames.start + (address - image_start) / PAGE
    }

    /// Marks the threads made so far, for [`Tester::reuse_threads_from`].
    #[must_use]
    pub fn next_thread(&self) -> usize {
        self.next_thread
    }

    /// Says that the threads made since the mark are over: their stacks are used again.
    pub fn reuse_threads_from(&mut self, mark: usize) {
        self.next_thread = mark;
    }

    /// Lets all threads of lower priority run until they block: sleeps until the lowest signals.
    ///
    /// # Errors
    ///
    /// What the kernel says.
    pub fn let_others_run(&mut self) -> Result<(), Error> {
        let done = self.notification()?;
        let lowest = self.start_lowest(signal_once, done)?;
        let _ = self.ipc.wait(done);
        invoke::tcb_suspend(&self.ipc, lowest)?;
        self.delete(done)
    }

    /// Starts the thread of lowest priority, which runs when no other can; answers its TCB. It has a
    /// stack of its own and is made once for each test.
    pub(crate) fn start_lowest(&mut self, entry: Entry, argument: u64) -> Result<u64, Error> {
        let mut thread = match self.lowest {
            Some(thread) => thread,
            None => self.prepare_in(THREADS_MAX, Plan::new(entry, argument).priority(1))?,
        };
        self.lowest = Some(thread);
        thread.context.rdi = entry as usize as u64;
        thread.context.rdx = argument;
        invoke::tcb_write_registers(&self.ipc, thread.tcb, Resume::Yes, &thread.context)?;
        Ok(thread.tcb)
    }
}

impl Tester {
    /// Lets other threads run, again and again for a second or so, until `done` holds.
    ///
    /// # Errors
    ///
    /// What the kernel says.
    pub fn let_others_run_until(&mut self, done: impl Fn() -> bool) -> Result<bool, Error> {
        for _ in 0..50 {
            self.let_others_run()?;
            if done() {
                return Ok(true);
            }
            cpu::spin(20_000 * self.ticks_per_us());
        }
        Ok(false)
    }

    /// Ticks of the time stamp counter in a microsecond.
    #[must_use]
    pub fn ticks_per_us(&self) -> u64 {
        let chunk = sel4_sys::boot_info::extra::TSC_FREQUENCY;
        crate::memory::extra_chunk(self.boot, chunk).map_or(1000, |word| word & 0xffff_ffff)
    }
}

fn signal_once(ipc: Ipc, notification: u64) {
    ipc.signal(notification);
}

/// The first instructions of a thread.
#[expect(
    improper_ctypes_definitions,
    reason = "both sides are this program: the address only travels in a register"
)]
extern "sysv64" fn begin(entry: Entry, buffer: *mut IpcBuffer, argument: u64, own_tcb: u64) -> ! {
    // SAFETY: `prepare` gave the thread this buffer, nobody else uses it, and it is never unmapped.
    let ipc = unsafe { Ipc::new(buffer) };
    entry(ipc, argument);
    loop {
        let _ = invoke::tcb_suspend(&ipc, own_tcb);
        cpu::pause();
    }
}
