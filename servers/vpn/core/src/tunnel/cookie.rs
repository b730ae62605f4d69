//! MACs and cookies: who pays for a handshake when there are too many (whitepaper, section 5.4.4 and 5.4.7).

use core::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use blake2::{
    Blake2s256, Blake2sMac, Digest,
    digest::{FixedOutput, KeyInit, Update, consts::U16},
};
use chacha20poly1305::{XChaCha20Poly1305, aead::AeadInOut};
use subtle::ConstantTimeEq;
use zerocopy::IntoBytes;
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::{
    keys::{KEY_SIZE, PublicKey},
    message::{COOKIE_NONCE_SIZE, COOKIE_SIZE, CookieReply, MAC_SIZE, Macs, kind},
    noise::TAG_SIZE,
    random::Random,
};

/// A cookie, and the secret that it was made from, are good for so long.
const COOKIE_LIFETIME: Duration = Duration::from_secs(120);

type Mac = [u8; MAC_SIZE];
type Cookie = [u8; COOKIE_SIZE];

/// What follows from the public key of who receives a message.
pub(super) struct ReceiverKeys {
    mac: [u8; KEY_SIZE],
    cookie: [u8; KEY_SIZE],
}

/// The receiver's side: checks MACs, gives cookies out.
pub(super) struct Doorkeeper {
    keys: ReceiverKeys,
    secret: Secret,
}

#[derive(Zeroize, ZeroizeOnDrop)]
struct Secret {
    bytes: [u8; KEY_SIZE],
    #[zeroize(skip)]
    made: Option<Duration>,
}

/// The sender's side, for one peer: puts MACs on messages, and a cookie into them once the peer has sent one.
pub(super) struct CookieJar {
    keys: ReceiverKeys,
    cookie: Option<(Cookie, Duration)>,
    /// The first MAC of the last message: a cookie is bound to it.
    last_mac: Option<Mac>,
}

impl ReceiverKeys {
    fn new(receiver: &PublicKey) -> Self {
        let key = |label: &[u8]| {
            let hash = Blake2s256::new_with_prefix(label);
            Digest::chain_update(hash, receiver.as_bytes())
                .finalize()
                .into()
        };
        Self {
            mac: key(b"mac1----"),
            cookie: key(b"cookie--"),
        }
    }

    /// The cipher that cookies travel in.
    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&self.cookie.into())
    }
}

impl Doorkeeper {
    pub(super) fn new(own: &PublicKey) -> Self {
        Self {
            keys: ReceiverKeys::new(own),
            secret: Secret {
                bytes: [0; KEY_SIZE],
                made: None,
            },
        }
    }

    /// Whether the first MAC of a handshake message is right.
    pub(super) fn knows_receiver(&self, message: &[u8]) -> bool {
        let Some((covered, macs)) = message.split_last_chunk::<{ size_of::<Macs>() }>() else {
            return false;
        };
        mac(&self.keys.mac, &[covered])
            .ct_eq(&macs[..MAC_SIZE])
            .into()
    }

    /// Whether the second MAC shows that the sender has got a cookie at `source`.
    pub(super) fn is_where_it_says(
        &self,
        message: &[u8],
        source: &SocketAddr,
        now: Duration,
    ) -> bool {
        let Some((covered, second)) = message.split_last_chunk::<MAC_SIZE>() else {
            return false;
        };
        let is_fresh = |made| now.saturating_sub(made) < COOKIE_LIFETIME;
        self.secret.made.is_some_and(is_fresh)
            && mac(&self.cookie(source), &[covered]).ct_eq(second).into()
    }

    /// The reply that gives a cookie to the sender of `message` at `source`.
    pub(super) fn reply(
        &mut self,
        message: &[u8],
        sender_index: u32,
        source: &SocketAddr,
        now: Duration,
        random: &mut Random,
    ) -> Option<CookieReply> {
        let is_old = |made| now.saturating_sub(made) >= COOKIE_LIFETIME;
        if self.secret.made.is_none_or(is_old) {
            random.fill(&mut self.secret.bytes);
            self.secret.made = Some(now);
        }
        let (_, macs) = message.split_last_chunk::<{ size_of::<Macs>() }>()?;
        let mut nonce = [0; COOKIE_NONCE_SIZE];
        random.fill(&mut nonce);
        let mut cookie = [0; COOKIE_SIZE + TAG_SIZE];
        let (text, tag) = cookie.split_at_mut(COOKIE_SIZE);
        text.copy_from_slice(&self.cookie(source));
        let cipher = self.keys.cipher();
        let sealed = cipher.encrypt_inout_detached(&nonce.into(), &macs[..MAC_SIZE], text.into());
        tag.copy_from_slice(&sealed.ok()?);
        Some(CookieReply {
            kind: kind::COOKIE_REPLY.into(),
            receiver: sender_index.into(),
            nonce,
            cookie,
        })
    }

    fn cookie(&self, source: &SocketAddr) -> Cookie {
        let port = source.port().to_be_bytes();
        match source.ip() {
            IpAddr::V4(address) => mac(&self.secret.bytes, &[&address.octets(), &port]),
            IpAddr::V6(address) => mac(&self.secret.bytes, &[&address.octets(), &port]),
        }
    }
}

impl CookieJar {
    pub(super) fn new(peer: &PublicKey) -> Self {
        Self {
            keys: ReceiverKeys::new(peer),
            cookie: None,
            last_mac: None,
        }
    }

    /// Puts both MACs at the end of a handshake message.
    pub(super) fn stamp(&mut self, message: &mut [u8], now: Duration) {
        let Some((covered, macs)) = message.split_last_chunk_mut::<{ size_of::<Macs>() }>() else {
            return;
        };
        let first = mac(&self.keys.mac, &[covered]);
        self.last_mac = Some(first);
        let is_fresh = |made| now.saturating_sub(made) < COOKIE_LIFETIME;
        let second = match self.cookie {
            Some((cookie, made)) if is_fresh(made) => mac(&cookie, &[covered, &first]),
            _ => [0; MAC_SIZE],
        };
        macs.copy_from_slice(Macs { first, second }.as_bytes());
    }

    /// Takes the cookie from a reply to the last message. Whether there was one in it.
    pub(super) fn take(&mut self, reply: &CookieReply, now: Duration) -> bool {
        let Some(last_mac) = self.last_mac else {
            return false;
        };
        let mut sealed = reply.cookie;
        let (text, tag) = sealed.split_at_mut(COOKIE_SIZE);
        let tag: [u8; TAG_SIZE] = core::array::from_fn(|index| tag[index]);
        let opened = self.keys.cipher().decrypt_inout_detached(
            &reply.nonce.into(),
            &last_mac,
            text.into(),
            &tag.into(),
        );
        if opened.is_err() {
            return false;
        }
        self.cookie = Some((core::array::from_fn(|index| sealed[index]), now));
        // One cookie for each message: a reply that is sent again changes nothing.
        self.last_mac = None;
        true
    }
}

/// BLAKE2s with a key of 16 or 32 bytes and a result of 16 (RFC 7693).
fn mac(key: &[u8], parts: &[&[u8]]) -> Mac {
    let Ok(mut mac) = Blake2sMac::<U16>::new_from_slice(key) else {
        unreachable!("every key here is at most 32 bytes long");
    };
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize_fixed().into()
}
