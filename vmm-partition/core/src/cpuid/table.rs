//! The answers, ready to be looked up.

/// EAX, EBX, ECX, EDX.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Leaf {
    pub(crate) eax: u32,
    pub(crate) ebx: u32,
    pub(crate) ecx: u32,
    pub(crate) edx: u32,
}

/// Standard leaves 0 to 0xd.
pub(super) const STANDARD: usize = 0xe;
/// Extended leaves 0x80000000 to 0x8000001e.
pub(super) const EXTENDED: usize = 0x1f;

/// Every answer of CPUID.
pub(crate) struct Table {
    /// Sub-leaf 0 of the standard leaves.
    pub(super) standard: [Leaf; STANDARD],
    pub(super) extended: [Leaf; EXTENDED],
    /// Signature, features.
    pub(super) hypervisor: [Leaf; 2],
    /// Leaf 0xb, sub-leaf 1.
    pub(super) topology_core: Leaf,
    /// Leaf 0xd, sub-leaves 1 and 2.
    pub(super) extended_state: [Leaf; 2],
}

impl Table {
    /// The answer to `leaf`, `sub_leaf`; leaves that do not exist read as zero.
    pub(crate) fn look_up(&self, leaf: u32, sub_leaf: u32) -> Leaf {
        match (leaf, sub_leaf) {
            (0x7, 1..) => Leaf::default(),
            (0xb, 1) => self.topology_core,
            (0xb, 2..) => Leaf {
                ecx: sub_leaf & 0xff,
                ..Leaf::default()
            },
            (0xd, 1) => self.extended_state[0],
            (0xd, 2) => self.extended_state[1],
            (0xd, 3..) => Leaf::default(),
            (0..0x4000_0000, _) => entry(&self.standard, leaf),
            (0x4000_0000..0x8000_0000, _) => entry(&self.hypervisor, leaf - 0x4000_0000),
            (0x8000_0000.., _) => entry(&self.extended, leaf - 0x8000_0000),
        }
    }
}

fn entry(leaves: &[Leaf], index: u32) -> Leaf {
    usize::try_from(index)
        .ok()
        .and_then(|index| leaves.get(index))
        .copied()
        .unwrap_or_default()
}
