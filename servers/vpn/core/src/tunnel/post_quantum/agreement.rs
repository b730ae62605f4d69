//! What both sides compute: a preshared key, and proofs that they have the same.

use alloc::boxed::Box;

use blake2::{Blake2s256, Digest};
use hkdf::SimpleHkdf;
use ml_kem::{Decapsulate, EncapsulationKey, KeyExport, MlKem1024, ml_kem_1024::DecapsulationKey};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::message::{ExchangeId, PROOF_SIZE, Whole};
use crate::tunnel::{
    keys::{PresharedKey, PublicKey},
    random::Random,
};

/// Names this key schedule.
const LABEL: &[u8] = b"Sekisho ML-KEM-1024 preshared key 1";

/// Bytes of the seed that a pair of keys is made from (FIPS 203, section 7.1: d and z).
pub(super) const SEED_SIZE: usize = 64;

/// What both sides know besides the exchange itself.
pub(super) struct Context<'a> {
    pub(super) configured: &'a PresharedKey,
    pub(super) offerer: &'a PublicKey,
    pub(super) answerer: &'a PublicKey,
}

/// The result of an exchange.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(super) struct Agreement {
    pub(super) key: PresharedKey,
    /// Shows that the offerer has the key.
    pub(super) offerers_proof: [u8; PROOF_SIZE],
    /// Shows that the answerer has the key.
    pub(super) answerers_proof: [u8; PROOF_SIZE],
}

/// The offerer's key pair, kept as the seed that it follows from.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(super) struct KeyPair {
    seed: [u8; SEED_SIZE],
    #[zeroize(skip)]
    pub(super) encapsulation_key: Box<Whole>,
}

impl KeyPair {
    pub(super) fn generate(random: &mut Random) -> Self {
        let mut seed = [0; SEED_SIZE];
        random.fill(&mut seed);
        let decapsulation_key = DecapsulationKey::from_seed(seed.into());
        let encoded = decapsulation_key.encapsulation_key().to_bytes();
        Self {
            seed,
            encapsulation_key: Box::new(encoded.into()),
        }
    }

    /// What follows from the answer `ciphertext`. A wrong one gives a result that nobody else has.
    pub(super) fn agree(
        &self,
        context: &Context<'_>,
        id: &ExchangeId,
        ciphertext: &Whole,
    ) -> Agreement {
        let decapsulation_key = DecapsulationKey::from_seed(self.seed.into());
        let mut shared = decapsulation_key.decapsulate(&(*ciphertext).into());
        let encapsulation_key = &self.encapsulation_key;
        let agreement = derive(context, id, encapsulation_key, ciphertext, &shared);
        shared.zeroize();
        agreement
    }
}

/// Answers an encapsulation key; none if it is not one (FIPS 203, section 7.2).
pub(super) fn answer(
    context: &Context<'_>,
    id: &ExchangeId,
    encapsulation_key: &Whole,
    random: &mut Random,
) -> Option<(Agreement, Box<Whole>)> {
    let key = EncapsulationKey::<MlKem1024>::new(&(*encapsulation_key).into()).ok()?;
    let mut message = Zeroizing::new([0; 32]);
    random.fill(&mut *message);
    let (ciphertext, mut shared) = key.encapsulate_deterministic(&(*message).into());
    let ciphertext: Box<Whole> = Box::new(ciphertext.into());
    let agreement = derive(context, id, encapsulation_key, &ciphertext, &shared);
    shared.zeroize();
    Some((agreement, ciphertext))
}

/// HKDF-BLAKE2s: salt is the configured preshared key, so that the result is no weaker than it; the info binds it to this
/// exchange between these two.
fn derive(
    context: &Context<'_>,
    id: &ExchangeId,
    encapsulation_key: &Whole,
    ciphertext: &Whole,
    shared: &[u8],
) -> Agreement {
    let transcript = Blake2s256::new_with_prefix(encapsulation_key)
        .chain_update(ciphertext)
        .finalize();
    let info = [
        LABEL,
        id,
        context.offerer.as_bytes(),
        context.answerer.as_bytes(),
        &transcript,
    ];
    let kdf = SimpleHkdf::<Blake2s256>::new(Some(context.configured.as_bytes()), shared);
    let mut output = Zeroizing::new([0; 3 * 32]);
    // Three hashes are few enough for any HKDF.
    let _ = kdf.expand_multi_info(&info, &mut *output);
    let part = |number: usize| core::array::from_fn(|index| output[32 * number + index]);
    let key: [u8; 32] = part(0);
    Agreement {
        key: key.into(),
        offerers_proof: part(1),
        answerers_proof: part(2),
    }
}
