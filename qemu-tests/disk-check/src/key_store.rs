//! The key store behind the guest's blocks: neither channel reaches what the other does.

use alloc::{format, string::String, vec};

use block_api::{BLOCK_SIZE, MAX_BLOCKS, Operation, Refusal};
use runtime::println;

use crate::device::{Device, SLOT, text};
use crate::steps;

/// Blocks of a key store, which one request moves.
const BLOCKS: u32 = MAX_BLOCKS;
/// The one that its reader may write.
const OWN: u64 = BLOCKS as u64 - 1;

/// Tries the key store of a fresh volume, whose guest has `guest_blocks` blocks.
pub(crate) fn check(
    keys: &mut Device,
    guest: &mut Device,
    guest_blocks: u64,
) -> Result<(), String> {
    let block_count = keys.block_count()?;
    if block_count != u64::from(BLOCKS) {
        return Err(format!("the key store has {block_count} blocks"));
    }
    steps::refusals(keys, block_count)?;
    keys.output.fill_at(0, SLOT, 0x4b).map_err(text)?;
    for (first, count) in [(0, 1), (0, BLOCKS), (OWN - 1, 1), (OWN - 1, 2)] {
        if keys.do_one(Operation::Write, first, count)? != Err(Refusal::OutOfRange) {
            return Err(format!(
                "{count} blocks of the key store are written at {first}"
            ));
        }
    }
    let outcome = keys.do_one(Operation::Write, OWN, 1)?;
    outcome.map_err(|refusal| format!("the reader's own block: {refusal:?}"))?;
    // The guest fills its last blocks, up to the border and as far beyond as it may try.
    guest.output.fill_at(0, SLOT, 0x47).map_err(text)?;
    let last = guest_blocks - u64::from(BLOCKS);
    for first in last..guest_blocks + u64::from(BLOCKS) {
        let fits = first == last;
        let outcome = guest.do_one(Operation::Write, first, BLOCKS)?;
        if outcome.is_ok() != fits {
            return Err(format!("a write at block {first}: {outcome:?}"));
        }
    }
    let (rest, own) = (vec![0; SLOT - BLOCK_SIZE], vec![0x4b; BLOCK_SIZE]);
    if read(keys, 0)? != [rest, own].concat() {
        return Err("the key store is not as its reader left it".into());
    }
    if read(guest, last)? != vec![0x47; SLOT] {
        return Err("the guest's last blocks are not what was written".into());
    }
    wiped(keys)?;
    println!("the key store is out of the guest's reach");
    Ok(())
}

fn read(device: &mut Device, first: u64) -> Result<alloc::vec::Vec<u8>, String> {
    let outcome = device.do_one(Operation::Read, first, BLOCKS)?;
    outcome.map_err(|refusal| format!("a read at block {first}: {refusal:?}"))?;
    let mut data = vec![0; SLOT];
    device.input.read_at(0, &mut data).map_err(text)?;
    Ok(data)
}

/// A flush leaves nothing behind in the channel.
fn wiped(keys: &mut Device) -> Result<(), String> {
    let _ = keys.block_count()?;
    let outcome = keys.do_one(Operation::Flush, 0, 0)?;
    outcome.map_err(|refusal| format!("{refusal:?}"))?;
    let mut data = vec![1; BLOCK_SIZE];
    keys.input.read_at(0, &mut data).map_err(text)?;
    if data.iter().any(|byte| *byte != 0) {
        return Err("what was read stays in the channel".into());
    }
    Ok(())
}
