//! Why something was dropped, and how often.

/// Why a packet or datagram was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum DropReason {
    /// A packet of the guest's side is not IP, or its lengths contradict each other.
    NotIp,
    /// No peer's allowed IPs hold the packet's destination.
    NoRoute,
    /// The peer's endpoint is not known, and it has not spoken yet.
    NoEndpoint,
    /// A packet is longer than what can be sent.
    TooLarge,
    /// The oldest of too many packets that waited for a session; or the handshake was given up.
    QueueFull,
    /// A packet to the place where post-quantum exchanges take place.
    Reserved,
    /// A session is not quantum-safe, and the policy requires it.
    NotQuantumSafe,
    /// A datagram is no message of the protocol.
    Malformed,
    /// The first MAC is wrong: the sender does not know whom it speaks to.
    WrongMac,
    /// Under load, and the sender has not shown that it is where it says: it was sent a cookie.
    CookieSent,
    /// Too many handshakes from one place, or from one peer.
    TooMany,
    /// A handshake by nobody we know.
    UnknownPeer,
    /// A message that its alleged sender has not made.
    Forged,
    /// A handshake, or a message of a session, that came before.
    Replayed,
    /// A message of a session, or an answer to a handshake, that does not exist or has ended.
    NoSession,
    /// The packet inside is not IP, or its source is not one of its peer's allowed IPs.
    NotAllowed,
}

impl DropReason {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 16] = [
        Self::NotIp,
        Self::NoRoute,
        Self::NoEndpoint,
        Self::TooLarge,
        Self::QueueFull,
        Self::Reserved,
        Self::NotQuantumSafe,
        Self::Malformed,
        Self::WrongMac,
        Self::CookieSent,
        Self::TooMany,
        Self::UnknownPeer,
        Self::Forged,
        Self::Replayed,
        Self::NoSession,
        Self::NotAllowed,
    ];

    /// Its name in status lines.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotIp => "not-ip",
            Self::NoRoute => "no-route",
            Self::NoEndpoint => "no-endpoint",
            Self::TooLarge => "too-large",
            Self::QueueFull => "queue-full",
            Self::Reserved => "reserved",
            Self::NotQuantumSafe => "not-quantum-safe",
            Self::Malformed => "malformed",
            Self::WrongMac => "wrong-mac",
            Self::CookieSent => "cookie-sent",
            Self::TooMany => "too-many",
            Self::UnknownPeer => "unknown-peer",
            Self::Forged => "forged",
            Self::Replayed => "replayed",
            Self::NoSession => "no-session",
            Self::NotAllowed => "not-allowed",
        }
    }
}

/// What a tunnel has done since its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Handshakes that led to a session.
    pub sessions: u64,
    /// Initiations that this side sent.
    pub initiations_sent: u64,
    /// Packets of the guest's side that were sent.
    pub packets_sent: u64,
    /// Their bytes, without padding and messages around them.
    pub bytes_sent: u64,
    /// Packets that came for the guest's side.
    pub packets_received: u64,
    /// Their bytes.
    pub bytes_received: u64,
    drops: [u64; DropReason::ALL.len()],
}

impl Counters {
    /// How often something was dropped for `reason`.
    #[must_use]
    pub const fn dropped(&self, reason: DropReason) -> u64 {
        self.drops[reason as usize]
    }

    pub(super) fn drop_one(&mut self, reason: DropReason) {
        self.drops[reason as usize] += 1;
    }
}
