//! How much TCP over IPv4 the guest sent: said at each segment that it wants to be passed on at once (PSH).

use runtime::println;

/// Flag of TCP: pass this on.
const PSH: u8 = 8;

/// What came since that was last said.
#[derive(Default)]
pub(crate) struct Tally {
    segments: usize,
    bytes: usize,
}

impl Tally {
    /// Counts a frame.
    pub(crate) fn count(&mut self, frame: &[u8]) {
        // Without options, as everywhere in this gateway.
        let is_tcp = frame.len() >= 54 && frame[12..15] == [8, 0, 0x45] && frame[23] == 6;
        if !is_tcp {
            return;
        }
        self.segments += 1;
        self.bytes += frame
            .len()
            .saturating_sub(34 + usize::from(frame[46] >> 4) * 4);
        if frame[47] & PSH != 0 {
            let Self { segments, bytes } = core::mem::take(self);
            println!("the guest sent {bytes} bytes of TCP in {segments} segments");
        }
    }
}
