//! Endpoints: a queue of threads that wait to send, or that wait to receive.

use super::Queue;

/// An endpoint, 16 bytes: the ends of its queue. Whether the queue holds senders or receivers is
/// told by the state of its threads; an empty queue is neither.
#[repr(C, align(16))]
#[derive(Default)]
pub struct Endpoint {
    pub(crate) queue: Queue,
}

const _: () = assert!(size_of::<Endpoint>() == 16);
