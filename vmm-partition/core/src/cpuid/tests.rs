//! The policy against a host that has everything.

use super::{Leaf, build};

fn everything(leaf: u32, sub_leaf: u32) -> Leaf {
    let all = u32::MAX;
    match (leaf, sub_leaf) {
        (0, _) => Leaf {
            eax: 0x1f,
            ebx: 1,
            ecx: 2,
            edx: 3,
        },
        (0xd, 0) => Leaf {
            eax: 0xe7,
            ebx: 2696,
            ecx: 2696,
            edx: 0,
        },
        (0xd, 2) => Leaf {
            eax: 256,
            ebx: 576,
            ecx: 0,
            edx: 0,
        },
        (0x8000_0000, _) => Leaf {
            eax: 0x8000_0028,
            ..Leaf::default()
        },
        (0x8000_0008, _) => Leaf {
            eax: 0x3934,
            ..Leaf::default()
        },
        _ => Leaf {
            eax: all,
            ebx: all,
            ecx: all,
            edx: all,
        },
    }
}

#[test]
fn what_must_be_hidden_is_hidden() {
    let table = build(everything);
    let leaf_7 = table.look_up(7, 0);
    let avx_512 = 1 << 16 | 1 << 17 | 1 << 21 | 1 << 26 | 1 << 27 | 1 << 28 | 1 << 30 | 1 << 31;
    assert_eq!(leaf_7.ebx & avx_512, 0);
    assert_eq!(leaf_7.ecx & (1 << 3 | 1 << 4), 0, "protection keys");
    assert_eq!(table.look_up(0xd, 1).eax & (1 << 3), 0, "XSAVES");
    assert_eq!(table.look_up(0x8000_0001, 0).ecx & (1 << 2), 0, "SVM");
    assert_eq!(table.look_up(1, 0).ecx & (1 << 3), 0, "MONITOR");
    assert_eq!(table.look_up(0x8000_000a, 0), Leaf::default());
    assert_eq!(table.look_up(0x1f, 0), Leaf::default());
    assert_eq!(table.look_up(0xd, 9), Leaf::default());
}

#[test]
fn what_the_monitor_provides_is_there() {
    let table = build(|_, _| Leaf::default());
    let provided = 1 << 21 | 1 << 24 | 1 << 31;
    assert_eq!(table.look_up(1, 0).ecx & provided, provided);
    assert_eq!(table.look_up(0x8000_0007, 0).edx, 1 << 8);
    let signature = table.look_up(0x4000_0000, 0);
    assert_eq!(signature.ebx.to_le_bytes(), *b"KVMK");
    assert_eq!(signature.ecx.to_le_bytes(), *b"VMKV");
    assert_eq!(signature.edx.to_le_bytes(), *b"M\0\0\0");
}

#[test]
fn without_the_kernels_xsave_nothing_that_needs_it_is_shown() {
    let without = |leaf, sub_leaf| {
        let mut answer = everything(leaf, sub_leaf);
        if leaf == 1 {
            answer.ecx &= !(1 << 27);
        }
        answer
    };
    let table = build(without);
    assert_eq!(table.look_up(1, 0).ecx & (1 << 26 | 1 << 28), 0);
    assert_eq!(table.look_up(7, 0).ebx & (1 << 5), 0);
    assert_eq!(table.look_up(0xd, 0), Leaf::default());
}

#[test]
fn the_state_size_follows_xcr0() {
    let table = build(everything);
    let mut answer = table.look_up(0xd, 0);
    table.adapt(0xd, 0, &mut answer, 0, || 7);
    assert_eq!((answer.eax, answer.ebx, answer.ecx), (7, 832, 832));
    table.adapt(0xd, 0, &mut answer, 0, || 3);
    assert_eq!((answer.ebx, answer.ecx), (576, 832));
}
