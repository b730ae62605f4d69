//! Reply objects: who waits for an answer, and the stack of calls along which a scheduling context
//! was lent.

use core::cell::Cell;

use crate::{ReplyRef, SchedContextRef, TcbRef};

/// A reply object, 32 bytes.
///
/// Calls that lend a scheduling context form a stack. Its top is the scheduling context's most recent
/// reply object; `previous` leads down towards the first caller, `next` up towards the top.
#[repr(C, align(32))]
#[derive(Default)]
pub struct Reply {
    /// The thread that waits for the reply, or the one that waits to receive a call with this object.
    pub(crate) tcb: Cell<Option<TcbRef>>,
    pub(crate) previous: Cell<Option<ReplyRef>>,
    pub(crate) next: Cell<Option<ReplyRef>>,
    /// Set in the top of a stack: the scheduling context that was lent along it.
    pub(crate) sched_context: Cell<Option<SchedContextRef>>,
}

const _: () = assert!(size_of::<Reply>() == 32);
