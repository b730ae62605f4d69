//! The handshake gives what others' implementations give.
//!
//! The values are those of the vector for Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s in `cacophony.txt`, made by the Haskell
//! implementation of Noise of that name and kept with the crate `snow` (`tests/vectors`).

use alloc::{vec, vec::Vec};

use chacha20poly1305::{ChaCha20Poly1305, KeyInit, aead::AeadInOut};

use super::{
    keys::{PresharedKey, SecretKey, SymmetricKey},
    noise::{
        Correspondent, FirstMessage, Forged, Identity, Initiator, Introduced, SecondMessage,
        TAG_SIZE, TransportKeys,
    },
};

const PROLOGUE: &[u8] = b"John Galt";
const PRESHARED: &str = "54686973206973206d7920417573747269616e20706572737065637469766521";
const INITIATOR: &str = "e61ef9919cde45dd5f82166404bd08e38bceb5dfdfded0a34c8df7ed542214d1";
const INITIATOR_EPHEMERAL: &str =
    "893e28b9dc6ca8d611ab664754b8ceb7bac5117349a4439a6b0569da977c464a";
const RESPONDER: &str = "4a3acbfdb163dec651dfa3194dece676d437029c62a408b4c5ea9114246e4893";
const RESPONDER_EPHEMERAL: &str =
    "bbdb4cdbd309f1a1f2e1456967fe288cadd6f712d65dc7b7793d5e63da6b375b";
const MESSAGES: [(&str, &str); 6] = [
    (
        "4c756477696720766f6e204d69736573",
        "ca35def5ae56cec33dc2036731ab14896bc4c75dbb07a61f879f8e3afa4c7944001e21de9f98ddd8e2ad57527207feb56253c9c94a9e496782ecfcb2a75fbcaf1b52948cc48daefe660c62119ab5000980c84831215f2441eba616548e832985464cf17e51ee93109008399a21f7e13f",
    ),
    (
        "4d757272617920526f746862617264",
        "95ebc60d2b1fa672c1f46a8aa265ef51bfe38e7ccb39ec5be34069f144808843cb765f2caef0751b8f007572dab0322217755c0632f365717edbf34d33e87a",
    ),
    (
        "462e20412e20486179656b",
        "8153ca9833bc3c1b91a7e66e5f4d4f5b59bf9e64c2f20d15f0bba7",
    ),
    (
        "4361726c204d656e676572",
        "07af0c9c86e1b4e80f36b04ff7688d51141af3debd0332f0a705ef",
    ),
    (
        "4a65616e2d426170746973746520536179",
        "6ab1467c0448cc78394494abaaf23afce0e234315d6e2624dcbfa8a21c1c4d073d",
    ),
    (
        "457567656e2042f6686d20766f6e2042617765726b",
        "dfc346c0d2296ae6cf1acf6f12b8456a1dba228cf8d8b774aacf1c47fc53aa80ebc7a4c292",
    ),
];

fn bytes(hex: &str) -> Vec<u8> {
    let digit = |at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hexadecimal");
    (0..hex.len()).step_by(2).map(digit).collect()
}

fn key<T: From<[u8; 32]>>(hex: &str) -> T {
    <[u8; 32]>::try_from(bytes(hex)).expect("32 bytes").into()
}

fn with_room(payload: &str) -> Vec<u8> {
    let mut payload = bytes(payload);
    payload.extend([0; TAG_SIZE]);
    payload
}

struct First {
    ephemeral: [u8; 32],
    static_key: [u8; 48],
    payload: Vec<u8>,
}

impl First {
    fn parts(&mut self) -> FirstMessage<'_> {
        FirstMessage {
            ephemeral: &mut self.ephemeral,
            static_key: &mut self.static_key,
            payload: &mut self.payload,
        }
    }
}

struct Handshake {
    first: Vec<u8>,
    second: Vec<u8>,
    initiator: TransportKeys,
    responder: TransportKeys,
}

/// Runs the handshake; `damage` may change the messages on their way.
fn handshake(
    initiators_key: &str,
    responders_key: &str,
    mut damage: impl FnMut(&mut [u8]),
) -> Result<Handshake, Forged> {
    let initiator = Identity::new(key(INITIATOR));
    let responder = Identity::new(key(RESPONDER));
    let seen_by_initiator = Correspondent::new(&initiator, responder.public)?;
    let seen_by_responder = Correspondent::new(&responder, initiator.public)?;
    let ephemeral: SecretKey = key(INITIATOR_EPHEMERAL);
    let mut message = First {
        ephemeral: [0; 32],
        static_key: [0; 48],
        payload: with_room(MESSAGES[0].0),
    };
    let initiating = Initiator::begin(
        PROLOGUE,
        &initiator,
        &seen_by_initiator,
        ephemeral,
        message.parts(),
    )?;
    let first = [
        &message.ephemeral[..],
        &message.static_key,
        &message.payload,
    ]
    .concat();
    damage(&mut message.payload);

    let introduced = Introduced::read(PROLOGUE, &responder, &mut message.parts())?;
    assert_eq!(introduced.initiator, initiator.public);
    let responding = introduced.prove(&seen_by_responder, message.parts())?;
    let payload = &message.payload[..message.payload.len() - TAG_SIZE];
    assert_eq!(payload, bytes(MESSAGES[0].0));

    let mut ephemeral = [0; 32];
    let mut payload = with_room(MESSAGES[1].0);
    let responder = responding.answer(
        &key(RESPONDER_EPHEMERAL),
        &key(responders_key),
        SecondMessage {
            ephemeral: &mut ephemeral,
            payload: &mut payload,
        },
    )?;
    let second = [&ephemeral[..], &payload].concat();
    let message = SecondMessage {
        ephemeral: &mut ephemeral,
        payload: &mut payload,
    };
    let preshared_key: PresharedKey = key(initiators_key);
    let initiator = initiating.finish(&initiator, &preshared_key, message)?;
    assert_eq!(payload[..payload.len() - TAG_SIZE], bytes(MESSAGES[1].0));
    Ok(Handshake {
        first,
        second,
        initiator,
        responder,
    })
}

fn seal(key: &SymmetricKey, counter: u8, payload: &str) -> Vec<u8> {
    let mut nonce = [0; 12];
    nonce[4] = counter;
    let cipher = ChaCha20Poly1305::new(&key.0.into());
    let mut text = bytes(payload);
    let tag = cipher.encrypt_inout_detached(&nonce.into(), &[], (&mut text[..]).into());
    text.extend_from_slice(&tag.expect("short"));
    text
}

#[test]
fn both_sides_speak_as_the_vector_says() {
    let done = handshake(PRESHARED, PRESHARED, |_| {}).expect("nothing is forged");
    assert_eq!(done.first, bytes(MESSAGES[0].1));
    assert_eq!(done.second, bytes(MESSAGES[1].1));
    assert_eq!(done.initiator.sending.0, done.responder.receiving.0);
    assert_eq!(done.initiator.receiving.0, done.responder.sending.0);
    // From here on the initiator speaks first, and both in turn.
    for (number, (payload, sealed)) in MESSAGES[2..].iter().enumerate() {
        let side = if number % 2 == 0 {
            &done.initiator
        } else {
            &done.responder
        };
        let counter = u8::try_from(number / 2).expect("few messages");
        assert_eq!(seal(&side.sending, counter, payload), bytes(sealed));
    }
}

#[test]
fn another_preshared_key_is_noticed() {
    let other = INITIATOR;
    assert!(handshake(PRESHARED, other, |_| {}).is_err());
}

#[test]
fn a_changed_payload_is_noticed() {
    for position in 0..16 + TAG_SIZE {
        let damaged = handshake(PRESHARED, PRESHARED, |payload| payload[position] ^= 1);
        assert!(damaged.is_err());
    }
}

#[test]
fn points_of_small_order_are_refused() {
    let identity = Identity::new(key(INITIATOR));
    // RFC 7748, section 6.1: zero agrees on zero with everybody. One of order eight: Curve25519's page on such points.
    let eight = "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800";
    for point in [vec![0; 32], bytes(eight)] {
        let point: [u8; 32] = point.try_into().expect("32 bytes");
        assert!(Correspondent::new(&identity, point.into()).is_err());
    }
}
