//! What disk-crypto's cipher costs: one block of 4 KiB sealed and opened, without disk, tree or journal. What the
//! encrypted disk costs beyond it is ours.

use core::hint::black_box;

use chacha20poly1305::XChaCha20Poly1305;
use chacha20poly1305::aead::{AeadInOut, KeyInit};
use test_support::{Outcome, Test, Tester, ensure, println};

use crate::timed;

const BLOCK: usize = 4096;

/// Rounds of a measurement, of which the least counts.
const ROUNDS: usize = 32;

/// As long as what disk-crypto binds to a block: volume, block number, key epoch.
const ASSOCIATED: [u8; 32] = [7; 32];

pub(crate) const MEASUREMENTS: &[Test] = &[Test {
    id: "cipher",
    rule: "a block that is sealed opens again, to what it was",
    run: cipher,
}];

fn cipher(_: &mut Tester) -> Outcome {
    let cipher = XChaCha20Poly1305::new((&[3; 32]).into());
    let nonce = [5; 24];
    let (mut least_seal, mut least_open) = (u64::MAX, u64::MAX);
    let mut block = [0; BLOCK];
    for round in 0..ROUNDS {
        block.fill(u8::try_from(round).unwrap_or(0));
        let plain = block;
        let (tag, took) = timed(|| {
            cipher.encrypt_inout_detached(
                (&nonce).into(),
                &ASSOCIATED,
                black_box(block.as_mut_slice()).into(),
            )
        });
        least_seal = least_seal.min(took);
        ensure(tag.is_ok(), "a block could not be sealed")?;
        ensure(block != plain, "a sealed block is its plaintext")?;
        let (opened, took) = timed(|| {
            cipher.decrypt_inout_detached(
                (&nonce).into(),
                &ASSOCIATED,
                black_box(block.as_mut_slice()).into(),
                &tag.unwrap_or_default(),
            )
        });
        least_open = least_open.min(took);
        ensure(
            opened.is_ok() && block == plain,
            "a block opened to another",
        )?;
    }
    println!("\nfigure cipher-seal-4k {least_seal} instructions");
    println!("figure cipher-open-4k {least_open} instructions");
    Ok(())
}
