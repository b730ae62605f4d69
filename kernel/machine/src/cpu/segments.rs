//! Segments, the task state segment, and the stacks of traps.

use core::cell::Cell;

use x86::dtables::{DescriptorTablePointer, lgdt};
use x86::segmentation::{SegmentSelector, load_cs, load_ss};
use x86::task::load_tr;

use crate::single_core::SingleCore;

/// Selector of the kernel's code.
pub(crate) const KERNEL_CODE: u16 = 0x08;
/// Selector of the kernel's data; SYSCALL demands that it follows the code.
pub(crate) const KERNEL_DATA: u16 = 0x10;
/// Selector of user data, with privilege level 3.
pub(crate) const USER_DATA: u16 = 0x18 | 3;
/// Selector of user code, with privilege level 3; SYSRET demands that it follows the data.
pub(crate) const USER_CODE: u16 = 0x20 | 3;
/// Selector of the task state segment.
pub(crate) const TASK_STATE: u16 = 0x28;

/// Bytes of the kernel's stack.
pub const KERNEL_STACK_BYTES: usize = 16 << 10;
const EMERGENCY_STACK_BYTES: usize = 4 << 10;

/// Memory of a stack.
#[repr(C, align(4096))]
pub(crate) struct Stack<const BYTES: usize>([Cell<u8>; BYTES]);

impl<const BYTES: usize> Stack<BYTES> {
    const fn new() -> Self {
        Self([const { Cell::new(0) }; BYTES])
    }

    fn top(&self) -> u64 {
        self.0.as_ptr_range().end as u64
    }
}

/// The stack on which the kernel runs; each entry starts at its top again. The linker script puts a page
/// that is not mapped below it.
#[unsafe(no_mangle)]
#[unsafe(link_section = ".bss.kernel_stack")]
pub(crate) static KERNEL_STACK: SingleCore<Stack<KERNEL_STACK_BYTES>> =
    SingleCore::new(Stack::new());

/// Which of the emergency stacks a gate uses: indexes of the task state's table, from 1.
#[derive(Clone, Copy)]
pub(crate) enum EmergencyStack {
    DoubleFault = 1,
    NonMaskable = 2,
    MachineCheck = 3,
}

static EMERGENCY_STACKS: SingleCore<[Stack<EMERGENCY_STACK_BYTES>; 3]> =
    SingleCore::new([const { Stack::new() }; 3]);

/// The 64-bit task state segment (AMD64 manual 2, section 12.2.5), in words of four bytes because the
/// addresses in it are not aligned.
#[repr(C, align(128))]
struct TaskState([Cell<u32>; 26]);

static TASK: SingleCore<TaskState> = SingleCore::new(TaskState([const { Cell::new(0) }; 26]));

static DESCRIPTORS: SingleCore<[Cell<u64>; 7]> = SingleCore::new([
    Cell::new(0),
    // 64-bit code, ring 0; data, ring 0; data, ring 3; 64-bit code, ring 3.
    Cell::new(0x00af_9b00_0000_ffff),
    Cell::new(0x00cf_9300_0000_ffff),
    Cell::new(0x00cf_f300_0000_ffff),
    Cell::new(0x00af_fb00_0000_ffff),
    // The task state segment takes two places.
    Cell::new(0),
    Cell::new(0),
]);

impl TaskState {
    const RSP_0: usize = 1;
    const EMERGENCY_STACKS: usize = 9;
    const PORT_MAP: usize = 25;

    fn set_address(&self, word: usize, address: u64) {
        let [low, high] = halves(address);
        self.0[word].set(low);
        self.0[word + 1].set(high);
    }
}

fn halves(value: u64) -> [u32; 2] {
    let bytes = value.to_le_bytes();
    [
        u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]),
        u32::from_le_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]),
    ]
}

/// Loads the tables.
///
/// # Safety
/// Called once at boot.
pub(crate) unsafe fn initialize() {
    const TASK_BYTES: u32 = 104;
    TASK.set_address(TaskState::RSP_0, KERNEL_STACK.top());
    for (index, stack) in EMERGENCY_STACKS.iter().enumerate() {
        TASK.set_address(TaskState::EMERGENCY_STACKS + 2 * index, stack.top());
    }
    // No port map: it would start behind the segment's end. User programs reach ports by invocations.
    TASK.0[TaskState::PORT_MAP].set(TASK_BYTES << 16);
    let base = (&raw const *TASK) as u64;
    // An available 64-bit task state segment: type 9, present.
    let descriptor = u64::from(TASK_BYTES - 1)
        | (base & 0x00ff_ffff) << 16
        | 0x89 << 40
        | (base & 0xff00_0000) << 32;
    DESCRIPTORS[usize::from(TASK_STATE / 8)].set(descriptor);
    DESCRIPTORS[usize::from(TASK_STATE / 8) + 1].set(base >> 32);
    // SAFETY: the tables are statics, complete, and describe flat segments, so that code and stack
    // stay where they are.
    unsafe {
        lgdt(&DescriptorTablePointer::new(&*DESCRIPTORS));
        load_cs(SegmentSelector::from_raw(KERNEL_CODE));
        load_ss(SegmentSelector::from_raw(0));
        load_tr(SegmentSelector::from_raw(TASK_STATE));
    }
}
