//! What is tried, one function each.

use alloc::{format, string::String, vec, vec::Vec};

use block_api::{BLOCK_SIZE, MAX_BLOCKS, Operation, QUEUE_LENGTH, Refusal};
use runtime::{Component, println};

use crate::device::{Device, SLOT, text};
use crate::key_store;

/// Stands in every block; the scenario searches the disk image for it.
const MARK: &[u8] = b"Plaintext of the disk check";
/// Blocks that are written and read in order.
const SEQUENTIAL_BLOCKS: u64 = 4096;
/// Small requests, one after the other.
const SMALL_REQUESTS: u64 = 256;

pub(crate) fn check(component: &Component) -> Result<(), String> {
    let mut device = Device::open(component, "volume")?.ok_or("there is no volume")?;
    let short_lives = component.environment.integer("short-lives");
    let life = component.memory.life();
    if life < short_lives.map_err(text)? {
        return die_at_work(&mut device, life);
    }
    let block_count = device.block_count()?;
    println!("the device has {block_count} blocks");
    refusals(&mut device, block_count)?;
    if let Some(mut keys) = Device::open(component, "keys")? {
        key_store::check(&mut keys, &mut device, block_count)?;
    }
    measured(
        component,
        "64 KiB requests, write",
        SEQUENTIAL_BLOCKS,
        || sequential(&mut device, Operation::Write),
    )?;
    measured(
        component,
        "64 KiB requests, overwrite",
        SEQUENTIAL_BLOCKS,
        || sequential(&mut device, Operation::Write),
    )?;
    measured(component, "flush", 1, || flush(&mut device))?;
    measured(
        component,
        "64 KiB requests, read",
        SEQUENTIAL_BLOCKS,
        || sequential(&mut device, Operation::Read),
    )?;
    for round in 0..2 {
        measured(component, "4 KiB write at depth 1", SMALL_REQUESTS, || {
            small(&mut device, Operation::Write, round)
        })?;
    }
    measured(component, "4 KiB read at depth 1", SMALL_REQUESTS, || {
        small(&mut device, Operation::Read, 1)
    })?;
    measured(component, "4 KiB write and flush", 32, || {
        synced(&mut device)
    })
}

/// Leaves as many requests in flight as there can be: writes in the first life, reads in the second.
fn die_at_work(device: &mut Device, life: u64) -> Result<(), String> {
    let operations = [Operation::Write, Operation::Read];
    let operation = operations.get(usize::try_from(life % 2).map_err(text)?);
    let operation = *operation.ok_or("there are two")?;
    // In a later life the server has to take notice first.
    device.block_count()?;
    for (slot, first) in (0..QUEUE_LENGTH).zip((0..).step_by(SLOT / BLOCK_SIZE)) {
        fill(device, slot, first, 0)?;
        device.send(slot, operation, first, MAX_BLOCKS)?;
    }
    device.signal();
    Err(format!("leaves {QUEUE_LENGTH} requests in flight"))
}

/// Runs a step and says how many ticks of the time-stamp counter each block took.
fn measured(
    component: &Component,
    what: &str,
    blocks: u64,
    step: impl FnOnce() -> Result<(), String>,
) -> Result<(), String> {
    let start = component.clock.now();
    step().map_err(|error| format!("{what}: {error}"))?;
    let ticks = (component.clock.now() - start).0;
    println!("{what}: {} ticks a block", ticks / blocks);
    Ok(())
}

/// Requests beyond a device of `block_count` blocks, or of impossible sizes.
pub(crate) fn refusals(device: &mut Device, block_count: u64) -> Result<(), String> {
    let too_many = MAX_BLOCKS + 1;
    for (block, count) in [
        (block_count, 1),
        (block_count - 1, 2),
        (u64::MAX, 1),
        (0, too_many),
        (0, 0),
    ] {
        for operation in [Operation::Read, Operation::Write] {
            if device.do_one(operation, block, count)? != Err(Refusal::OutOfRange) {
                return Err(format!("{count} blocks at {block} are not refused"));
            }
        }
    }
    Ok(())
}

/// What block `block` holds after its writing number `round`.
fn content(block: u64, round: u64) -> Vec<u8> {
    let mut data = vec![0; BLOCK_SIZE];
    for (index, word) in data.chunks_exact_mut(8).enumerate() {
        let number = block.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (round << 32) ^ index as u64;
        word.copy_from_slice(&number.to_le_bytes());
    }
    data[64..64 + MARK.len()].copy_from_slice(MARK);
    data
}

/// All blocks in requests as large as can be, as many at a time as can be.
fn sequential(device: &mut Device, operation: Operation) -> Result<(), String> {
    let blocks_each = u64::from(MAX_BLOCKS);
    let requests = SEQUENTIAL_BLOCKS / blocks_each;
    let mut first_blocks = [0; QUEUE_LENGTH];
    let (mut sent, mut answered) = (0, 0);
    let mut free: Vec<usize> = (0..QUEUE_LENGTH).collect();
    while answered < requests {
        while sent < requests
            && let Some(slot) = free.pop()
        {
            first_blocks[slot] = sent * blocks_each;
            if operation == Operation::Write {
                fill(device, slot, first_blocks[slot], 0)?;
            }
            device.send(slot, operation, first_blocks[slot], MAX_BLOCKS)?;
            sent += 1;
        }
        device.signal();
        let (slot, outcome) = device.wait()?;
        let first = *first_blocks.get(slot).ok_or("a slot that does not exist")?;
        outcome.map_err(|refusal| format!("block {first}: {refusal:?}"))?;
        if operation == Operation::Read {
            compare(device, slot, first, 0)?;
        }
        free.push(slot);
        answered += 1;
    }
    Ok(())
}

/// The first and the last block of a slot are enough to notice a mistake, and cheap.
fn fill(device: &Device, slot: usize, first: u64, round: u64) -> Result<(), String> {
    for index in [0, u64::from(MAX_BLOCKS) - 1] {
        let place = slot * SLOT + usize::try_from(index).map_err(text)? * BLOCK_SIZE;
        let data = content(first + index, round);
        device.output.write_at(place, &data).map_err(text)?;
    }
    Ok(())
}

fn compare(device: &Device, slot: usize, first: u64, round: u64) -> Result<(), String> {
    let mut data = vec![0; BLOCK_SIZE];
    for index in [0, u64::from(MAX_BLOCKS) - 1] {
        let place = slot * SLOT + usize::try_from(index).map_err(text)? * BLOCK_SIZE;
        device.input.read_at(place, &mut data).map_err(text)?;
        if data != content(first + index, round) {
            return Err(format!("block {} is not what was written", first + index));
        }
    }
    Ok(())
}

/// Single blocks all over the device, one request at a time.
fn small(device: &mut Device, operation: Operation, round: u64) -> Result<(), String> {
    for number in 0..SMALL_REQUESTS {
        let block = number * 37 % SEQUENTIAL_BLOCKS;
        if operation == Operation::Write {
            let data = content(block, round);
            device.output.write_at(0, &data).map_err(text)?;
        }
        let outcome = device.do_one(operation, block, 1)?;
        outcome.map_err(|refusal| format!("block {block}: {refusal:?}"))?;
        if operation == Operation::Read {
            let mut data = vec![0; BLOCK_SIZE];
            device.input.read_at(0, &mut data).map_err(text)?;
            if data != content(block, round) {
                return Err(format!("block {block} is not what was written"));
            }
        }
    }
    Ok(())
}

fn flush(device: &mut Device) -> Result<(), String> {
    let outcome = device.do_one(Operation::Flush, 0, 0)?;
    outcome.map_err(|refusal| format!("{refusal:?}"))
}

fn synced(device: &mut Device) -> Result<(), String> {
    for block in 0..32 {
        let outcome = device.do_one(Operation::Write, block, 1)?;
        outcome.map_err(|refusal| format!("block {block}: {refusal:?}"))?;
        flush(device)?;
    }
    Ok(())
}
