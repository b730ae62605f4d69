//! System call numbers and the `syscall` instruction.
//!
//! RDX number, RDI capability pointer in and badge out, RSI MessageInfo in and out, message
//! registers in R10, R8, R9, R15, R12 reply capability (or destination of NBSendWait), R13
//! destination of NBSendRecv. The kernel does not keep RSP, so the stub keeps it in RBX; RCX and R11 are lost.

/// Send and wait for the reply.
pub const CALL: i64 = -1;
/// Reply, then receive.
pub const REPLY_RECV: i64 = -2;
/// Send if someone waits, then receive.
pub const NB_SEND_RECV: i64 = -3;
/// Send if someone waits, then wait without a reply object.
pub const NB_SEND_WAIT: i64 = -4;
/// Send and wait until it is taken.
pub const SEND: i64 = -5;
/// Send if someone waits.
pub const NB_SEND: i64 = -6;
/// Receive.
pub const RECV: i64 = -7;
/// Receive what is there.
pub const NB_RECV: i64 = -8;
/// Wait without a reply object.
pub const WAIT: i64 = -9;
/// Poll without a reply object.
pub const NB_WAIT: i64 = -10;
/// Give up the rest of the budget.
pub const YIELD: i64 = -11;
/// Print the character in RDI (debug builds).
pub const DEBUG_PUT_CHAR: i64 = -12;
/// Print all threads: name, state, instruction pointer, priority (debug builds).
pub const DEBUG_DUMP_SCHEDULER: i64 = -13;
/// Stop the machine (debug builds).
pub const DEBUG_HALT: i64 = -14;
/// The raw tag of the capability in RDI (debug builds).
pub const DEBUG_CAP_IDENTIFY: i64 = -15;
/// Print the capabilities in the caller's first CNode (debug builds).
pub const DEBUG_SNAPSHOT: i64 = -16;
/// Name the thread in RDI as the IPC buffer says in place of the message, up to 32 bytes (debug builds).
pub const DEBUG_NAME_THREAD: i64 = -17;
/// Set the FS base to RDI.
pub const SET_TLS_BASE: i64 = -33;
