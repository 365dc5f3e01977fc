//! Priorities by critical path: how much time must pass at least from an action's start to the end
//! of everything that waits for it.

/// The edges of a graph in compressed rows: the prerequisites of node `n` are
/// `targets[offsets[n]..offsets[n + 1]]`.
#[derive(Clone, Copy, Debug)]
pub struct Prerequisites<'g> {
    /// One more than there are nodes, growing, ending with the number of targets.
    pub offsets: &'g [u32],
    pub targets: &'g [u32],
}

impl<'g> Prerequisites<'g> {
    fn of(self, node: usize) -> &'g [u32] {
        &self.targets[self.offsets[node] as usize..self.offsets[node + 1] as usize]
    }
}

/// The longest path from each node to the end of the build, in the unit of `cost`, its own cost
/// included. `cost` has one entry for each node, zero for what will not run. A node on a loop gets
/// what is known from outside the loop; graphs are free of loops by the time they come here.
pub fn remaining_path(cost: &[f64], prerequisites: Prerequisites) -> Vec<f64> {
    let mut dependents = vec![0u32; cost.len()];
    for &target in prerequisites.targets {
        dependents[target as usize] += 1;
    }
    // What waits for a node is settled before the node itself: the walk starts where nothing
    // waits and goes against the flow of data.
    let mut settled: Vec<usize> = (0..cost.len()).filter(|&node| dependents[node] == 0).collect();
    let mut remaining = cost.to_vec();
    while let Some(node) = settled.pop() {
        for &before in prerequisites.of(node) {
            let before = before as usize;
            remaining[before] = remaining[before].max(cost[before] + remaining[node]);
            dependents[before] -= 1;
            if dependents[before] == 0 {
                settled.push(before);
            }
        }
    }
    remaining
}

/// A length in seconds as a scheduler priority, in milliseconds.
pub fn as_priority(seconds: f64) -> u64 {
    (seconds * 1e3) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_counts_everything_that_waits_for_it() {
        // 0 -> 1 -> 3, 0 -> 2 -> 3, and 4 alone; node 2 is slow.
        let prerequisites = Prerequisites { offsets: &[0, 0, 1, 2, 4, 4], targets: &[0, 0, 1, 2] };
        let remaining = remaining_path(&[1.0, 2.0, 10.0, 1.0, 5.0], prerequisites);
        assert_eq!(remaining, [12.0, 3.0, 11.0, 1.0, 5.0]);
        assert_eq!(as_priority(1.5), 1500);
        assert_eq!(as_priority(f64::NAN), 0);
    }

    #[test]
    fn no_nodes_are_no_trouble() {
        let prerequisites = Prerequisites { offsets: &[0], targets: &[] };
        assert!(remaining_path(&[], prerequisites).is_empty());
    }
}
