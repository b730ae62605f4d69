//! A peer that writes anything anywhere in its region: nothing panics, and what is given or taken
//! stays within what the region holds.
#![no_main]

use libfuzzer_sys::fuzz_target;
use shared_memory::Channel;

const REGION: usize = 1024;
const QUEUE: usize = 4;
/// What a region holds of a byte stream.
const STREAM: usize = REGION - 192;

/// What is done, where the peer writes, and what.
type Step = (u8, u16, u64);

fuzz_target!(|steps: Vec<Step>| {
    let (ours, theirs) = channel();
    let mut sender = ours.sender::<u64>(QUEUE).expect("large enough");
    let mut receiver = ours.receiver::<u64>(QUEUE).expect("large enough");
    let mut writer = ours.byte_writer().expect("large enough");
    let mut reader = ours.byte_reader().expect("large enough");
    let mut buffer = [0; 2 * REGION];
    for (kind, place, word) in steps {
        let place = usize::from(place);
        match kind % 7 {
            0 => drop(theirs.output().write_u64_at(place % REGION, word)),
            // The counts are what matters most.
            1 => drop(theirs.output().write_u64_at(place % 2 * 64, word % 2048)),
            2 => {
                let free = sender.free();
                let pushed = sender.push(&word);
                assert!(free != Ok(0) || pushed.is_err());
                assert!(free.is_ok_and(|free| free <= QUEUE as u64) || free.is_err());
            }
            3 => drop(receiver.pop()),
            4 => {
                let length = place % buffer.len();
                if let Ok(count) = writer.write(&buffer[..length]) {
                    assert!(count <= length.min(STREAM));
                }
            }
            5 => {
                let length = place % buffer.len();
                if let Ok(count) = reader.read(&mut buffer[..length]) {
                    assert!(count <= length.min(STREAM));
                }
            }
            _ => drop(writer.wipe_consumed()),
        }
    }
});

/// The ends of a channel of zeroes; memory that simulations leak is used again.
fn channel() -> (Channel, Channel) {
    thread_local!(static ENDS: (Channel, Channel) = Channel::simulated_pair(REGION, None));
    let (ours, theirs) = ENDS.with(|ends| *ends);
    for end in [&ours, &theirs] {
        end.output().fill_at(0, REGION, 0).expect("all of it");
    }
    (ours, theirs)
}
