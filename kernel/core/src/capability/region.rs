//! When two capabilities speak of the same thing. Deletion and derivation ask often, so the encoded words are
//! compared without decoding them.

use super::codec::{
    ASID_POOL, CNODE, CNODE_ALIGNMENT, ENDPOINT, FIELD_SHIFT, FRAME, IO_PORT_CONTROL, IO_PORTS,
    IRQ_CONTROL, IRQ_HANDLER, NOTIFICATION, REPLY, SCHED_CONTEXT, TABLE, TAG_MASK, THREAD, UNTYPED,
    VCPU, WHOLE_CNODE, address, field, frame_size, number,
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

/// Whether `below` speaks of (part of) what `above` speaks of.
#[inline]
pub(crate) fn covers<M: Machine>(above: [u64; 2], below: [u64; 2], machine: &M) -> bool {
    match (kind(above[0]), kind(below[0])) {
        (UNTYPED, _) | (FRAME, FRAME) => span(above[0], machine)
            .zip(span(below[0], machine))
            .is_some_and(|(above, below)| above.0 <= below.0 && below.1 <= above.1),
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

/// The first and last byte of the object in physical memory, if it was made from untyped memory.
fn span<M: Machine>(low: u64, machine: &M) -> Option<(u64, u64)> {
    let size_field = u32::from(field(low, FIELD_SHIFT, 6));
    let bits = match kind(low) {
        UNTYPED | SCHED_CONTEXT => size_field,
        FRAME => frame_size(low).bits(),
        ENDPOINT => 4,
        NOTIFICATION => 6,
        REPLY => 5,
        CNODE => size_field + 5,
        THREAD => 11,
        TABLE | ASID_POOL => 12,
        VCPU => 13,
        _ => return None,
    };
    let start = match kind(low) {
        UNTYPED | FRAME => number(low),
        CNODE => machine.physical(address(low) & !CNODE_ALIGNMENT).0,
        _ => machine.physical(address(low)).0,
    };
    Some((start, start + ((1 << bits) - 1)))
}
