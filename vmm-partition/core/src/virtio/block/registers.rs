//! Numbers of section 5.2.

/// Feature: the most segments are told.
pub(super) const FEATURE_SEG_MAX: u64 = 1 << 2;
/// Feature: the block size is told.
pub(super) const FEATURE_BLK_SIZE: u64 = 1 << 6;
/// Feature: flush.
pub(super) const FEATURE_FLUSH: u64 = 1 << 9;

/// Request: read.
pub(super) const TYPE_IN: u32 = 0;
/// Request: write.
pub(super) const TYPE_OUT: u32 = 1;
/// Request: flush.
pub(super) const TYPE_FLUSH: u32 = 4;
/// Request: the device's name.
pub(super) const TYPE_GET_ID: u32 = 8;

/// Status: done.
pub(super) const STATUS_OK: u8 = 0;
/// Status: failed.
pub(super) const STATUS_IO_ERROR: u8 = 1;
/// Status: not offered.
pub(super) const STATUS_UNSUPPORTED: u8 = 2;

/// Bytes of a request's header: type u32, reserved u32, sector u64.
pub(super) const HEADER_BYTES: u64 = 16;
/// Bytes of the device's name.
pub(super) const ID_BYTES: usize = 20;
/// The device's name.
pub(super) const ID: &[u8; ID_BYTES] = b"sekisho-volume\0\0\0\0\0\0";
/// Sectors of a block.
pub(super) const SECTORS_PER_BLOCK: u64 = 8;
/// Most data segments of a request: a chain's without header and status.
pub(super) const SEGMENTS: u32 = 126;
