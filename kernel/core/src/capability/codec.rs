//! Capabilities as they lie in a slot: two words.
//!
//! Word 0: tag [4:0], small fields [15:5], and the object's address or number [63:16] (the low 48 bits
//! of an address; kernel addresses are canonical, so the sign restores the rest). Word 1: badge, guard,
//! mapping, or how much of untyped memory is used and zeroed. A null capability is all zeroes.

use super::{
    AsidPool, CNode, CapRights, Capability, Endpoint, Frame, FrameRights, FrameSize, IoPorts,
    Level, Mapping, Notification, Reply, SchedContext, Table, Untyped,
};
use crate::{
    AsidPoolRef, EndpointRef, NotificationRef, PhysicalAddress, ReplyRef, SchedContextRef, SlotRef,
    TableRef, TcbRef, VcpuRef,
};

pub(super) const UNTYPED: u64 = 2;
pub(super) const ENDPOINT: u64 = 4;
pub(super) const NOTIFICATION: u64 = 6;
pub(super) const REPLY: u64 = 8;
pub(super) const CNODE: u64 = 10;
/// A CNode that resolves all 64 bits of an address with a guard of zeroes: what nearly all spaces are. Its
/// guard's size follows from its radix.
pub(super) const WHOLE_CNODE: u64 = 21;
pub(super) const THREAD: u64 = 12;
pub(super) const SCHED_CONTEXT: u64 = 22;
pub(super) const SCHED_CONTROL: u64 = 24;
pub(super) const IRQ_CONTROL: u64 = 14;
pub(super) const IRQ_HANDLER: u64 = 16;
pub(super) const IO_PORT_CONTROL: u64 = 31;
pub(super) const IO_PORTS: u64 = 19;
pub(super) const DOMAIN: u64 = 20;
pub(super) const ASID_CONTROL: u64 = 11;
pub(super) const ASID_POOL: u64 = 13;
pub(super) const FRAME: u64 = 1;
pub(super) const TABLE: u64 = 3;
pub(super) const VCPU: u64 = 26;

pub(super) const TAG_MASK: u64 = 31;
pub(super) const FIELD_SHIFT: u32 = 5;
const FRAME_RIGHTS_SHIFT: u32 = FIELD_SHIFT + 3;
const FRAME_NESTED: u64 = 1 << (FIELD_SHIFT + 5);
const ADDRESS_SHIFT: u32 = 16;
const GUARD_SIZE_SHIFT: u32 = 11;
/// Logarithm of the bytes in which an untyped capability counts what it has given away.
const USED_UNIT: u32 = 4;
/// Where word 1 of an untyped capability to RAM says how far the memory is zeroed.
const ZEROED_SHIFT: u32 = 36;
const ASID_MASK: u64 = 0xfff;
/// The low bits of a CNode's address, which are zero and leave room for other fields.
pub(super) const CNODE_ALIGNMENT: u64 = 31;

/// Word 0: what stands from which bit on.
const fn pack(tag: u64, fields: u64, number: u64) -> u64 {
    tag | fields << FIELD_SHIFT | number << ADDRESS_SHIFT
}

/// A kernel address out of word 0.
#[inline(always)]
pub(super) const fn address(word: u64) -> u64 {
    (word.cast_signed() >> ADDRESS_SHIFT).cast_unsigned()
}

/// A physical address or plain number out of word 0.
#[inline(always)]
pub(super) const fn number(word: u64) -> u64 {
    word >> ADDRESS_SHIFT
}

#[inline(always)]
pub(super) const fn field(word: u64, shift: u32, bits: u32) -> u8 {
    ((word >> shift) & ((1 << bits) - 1) & 0xff) as u8
}

/// The slots of a CNode that, with a guard of zeroes, resolves all 64 bits of an address, and how many.
pub(crate) fn direct_slots([low, _]: [u64; 2]) -> Option<(SlotRef, u64)> {
    if low & TAG_MASK != WHOLE_CNODE {
        return None;
    }
    Some((SlotRef::new(address(low))?, 1 << field(low, FIELD_SHIFT, 6)))
}

/// Word 0 as far as it must be this: a kind of capability with all of these rights.
#[inline(always)]
fn expect(low: u64, tag: u64, rights: CapRights) -> Option<()> {
    let needed = rights.0 << FIELD_SHIFT;
    (low & (TAG_MASK | needed) == tag | needed).then_some(())
}

/// The endpoint, its badge and rights, if the words are an endpoint capability with these rights.
#[inline(always)]
pub(crate) fn endpoint_of([low, badge]: [u64; 2], needed: CapRights) -> Option<Endpoint> {
    expect(low, ENDPOINT, needed)?;
    let object = EndpointRef::new(address(low))?;
    let rights = CapRights::from_word(low >> FIELD_SHIFT);
    Some(Endpoint {
        object,
        badge,
        rights,
    })
}

/// The notification, its badge and rights, if the words are a notification capability with these rights.
#[inline(always)]
pub(crate) fn notification_of([low, badge]: [u64; 2], needed: CapRights) -> Option<Notification> {
    expect(low, NOTIFICATION, needed)?;
    let object = NotificationRef::new(address(low))?;
    let rights = CapRights::from_word(low >> FIELD_SHIFT);
    Some(Notification {
        object,
        badge,
        rights,
    })
}

/// The reply object, if the words are a reply capability.
#[inline(always)]
pub(crate) fn reply_of([low, _]: [u64; 2]) -> Option<ReplyRef> {
    expect(low, REPLY, CapRights::NONE)?;
    ReplyRef::new(address(low))
}

/// The virtual CPU, if the words are a capability to one.
#[inline(always)]
pub(crate) fn vcpu_of([low, _]: [u64; 2]) -> Option<VcpuRef> {
    expect(low, VCPU, CapRights::NONE)?;
    VcpuRef::new(address(low))
}

/// The badge of an endpoint or notification capability.
#[inline(always)]
pub(crate) fn badge_of([low, high]: [u64; 2]) -> Option<u64> {
    matches!(low & TAG_MASK, ENDPOINT | NOTIFICATION).then_some(high)
}

/// The tag by which debug programs know the capability: ours are seL4's, but for what seL4 lacks.
pub(crate) fn raw_tag([low, _]: [u64; 2]) -> u64 {
    const OWN: u64 = 64;
    match low & TAG_MASK {
        WHOLE_CNODE => CNODE,
        VCPU => OWN,
        TABLE if field(low, FIELD_SHIFT + 2, 1) != 0 => OWN + 1,
        TABLE => TABLE + 2 * u64::from(field(low, FIELD_SHIFT, 2)),
        tag => tag,
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
pub(super) const fn frame_size(low: u64) -> FrameSize {
    match field(low, FIELD_SHIFT, 2) {
        0 => FrameSize::Small,
        1 => FrameSize::Large,
        _ => FrameSize::Huge,
    }
}

/// The frame, if the words are a capability to one.
#[inline(always)]
pub(crate) fn frame_of([low, high]: [u64; 2]) -> Option<Frame> {
    expect(low, FRAME, CapRights::NONE)?;
    Some(Frame {
        start: PhysicalAddress(number(low)),
        size: frame_size(low),
        device: field(low, FIELD_SHIFT + 2, 1) != 0,
        rights: match field(low, FRAME_RIGHTS_SHIFT, 2) {
            0 => FrameRights::None,
            1 => FrameRights::Read,
            _ => FrameRights::ReadWrite,
        },
        nested: low & FRAME_NESTED != 0,
        mapping: mapping(high),
    })
}

/// The words of a frame's capability with another mapping, in a nested space or not.
#[inline(always)]
pub(crate) const fn remapped_frame(
    [low, _]: [u64; 2],
    mapping: Option<Mapping>,
    nested: bool,
) -> [u64; 2] {
    let nested = if nested { FRAME_NESTED } else { 0 };
    [low & !FRAME_NESTED | nested, mapping_word(mapping)]
}

/// The untyped memory, if the words are a capability to some.
#[inline(always)]
pub(crate) fn untyped_of([low, high]: [u64; 2]) -> Option<Untyped> {
    expect(low, UNTYPED, CapRights::NONE)?;
    let device = field(low, FIELD_SHIFT + 6, 1) != 0;
    // Only RAM is zeroed, and there is less than 2^40 bytes of it.
    let used_mask = if device {
        u64::MAX
    } else {
        (1 << ZEROED_SHIFT) - 1
    };
    Some(Untyped {
        start: PhysicalAddress(number(low)),
        size_bits: field(low, FIELD_SHIFT, 6),
        device,
        used: (high & used_mask) << USED_UNIT,
        zeroed: (high & !used_mask) >> ZEROED_SHIFT << Untyped::ZEROED_STEP.trailing_zeros(),
    })
}

/// The CNode, if the words are a capability to one.
#[inline(always)]
pub(crate) fn cnode_of([low, high]: [u64; 2]) -> Option<CNode> {
    let radix = field(low, FIELD_SHIFT, 6);
    match low & TAG_MASK {
        WHOLE_CNODE => Some(CNode {
            base: SlotRef::new(address(low))?,
            radix,
            guard: 0,
            guard_size: 64 - radix,
        }),
        CNODE => Some(CNode {
            base: SlotRef::new(address(low) & !CNODE_ALIGNMENT)?,
            radix,
            guard: high,
            guard_size: field(low, GUARD_SIZE_SHIFT, 6),
        }),
        _ => None,
    }
}

/// The paging structure, if the words are a capability to one.
#[inline(always)]
pub(crate) fn table_of([low, high]: [u64; 2]) -> Option<Table> {
    expect(low, TABLE, CapRights::NONE)?;
    Some(Table {
        object: TableRef::new(address(low))?,
        level: match field(low, FIELD_SHIFT, 2) {
            0 => Level::Table,
            1 => Level::Directory,
            2 => Level::Pointers,
            _ => Level::Root,
        },
        nested: field(low, FIELD_SHIFT + 2, 1) != 0,
        mapping: mapping(high),
    })
}

#[inline(always)]
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

#[inline(always)]
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
            ENDPOINT => Self::Endpoint(endpoint_of([low, high], CapRights::NONE)?),
            NOTIFICATION => Self::Notification(notification_of([low, high], CapRights::NONE)?),
            REPLY => Self::Reply(Reply {
                object: ReplyRef::new(address(low))?,
                can_grant: low & (1 << FIELD_SHIFT) != 0,
            }),
            CNODE | WHOLE_CNODE => Self::CNode(cnode_of([low, high])?),
            FRAME => Self::Frame(frame_of([low, high])?),
            UNTYPED => Self::Untyped(untyped_of([low, high])?),
            THREAD => Self::Thread(TcbRef::new(address(low))?),
            SCHED_CONTEXT => Self::SchedContext(SchedContext {
                object: SchedContextRef::new(address(low))?,
                size_bits: field(low, FIELD_SHIFT, 6),
            }),
            TABLE => Self::Table(table_of([low, high])?),
            ASID_POOL => Self::AsidPool(AsidPool {
                object: AsidPoolRef::new(address(low))?,
                base: (high & ASID_MASK) as u16,
            }),
            VCPU => Self::Vcpu(vcpu_of([low, high])?),
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
    #[inline(always)]
    pub(crate) const fn encode(&self) -> [u64; 2] {
        match self {
            Self::Null => [0, 0],
            Self::Untyped(untyped) => {
                let fields = untyped.size_bits as u64 | (untyped.device as u64) << 6;
                [
                    pack(UNTYPED, fields, untyped.start.0),
                    untyped.used >> USED_UNIT
                        | (untyped.zeroed / Untyped::ZEROED_STEP) << ZEROED_SHIFT,
                ]
            }
            Self::Endpoint(endpoint) => {
                let rights = endpoint.rights.0;
                [
                    pack(ENDPOINT, rights, endpoint.object.address()),
                    endpoint.badge,
                ]
            }
            Self::Notification(notification) => {
                let rights = notification.rights.0;
                let object = notification.object.address();
                [pack(NOTIFICATION, rights, object), notification.badge]
            }
            Self::Reply(reply) => [
                pack(REPLY, reply.can_grant as u64, reply.object.address()),
                0,
            ],
            Self::CNode(cnode) if cnode.radix + cnode.guard_size == 64 && cnode.guard == 0 => [
                pack(WHOLE_CNODE, cnode.radix as u64, cnode.base.address()),
                0,
            ],
            Self::CNode(cnode) => {
                let fields = cnode.radix as u64 | (cnode.guard_size as u64) << 6;
                [pack(CNODE, fields, cnode.base.address()), cnode.guard]
            }
            Self::Thread(thread) => [pack(THREAD, 0, thread.address()), 0],
            Self::SchedContext(context) => {
                let bits = context.size_bits as u64;
                [pack(SCHED_CONTEXT, bits, context.object.address()), 0]
            }
            Self::SchedControl => [SCHED_CONTROL, 0],
            Self::IrqControl => [IRQ_CONTROL, 0],
            Self::IrqHandler(irq) => [pack(IRQ_HANDLER, 0, *irq as u64), 0],
            Self::IoPortControl => [IO_PORT_CONTROL, 0],
            Self::IoPorts(ports) => {
                let both = ports.first as u64 | (ports.last as u64) << 16;
                [pack(IO_PORTS, 0, both), 0]
            }
            Self::Domain => [DOMAIN, 0],
            Self::AsidControl => [ASID_CONTROL, 0],
            Self::AsidPool(pool) => [pack(ASID_POOL, 0, pool.object.address()), pool.base as u64],
            Self::Frame(frame) => {
                let fields = frame.size as u64
                    | (frame.device as u64) << 2
                    | (frame.rights as u64) << 3
                    | (frame.nested as u64) << 5;
                [
                    pack(FRAME, fields, frame.start.0),
                    mapping_word(frame.mapping),
                ]
            }
            Self::Table(table) => {
                let fields = table.level as u64 | (table.nested as u64) << 2;
                [
                    pack(TABLE, fields, table.object.address()),
                    mapping_word(table.mapping),
                ]
            }
            Self::Vcpu(vcpu) => [pack(VCPU, 0, vcpu.address()), 0],
        }
    }
}
