//! Tree nodes in memory: those that changed since the last checkpoint, and some of the others.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use crate::node::{Node, NodeId};

struct Cached {
    node: Box<Node>,
    /// Differs from what is on the disk, so it must stay.
    dirty: bool,
    /// Was looked at since the last sweep.
    used: bool,
}

/// Nodes by name.
pub(crate) struct Cache {
    nodes: BTreeMap<NodeId, Cached>,
    capacity: usize,
    dirty_leaves: usize,
}

impl Cache {
    /// Holds about `capacity` nodes, and more only if they are dirty.
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            nodes: BTreeMap::new(),
            capacity,
            dirty_leaves: 0,
        }
    }

    pub(crate) fn get(&mut self, id: NodeId) -> Option<&mut Node> {
        let cached = self.nodes.get_mut(&id)?;
        cached.used = true;
        Some(&mut cached.node)
    }

    /// Adds a node as it is on the disk. One that is there already may be newer and stays.
    pub(crate) fn insert_clean(&mut self, id: NodeId, node: Box<Node>) {
        if self.nodes.len() >= self.capacity {
            self.sweep();
        }
        self.nodes.entry(id).or_insert(Cached {
            node,
            dirty: false,
            used: true,
        });
    }

    pub(crate) fn is_dirty(&self, id: NodeId) -> bool {
        self.nodes.get(&id).is_some_and(|cached| cached.dirty)
    }

    pub(crate) fn mark_dirty(&mut self, id: NodeId) {
        if let Some(cached) = self.nodes.get_mut(&id)
            && !cached.dirty
        {
            cached.dirty = true;
            self.dirty_leaves += usize::from(id.level == 1);
        }
    }

    pub(crate) fn mark_all_clean(&mut self) {
        self.nodes
            .values_mut()
            .for_each(|cached| cached.dirty = false);
        self.dirty_leaves = 0;
    }

    pub(crate) fn dirty_leaves(&self) -> usize {
        self.dirty_leaves
    }

    /// The dirty nodes, children before parents.
    pub(crate) fn dirty(&self) -> Vec<NodeId> {
        // Names are ordered by level first.
        self.nodes
            .iter()
            .filter_map(|(&id, cached)| cached.dirty.then_some(id))
            .collect()
    }

    /// Drops clean nodes: those not used since the last sweep, then others until there is room again.
    fn sweep(&mut self) {
        self.nodes
            .retain(|_, cached| cached.dirty || core::mem::take(&mut cached.used));
        let mut surplus = self.nodes.len().saturating_sub(self.capacity * 3 / 4);
        self.nodes.retain(|_, cached| {
            let drop = surplus > 0 && !cached.dirty;
            surplus -= usize::from(drop);
            !drop
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(index: u64) -> NodeId {
        NodeId { level: 1, index }
    }

    #[test]
    fn dirty_nodes_stay_and_clean_ones_make_room() {
        let mut cache = Cache::new(8);
        for index in 0..4 {
            cache.insert_clean(leaf(index), Box::new(Node::EMPTY));
            cache.mark_dirty(leaf(index));
        }
        for index in 4..1000 {
            cache.insert_clean(leaf(index), Box::new(Node::EMPTY));
            assert!(cache.get(leaf(index)).is_some());
            assert!(cache.nodes.len() <= 8);
        }
        assert_eq!(cache.dirty_leaves(), 4);
        assert_eq!(cache.dirty(), (0..4).map(leaf).collect::<Vec<_>>());
        cache.mark_all_clean();
        assert!(cache.dirty().is_empty());
        assert_eq!(cache.dirty_leaves(), 0);
    }

    #[test]
    fn a_late_copy_from_the_disk_does_not_replace_a_newer_one() {
        let mut cache = Cache::new(8);
        let mut newer = Node::EMPTY;
        newer.entries[0] = crate::entry::Entry::new(1, [1; 24], [1; 16]);
        cache.insert_clean(leaf(0), Box::new(newer));
        cache.insert_clean(leaf(0), Box::new(Node::EMPTY));
        let place = cache.get(leaf(0)).and_then(|node| node.entries[0].place());
        assert_eq!(place, Some(1));
    }
}
