//! Root pointer and root table (sections 5.2.5 and 5.2.8).

use alloc::vec::Vec;

use super::header::{checksum, table};

/// Bytes of the root pointer.
pub(super) const RSDP_BYTES: usize = 36;

/// The root pointer, revision 2.
pub(super) fn rsdp(xsdt: u64) -> [u8; RSDP_BYTES] {
    let mut bytes = [0; RSDP_BYTES];
    bytes[0..8].copy_from_slice(b"RSD PTR ");
    bytes[9..15].copy_from_slice(b"SEKISH");
    bytes[15] = 2;
    bytes[20] = 36;
    bytes[24..32].copy_from_slice(&xsdt.to_le_bytes());
    bytes[8] = checksum(&bytes[..20]);
    bytes[32] = checksum(&bytes);
    bytes
}

/// The table of tables.
pub(super) fn xsdt(tables: &[u64]) -> Vec<u8> {
    let body: Vec<u8> = tables
        .iter()
        .flat_map(|address| address.to_le_bytes())
        .collect();
    table(*b"XSDT", 1, &body)
}
