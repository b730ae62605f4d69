//! The heap.

use alloc::{collections::BTreeMap, string::ToString, vec, vec::Vec};

use runtime::RootTask;

/// Many blocks of many sizes at once, each with its own contents.
pub(crate) fn blocks_are_disjoint(_: &RootTask) {
    let blocks: Vec<Vec<u8>> = (1..200u8)
        .map(|size| vec![size; usize::from(size) * 7])
        .collect();
    for (block, size) in blocks.iter().zip(1u8..) {
        assert!(block.iter().all(|byte| *byte == size));
    }
    let words: BTreeMap<u32, _> = (0..500)
        .map(|number| (number, number.to_string()))
        .collect();
    assert_eq!(words.get(&321).map(|text| text.as_str()), Some("321"));
}

/// Far more in sum than the heap has.
pub(crate) fn freed_blocks_return(_: &RootTask) {
    for round in 0..100u8 {
        let block = vec![round; 900 * 1024];
        assert_eq!(block.last(), Some(&round));
    }
}
