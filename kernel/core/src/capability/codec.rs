//! Capabilities as they lie in a slot: two words.
//!
//! Word 0: tag [4:0], small fields [15:5], and the object's address or number [63:16] (the low 48 bits
//! of an address; kernel addresses are canonical, so the sign restores the rest). Word 1: badge, guard,
//! or mapping. A null capability is all zeroes.

use super::{
    AsidPool, CNode, Capability, Endpoint, Frame, FrameRights, FrameSize, IoPorts, Level, Mapping,
    Notification, Reply, Rights, SchedContext, Table, Untyped,
};
use crate::{
    AsidPoolRef, EndpointRef, NotificationRef, PhysicalAddress, ReplyRef, SchedContextRef, SlotRef,
    TableRef, TcbRef, VcpuRef,
};

const UNTYPED: u64 = 1;
const ENDPOINT: u64 = 2;
const NOTIFICATION: u64 = 3;
const REPLY: u64 = 4;
const CNODE: u64 = 5;
/// A CNode that resolves all 64 bits of an address with a guard of zeroes: what nearly all spaces are. Its
/// guard's size follows from its radix.
const WHOLE_CNODE: u64 = 19;
const THREAD: u64 = 6;
const SCHED_CONTEXT: u64 = 7;
const SCHED_CONTROL: u64 = 8;
const IRQ_CONTROL: u64 = 9;
const IRQ_HANDLER: u64 = 10;
const IO_PORT_CONTROL: u64 = 11;
const IO_PORTS: u64 = 12;
const DOMAIN: u64 = 13;
const ASID_CONTROL: u64 = 14;
const ASID_POOL: u64 = 15;
const FRAME: u64 = 16;
const TABLE: u64 = 17;
const VCPU: u64 = 18;

const TAG_MASK: u64 = 31;
const FIELD_SHIFT: u32 = 5;
const FRAME_RIGHTS_SHIFT: u32 = FIELD_SHIFT + 3;
const ADDRESS_SHIFT: u32 = 16;
const GUARD_SIZE_SHIFT: u32 = 11;
const ASID_MASK: u64 = 0xfff;
/// The low bits of a CNode's address, which are zero and leave room for other fields.
const CNODE_ALIGNMENT: u64 = 31;

/// A kernel address out of word 0.
#[inline(always)]
const fn address(word: u64) -> u64 {
    (word.cast_signed() >> ADDRESS_SHIFT).cast_unsigned()
}

/// A physical address or plain number out of word 0.
#[inline(always)]
const fn number(word: u64) -> u64 {
    word >> ADDRESS_SHIFT
}

#[inline(always)]
const fn field(word: u64, shift: u32, bits: u32) -> u8 {
    ((word >> shift) & ((1 << bits) - 1) & 0xff) as u8
}

/// The slot that a capability address names directly in a CNode: `None` if the words are no CNode that,
/// with a guard of zeroes, resolves all 64 bits, or if the guard does not match.
#[inline(always)]
pub(crate) fn direct_slot([low, _]: [u64; 2], at: u64) -> Option<SlotRef> {
    let radix = (low >> FIELD_SHIFT) & 63;
    if low & TAG_MASK != WHOLE_CNODE || at >> radix != 0 {
        return None;
    }
    Some(SlotRef::new(address(low))?.in_cnode(at))
}

/// The endpoint, its badge and rights, if the words are an endpoint capability.
#[inline(always)]
pub(crate) fn endpoint_of([low, badge]: [u64; 2]) -> Option<Endpoint> {
    if low & TAG_MASK != ENDPOINT {
        return None;
    }
    Some(Endpoint {
        object: EndpointRef::new(address(low))?,
        badge,
        rights: Rights::from_word(low >> FIELD_SHIFT),
    })
}

/// The reply object, if the words are a reply capability.
#[inline(always)]
pub(crate) fn reply_of([low, _]: [u64; 2]) -> Option<ReplyRef> {
    if low & TAG_MASK == REPLY {
        ReplyRef::new(address(low))
    } else {
        None
    }
}

/// The virtual CPU, if the words are a capability to one.
#[inline(always)]
pub(crate) fn vcpu_of([low, _]: [u64; 2]) -> Option<VcpuRef> {
    if low & TAG_MASK == VCPU {
        VcpuRef::new(address(low))
    } else {
        None
    }
}

/// The memory of a frame that may hold an IPC buffer.
#[derive(Clone, Copy)]
pub(crate) struct BufferFrame {
    pub(crate) start: PhysicalAddress,
    pub(crate) size: FrameSize,
}

/// The frame, if the words are a capability to one that is no device's and has the rights.
#[inline(always)]
pub(crate) fn buffer_frame([low, _]: [u64; 2], write: bool) -> Option<BufferFrame> {
    const DEVICE: u64 = 1 << (FIELD_SHIFT + 2);
    let needed = if write {
        FrameRights::ReadWrite
    } else {
        FrameRights::Read
    };
    let is_memory = low & (TAG_MASK | DEVICE) == FRAME;
    if !is_memory || field(low, FRAME_RIGHTS_SHIFT, 2) < needed as u8 {
        return None;
    }
    Some(BufferFrame {
        start: PhysicalAddress(number(low)),
        size: frame_size(low),
    })
}

#[inline(always)]
const fn frame_size(low: u64) -> FrameSize {
    match field(low, FIELD_SHIFT, 2) {
        0 => FrameSize::Small,
        1 => FrameSize::Large,
        _ => FrameSize::Huge,
    }
}

const fn mapping(word: u64) -> Option<Mapping> {
    let asid = (word & ASID_MASK) as u16;
    if asid == 0 {
        return None;
    }
    Some(Mapping {
        asid,
        address: word & !ASID_MASK,
    })
}

const fn mapping_word(mapping: Option<Mapping>) -> u64 {
    match mapping {
        Some(mapping) => mapping.address & !ASID_MASK | mapping.asid as u64,
        None => 0,
    }
}

impl Capability {
    /// The capability that two words hold; words that nobody encoded are a null capability.
    #[inline(always)]
    pub(crate) fn decode(words: [u64; 2]) -> Self {
        Self::decode_words(words).unwrap_or(Self::Null)
    }

    #[inline(always)]
    fn decode_words([low, high]: [u64; 2]) -> Option<Self> {
        Some(match low & TAG_MASK {
            ENDPOINT => Self::Endpoint(Endpoint {
                object: EndpointRef::new(address(low))?,
                badge: high,
                rights: Rights::from_word(low >> FIELD_SHIFT),
            }),
            NOTIFICATION => Self::Notification(Notification {
                object: NotificationRef::new(address(low))?,
                badge: high,
                rights: Rights::from_word(low >> FIELD_SHIFT),
            }),
            REPLY => Self::Reply(Reply {
                object: ReplyRef::new(address(low))?,
                can_grant: low & (1 << FIELD_SHIFT) != 0,
            }),
            CNODE => Self::CNode(CNode {
                base: SlotRef::new(address(low) & !CNODE_ALIGNMENT)?,
                radix: field(low, FIELD_SHIFT, 6),
                guard: high,
                guard_size: field(low, GUARD_SIZE_SHIFT, 6),
            }),
            WHOLE_CNODE => Self::CNode(CNode {
                base: SlotRef::new(address(low))?,
                radix: field(low, FIELD_SHIFT, 6),
                guard: 0,
                guard_size: 64 - field(low, FIELD_SHIFT, 6),
            }),
            FRAME => Self::Frame(Frame {
                start: PhysicalAddress(number(low)),
                size: frame_size(low),
                device: field(low, FIELD_SHIFT + 2, 1) != 0,
                rights: match field(low, FRAME_RIGHTS_SHIFT, 2) {
                    0 => FrameRights::None,
                    1 => FrameRights::Read,
                    _ => FrameRights::ReadWrite,
                },
                nested: field(low, FIELD_SHIFT + 5, 1) != 0,
                mapping: mapping(high),
            }),
            UNTYPED => Self::Untyped(Untyped {
                start: PhysicalAddress(number(low)),
                size_bits: field(low, FIELD_SHIFT, 6),
                device: field(low, FIELD_SHIFT + 6, 1) != 0,
                used: high,
            }),
            THREAD => Self::Thread(TcbRef::new(address(low))?),
            SCHED_CONTEXT => Self::SchedContext(SchedContext {
                object: SchedContextRef::new(address(low))?,
                size_bits: field(low, FIELD_SHIFT, 6),
            }),
            TABLE => Self::Table(Table {
                object: TableRef::new(address(low))?,
                level: match field(low, FIELD_SHIFT, 2) {
                    0 => Level::Table,
                    1 => Level::Directory,
                    2 => Level::Pointers,
                    _ => Level::Root,
                },
                nested: field(low, FIELD_SHIFT + 2, 1) != 0,
                mapping: mapping(high),
            }),
            ASID_POOL => Self::AsidPool(AsidPool {
                object: AsidPoolRef::new(address(low))?,
                base: (high & ASID_MASK) as u16,
            }),
            VCPU => Self::Vcpu(VcpuRef::new(address(low))?),
            IRQ_HANDLER => Self::IrqHandler((number(low) & 0xff) as u8),
            IO_PORTS => Self::IoPorts(IoPorts {
                first: (number(low) & 0xffff) as u16,
                last: (number(low) >> 16 & 0xffff) as u16,
            }),
            SCHED_CONTROL => Self::SchedControl,
            IRQ_CONTROL => Self::IrqControl,
            IO_PORT_CONTROL => Self::IoPortControl,
            DOMAIN => Self::Domain,
            ASID_CONTROL => Self::AsidControl,
            _ => return None,
        })
    }

    /// The two words of the capability.
    #[inline]
    pub(crate) const fn encode(&self) -> [u64; 2] {
        match self {
            Self::Null => [0, 0],
            Self::Untyped(untyped) => [
                UNTYPED
                    | (untyped.size_bits as u64) << FIELD_SHIFT
                    | (untyped.device as u64) << (FIELD_SHIFT + 6)
                    | untyped.start.0 << ADDRESS_SHIFT,
                untyped.used,
            ],
            Self::Endpoint(endpoint) => [
                ENDPOINT
                    | (endpoint.rights.bits() as u64) << FIELD_SHIFT
                    | endpoint.object.address() << ADDRESS_SHIFT,
                endpoint.badge,
            ],
            Self::Notification(notification) => [
                NOTIFICATION
                    | (notification.rights.bits() as u64) << FIELD_SHIFT
                    | notification.object.address() << ADDRESS_SHIFT,
                notification.badge,
            ],
            Self::Reply(reply) => [
                REPLY
                    | (reply.can_grant as u64) << FIELD_SHIFT
                    | reply.object.address() << ADDRESS_SHIFT,
                0,
            ],
            Self::CNode(cnode) if cnode.radix + cnode.guard_size == 64 && cnode.guard == 0 => [
                WHOLE_CNODE
                    | (cnode.radix as u64) << FIELD_SHIFT
                    | cnode.base.address() << ADDRESS_SHIFT,
                0,
            ],
            Self::CNode(cnode) => [
                CNODE
                    | (cnode.radix as u64) << FIELD_SHIFT
                    | (cnode.guard_size as u64) << GUARD_SIZE_SHIFT
                    | cnode.base.address() << ADDRESS_SHIFT,
                cnode.guard,
            ],
            Self::Thread(thread) => [THREAD | thread.address() << ADDRESS_SHIFT, 0],
            Self::SchedContext(context) => [
                SCHED_CONTEXT
                    | (context.size_bits as u64) << FIELD_SHIFT
                    | context.object.address() << ADDRESS_SHIFT,
                0,
            ],
            Self::SchedControl => [SCHED_CONTROL, 0],
            Self::IrqControl => [IRQ_CONTROL, 0],
            Self::IrqHandler(irq) => [IRQ_HANDLER | (*irq as u64) << ADDRESS_SHIFT, 0],
            Self::IoPortControl => [IO_PORT_CONTROL, 0],
            Self::IoPorts(ports) => [
                IO_PORTS
                    | (ports.first as u64) << ADDRESS_SHIFT
                    | (ports.last as u64) << (ADDRESS_SHIFT + 16),
                0,
            ],
            Self::Domain => [DOMAIN, 0],
            Self::AsidControl => [ASID_CONTROL, 0],
            Self::AsidPool(pool) => [
                ASID_POOL | pool.object.address() << ADDRESS_SHIFT,
                pool.base as u64,
            ],
            Self::Frame(frame) => [
                FRAME
                    | (frame.size as u64) << FIELD_SHIFT
                    | (frame.device as u64) << (FIELD_SHIFT + 2)
                    | (frame.rights as u64) << FRAME_RIGHTS_SHIFT
                    | (frame.nested as u64) << (FIELD_SHIFT + 5)
                    | frame.start.0 << ADDRESS_SHIFT,
                mapping_word(frame.mapping),
            ],
            Self::Table(table) => [
                TABLE
                    | (table.level as u64) << FIELD_SHIFT
                    | (table.nested as u64) << (FIELD_SHIFT + 2)
                    | table.object.address() << ADDRESS_SHIFT,
                mapping_word(table.mapping),
            ],
            Self::Vcpu(vcpu) => [VCPU | vcpu.address() << ADDRESS_SHIFT, 0],
        }
    }
}
