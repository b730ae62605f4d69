//! When two capabilities speak of the same thing. Deletion and derivation ask often, so the encoded words are
//! compared without decoding them.

use super::codec::{
    ASID_POOL, CNODE, ENDPOINT, FIELD_SHIFT, FRAME, IO_PORT_CONTROL, IO_PORTS, IRQ_CONTROL,
    IRQ_HANDLER, NOTIFICATION, REPLY, SCHED_CONTEXT, TABLE, TAG_MASK, THREAD, UNTYPED, VCPU,
    WHOLE_CNODE, address, field, number,
};
use crate::Machine;

/// Whether both speak of the very same object: the last one to go takes the object with it. Untyped memory is
/// nobody's object.
#[inline]
pub(crate) fn same_object([a, _]: [u64; 2], [b, _]: [u64; 2]) -> bool {
    const NUMBER: u64 = !0xffff;
    let tag = kind(a);
    let compared = match tag {
        0 | UNTYPED => return false,
        // The radix, and the address but for its low bits, where the guard's size may reach.
        CNODE => NUMBER << 5 | 63 << FIELD_SHIFT,
        // The size, and whether it is a device's.
        FRAME => NUMBER | 7 << FIELD_SHIFT,
        _ => NUMBER,
    };
    tag == kind(b) && (a ^ b) & compared == 0
}

/// Whether `below`, which does not stand above in the derivation list, speaks of (part of) what `above` speaks of.
#[inline]
pub(crate) fn covers<M: Machine>(above: [u64; 2], below: [u64; 2], machine: &M) -> bool {
    match (kind(above[0]), kind(below[0])) {
        // Memory is cut into aligned powers of two: what begins inside and was not there before lies inside.
        (UNTYPED, _) => start(below[0], machine).is_some_and(|start| {
            let size_bits = field(above[0], FIELD_SHIFT, 6);
            start.wrapping_sub(number(above[0])) >> size_bits == 0
        }),
        (IRQ_CONTROL, IRQ_HANDLER) | (IO_PORT_CONTROL, IO_PORTS) => true,
        _ => same_object(above, below),
    }
}

fn kind(low: u64) -> u64 {
    match low & TAG_MASK {
        WHOLE_CNODE => CNODE,
        tag => tag,
    }
}

/// Where the object begins in physical memory (to 32 bytes), if it was made from untyped memory.
#[inline(always)]
fn start<M: Machine>(low: u64, machine: &M) -> Option<u64> {
    const IN_KERNEL: u64 = 1 << ENDPOINT
        | 1 << NOTIFICATION
        | 1 << REPLY
        | 1 << CNODE
        | 1 << WHOLE_CNODE
        | 1 << THREAD
        | 1 << SCHED_CONTEXT
        | 1 << TABLE
        | 1 << ASID_POOL
        | 1 << VCPU;
    match low & TAG_MASK {
        UNTYPED | FRAME => Some(number(low)),
        tag if IN_KERNEL >> tag & 1 != 0 => Some(machine.physical(address(low)).0),
        _ => None,
    }
}
