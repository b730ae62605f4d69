//! A component: its objects, what it holds, how it runs, what it is told.

use alloc::{string::String, vec::Vec};

use serde::{Deserialize, Serialize};

use crate::{Capability, ObjectId};

/// A component, ready to be built.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Component {
    /// Unique name of the instance.
    pub name: String,
    /// What it is there for.
    pub why: String,
    /// Its thread.
    pub tcb: ObjectId,
    /// Its CNode, whose guard fills capability pointers up to 64 bits.
    pub cnode: ObjectId,
    /// Its address space.
    pub space: ObjectId,
    /// Its CPU time.
    pub sched_context: ObjectId,
    /// The notification that is bound to its thread.
    pub notification: ObjectId,
    /// The frame that is its IPC buffer; mapped once, at [`Component::ipc_buffer_address`].
    pub ipc_buffer: ObjectId,
    /// Where that frame is mapped.
    pub ipc_buffer_address: u64,
    /// The frames that hold its environment.
    pub environment: ObjectId,
    /// Where they are mapped.
    pub environment_address: u64,
    /// First instruction.
    pub entry: u64,
    /// Initial stack pointer, a multiple of 16.
    pub stack_top: u64,
    /// When it runs.
    pub schedule: Schedule,
    /// Who receives its faults; `None` stops it for good.
    pub fault_handler: Option<FaultHandler>,
    /// Every slot of its CNode that is not empty.
    pub capabilities: Vec<Capability>,
    /// Which interrupts signal its notification.
    pub interrupts: Vec<Interrupt>,
    /// The processors of its guests.
    pub virtual_cpus: Vec<VirtualCpu>,
    /// What its environment says of its memory.
    pub regions: Vec<Region>,
    /// What its environment says of its settings.
    pub parameters: Vec<Parameter>,
}

/// When a component runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// 0 to 254; 255 is the root server's.
    pub priority: u8,
    /// Microseconds that it may run in each period.
    pub budget_us: u64,
    /// Microseconds.
    pub period_us: u64,
    /// Pieces beyond two into which the budget may be split.
    pub extra_refills: u8,
}

/// Where a component's faults go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultHandler {
    /// The handler's endpoint.
    pub endpoint: ObjectId,
    /// Tells the handler who faulted.
    pub badge: u64,
}

/// An interrupt that signals a component.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interrupt {
    /// The handler object.
    pub handler: ObjectId,
    /// What the signal sets in the notification's word.
    pub badge: u64,
}

/// A guest's processor and the space that it runs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VirtualCpu {
    /// The processor.
    pub object: ObjectId,
    /// The nested root.
    pub space: ObjectId,
}

/// A line of the environment about memory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Region {
    /// What the component calls it.
    pub name: String,
    /// The frames.
    pub frames: ObjectId,
    /// Where they are mapped.
    pub address: u64,
    /// Bytes that count; a file's exact length.
    pub size: u64,
    /// Whether the component may write there.
    pub writable: bool,
    /// Who else can change the contents.
    pub sharing: Sharing,
    /// Whether the component is told the physical address, for its device.
    pub tells_physical: bool,
}

/// Who can change what a region holds, besides the component itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Sharing {
    /// Nobody.
    Private,
    /// Another component, a guest or a device.
    Shared,
    /// These are registers of a device.
    Registers,
}

/// A line of the environment about a setting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parameter {
    /// What the component calls it.
    pub name: String,
    /// What it is set to.
    pub value: Value,
}

/// What a parameter is set to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Value {
    /// A number.
    Integer(u64),
    /// Words.
    Text(String),
    /// Seconds since 1970 at boot, a number that the root server fills in.
    BootTime,
}
