//! Frames that somebody might send who means no good: of chance, and good ones that were changed.

/// A generator that repeats itself from the same seed (xorshift64*).
pub(crate) struct Noise(u64);

impl Noise {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    pub(crate) fn number(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.number() >> 33).expect("31 bits") % limit.max(1)
    }

    /// One of the samples, changed in some places, cut or made longer, its checksums sometimes made right
    /// again; or nothing but noise.
    pub(crate) fn frame(&mut self, samples: &[Vec<u8>]) -> Vec<u8> {
        let mut frame = if self.below(8) == 0 {
            let length = self.below(1600);
            (0..length).map(|_| self.byte()).collect()
        } else {
            samples[self.below(samples.len())].clone()
        };
        for _ in 0..self.below(6) {
            if frame.is_empty() {
                break;
            }
            let place = self.below(frame.len());
            frame[place] = self.byte();
        }
        match self.below(8) {
            0 => frame.truncate(self.below(frame.len() + 1)),
            1 => frame.resize(frame.len() + self.below(600), 0xa5),
            _ => {}
        }
        if self.below(2) == 0 {
            mend(&mut frame);
        }
        frame
    }

    fn byte(&mut self) -> u8 {
        self.number().to_le_bytes()[5]
    }
}

/// Makes the checksums right again, so that what lies behind them is reached.
pub(crate) fn mend(frame: &mut [u8]) {
    let Some((head, ip)) = frame.split_at_checked(14) else {
        return;
    };
    match (head[12], head[13], ip.len()) {
        (8, 0, 20..) => mend_ipv4(&mut frame[14..]),
        (0x86, 0xdd, 44..) => mend_ipv6(&mut frame[14..]),
        _ => {}
    }
}

fn mend_ipv4(ip: &mut [u8]) {
    let header = (usize::from(ip[0] & 0xf) * 4).clamp(20, ip.len());
    fill_in(&mut ip[..header], 10, 0);
    if ip[9] == 1 && ip.len() >= header + 4 {
        let end = usize::from(u16::from_be_bytes([ip[2], ip[3]])).clamp(header + 4, ip.len());
        fill_in(&mut ip[header..end], 2, 0);
    }
}

fn mend_ipv6(ip: &mut [u8]) {
    let length = usize::from(u16::from_be_bytes([ip[4], ip[5]]));
    let end = (40 + length).clamp(44, ip.len());
    // ICMPv6, and UDP.
    let place = match ip[6] {
        58 => 2,
        17 if end >= 48 => 6,
        _ => return,
    };
    let length = u32::try_from(end - 40).expect("short");
    let pseudo = sum(&ip[8..40]) + u32::from(ip[6]) + length;
    fill_in(&mut ip[40..end], place, pseudo);
}

fn fill_in(bytes: &mut [u8], at: usize, before: u32) {
    bytes[at..at + 2].fill(0);
    let mut total = before + sum(bytes);
    while total > 0xffff {
        total = (total & 0xffff) + (total >> 16);
    }
    let checksum = u16::try_from(!total & 0xffff).expect("folded");
    bytes[at..at + 2].copy_from_slice(&checksum.to_be_bytes());
}

fn sum(bytes: &[u8]) -> u32 {
    let word = |pair: &[u8]| u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0));
    bytes.chunks(2).map(word).sum()
}
