//! Keys as WireGuard writes them: 32 bytes in base64, with padding.

use base64ct::{Base64, Encoding};
use zeroize::Zeroizing;

/// The key that `text` stands for, decoded in constant time; none if it is not 32 bytes in canonical base64.
pub(super) fn decode(text: &str) -> Option<Zeroizing<[u8; 32]>> {
    let mut key = Zeroizing::new([0; 32]);
    let length = Base64::decode(text, &mut *key).ok()?.len();
    (length == key.len()).then_some(key)
}
