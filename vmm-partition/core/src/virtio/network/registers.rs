//! Numbers of section 5.1.

/// Feature: the guest may leave checksums to the device.
pub(super) const FEATURE_CSUM: u64 = 1 << 0;
/// Feature: the device may say that checksums are good.
pub(super) const FEATURE_GUEST_CSUM: u64 = 1 << 1;
/// Feature: the MTU is told.
pub(super) const FEATURE_MTU: u64 = 1 << 3;
/// Feature: the address is told.
pub(super) const FEATURE_MAC: u64 = 1 << 5;
/// Feature: the device cuts large TCP segments over IPv4.
pub(super) const FEATURE_HOST_TSO4: u64 = 1 << 11;
/// Feature: the device cuts large TCP segments over IPv6.
pub(super) const FEATURE_HOST_TSO6: u64 = 1 << 12;
/// Feature: the device cuts large TCP segments in which CWR is set.
pub(super) const FEATURE_HOST_ECN: u64 = 1 << 13;
/// Feature: the link's state is told.
pub(super) const FEATURE_STATUS: u64 = 1 << 16;

/// Status of the link: up.
pub(super) const LINK_UP: u16 = 1;

/// Header flag: the checksum is missing.
pub(super) const NEEDS_CSUM: u8 = 1;
/// Header flag: the checksum is good.
pub(super) const DATA_VALID: u8 = 2;
/// Header: this is one whole packet.
pub(super) const GSO_NONE: u8 = 0;
/// Header: to be cut, TCP over IPv4.
pub(super) const GSO_TCPV4: u8 = 1;
/// Header: to be cut, TCP over IPv6.
pub(super) const GSO_TCPV6: u8 = 4;
/// Header, with one of the two before: CWR may be set.
pub(super) const GSO_ECN: u8 = 0x80;
/// Bytes of the header in front of each frame: flags u8, gso_type u8, hdr_len u16, gso_size u16, csum_start u16,
/// csum_offset u16, num_buffers u16.
pub(super) const HEADER_BYTES: usize = 12;
