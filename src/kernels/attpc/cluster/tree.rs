//! Clusters from a minimum spanning tree: single linkage, condensed tree, excess of mass, epsilon.

use crate::kernels::attpc::cluster::hdbscan::Edge;

/// Labels of the points that the edges span, given in order of weight.
pub(super) fn labels(edges: &[Edge], min_cluster_size: usize, epsilon: f64) -> Vec<i64> {
    let merges = single_linkage(edges);
    let condensed = Condensed::new(&merges, min_cluster_size);
    let chosen = condensed.choose(epsilon);
    condensed.labels(&chosen)
}

/// Two subtrees become one. Points are nodes 0 to n - 1, the k-th merge is node n + k.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Merge {
    left: usize,
    right: usize,
    distance: f64,
    size: usize,
}

fn single_linkage(edges: &[Edge]) -> Vec<Merge> {
    let points = edges.len() + 1;
    // The node above each node; a node above itself is the top so far.
    let mut above: Vec<usize> = (0..points + edges.len()).collect();
    let mut merges: Vec<Merge> = Vec::with_capacity(edges.len());
    for (at, edge) in edges.iter().enumerate() {
        let left = top(&mut above, edge.from as usize);
        let right = top(&mut above, edge.to as usize);
        above[left] = points + at;
        above[right] = points + at;
        let size = size_of(&merges, points, left) + size_of(&merges, points, right);
        merges.push(Merge { left, right, distance: edge.weight, size });
    }
    merges
}

/// The top above a node; what was passed on the way is hung directly below it.
fn top(above: &mut [usize], mut node: usize) -> usize {
    let mut top = node;
    while above[top] != top {
        top = above[top];
    }
    while above[node] != node {
        node = std::mem::replace(&mut above[node], top);
    }
    top
}

fn size_of(merges: &[Merge], points: usize, node: usize) -> usize {
    node.checked_sub(points).map_or(1, |merge| merges[merge].size)
}

/// The tree without splits that only shed a few points. Branch 0 is the root, parents come before
/// their children.
struct Condensed {
    branches: Vec<Branch>,
    /// The branch out of which each point falls.
    home: Vec<usize>,
}

#[derive(Clone, Copy, Debug)]
struct Branch {
    parent: usize,
    /// 1 / distance at which it splits off.
    birth: f64,
    stability: f64,
    children: Option<[usize; 2]>,
}

impl Branch {
    /// Adds points that leave at `lambda`; a split counts all its points at once.
    fn leave(&mut self, lambda: f64, size: usize) {
        self.stability += (lambda - self.birth) * size as f64;
    }
}

impl Condensed {
    fn new(merges: &[Merge], min_cluster_size: usize) -> Condensed {
        let points = merges.len() + 1;
        let root = Branch { parent: 0, birth: 0.0, stability: 0.0, children: None };
        let mut tree = Condensed { branches: vec![root], home: vec![0; points] };
        let mut members = Members::new(merges);
        // Level by level and left before right, because that order numbers the clusters.
        let mut level = vec![(2 * merges.len(), 0)];
        while !level.is_empty() {
            let mut below = Vec::new();
            for (node, branch) in level {
                let merge = &merges[node - points];
                let lambda =
                    if merge.distance > 0.0 { 1.0 / merge.distance } else { f64::INFINITY };
                let sides = [merge.left, merge.right];
                let sizes = sides.map(|side| size_of(merges, points, side));
                if sizes.iter().all(|size| *size >= min_cluster_size) {
                    let children = tree.split(branch, lambda, sizes);
                    below.extend(sides.into_iter().zip(children));
                    continue;
                }
                for (side, size) in sides.into_iter().zip(sizes) {
                    if size >= min_cluster_size {
                        below.push((side, branch));
                        continue;
                    }
                    for point in members.of(side, size) {
                        tree.home[*point as usize] = branch;
                        // One by one, because a sum rounds differently than a product.
                        tree.branches[branch].leave(lambda, 1);
                    }
                }
            }
            level = below;
        }
        tree
    }

    fn split(&mut self, parent: usize, birth: f64, sizes: [usize; 2]) -> [usize; 2] {
        let first = self.branches.len();
        let child = Branch { parent, birth, stability: 0.0, children: None };
        self.branches.extend([child; 2]);
        let branch = &mut self.branches[parent];
        sizes.into_iter().for_each(|size| branch.leave(birth, size));
        branch.children = Some([first, first + 1]);
        [first, first + 1]
    }

    /// Which branches are clusters. The root never is.
    fn choose(&self, epsilon: f64) -> Vec<bool> {
        let chosen = self.excess_of_mass();
        if epsilon == 0.0 { chosen } else { self.merge_below(epsilon, &chosen) }
    }

    /// The set of disjoint branches with the largest stability.
    fn excess_of_mass(&self) -> Vec<bool> {
        let mut chosen = vec![true; self.branches.len()];
        let mut stability: Vec<f64> = self.branches.iter().map(|branch| branch.stability).collect();
        chosen[0] = false;
        for at in (1..self.branches.len()).rev() {
            let children = self.branches[at].children;
            let below = children.map_or(0.0, |[left, right]| stability[left] + stability[right]);
            // False as well when equal points make a stability undefined.
            if below > stability[at] {
                chosen[at] = false;
                stability[at] = below;
            } else {
                self.descendants(at).into_iter().for_each(|below| chosen[below] = false);
            }
        }
        chosen
    }

    /// Replaces clusters that split off below a distance by the ancestor that split off above it.
    fn merge_below(&self, epsilon: f64, chosen: &[bool]) -> Vec<bool> {
        let distance = |branch: usize| 1.0 / self.branches[branch].birth;
        let mut merged = vec![false; chosen.len()];
        let mut done = vec![false; chosen.len()];
        for leaf in (1..chosen.len()).filter(|branch| chosen[*branch]) {
            if distance(leaf) >= epsilon {
                merged[leaf] = true;
                continue;
            }
            if done[leaf] {
                continue;
            }
            let mut branch = leaf;
            while self.branches[branch].parent != 0 {
                branch = self.branches[branch].parent;
                if distance(branch) > epsilon {
                    break;
                }
            }
            merged[branch] = true;
            self.descendants(branch).into_iter().for_each(|below| done[below] = true);
        }
        merged
    }

    fn descendants(&self, branch: usize) -> Vec<usize> {
        let mut found: Vec<usize> = self.branches[branch].children.into_iter().flatten().collect();
        let mut next = 0;
        while let Some(branch) = found.get(next) {
            found.extend(self.branches[*branch].children.into_iter().flatten());
            next += 1;
        }
        found
    }

    /// Labels of points: chosen branches count from 0 in their order, other points are noise.
    fn labels(&self, chosen: &[bool]) -> Vec<i64> {
        let mut label = vec![-1; chosen.len()];
        let mut next = 0;
        for branch in 1..chosen.len() {
            label[branch] = label[self.branches[branch].parent];
            if chosen[branch] {
                label[branch] = next;
                next += 1;
            }
        }
        self.home.iter().map(|branch| label[*branch]).collect()
    }
}

/// The points below each node, as parts of one list.
struct Members {
    points: Vec<u32>,
    start: Vec<usize>,
}

impl Members {
    fn new(merges: &[Merge]) -> Members {
        let points = merges.len() + 1;
        let mut start = vec![0; points + merges.len()];
        for at in (0..merges.len()).rev() {
            let merge = &merges[at];
            start[merge.left] = start[points + at];
            start[merge.right] = start[points + at] + size_of(merges, points, merge.left);
        }
        let mut list = vec![0; points];
        for (point, place) in start[..points].iter().enumerate() {
            list[*place] = point as u32;
        }
        Members { points: list, start }
    }

    fn of(&mut self, node: usize, size: usize) -> &[u32] {
        &self.points[self.start[node]..][..size]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Edges of a chain of points on a line.
    fn chain(places: &[f64]) -> Vec<Edge> {
        let step = |(at, pair): (usize, &[f64])| Edge {
            from: at as u32,
            to: at as u32 + 1,
            weight: pair[1] - pair[0],
        };
        let mut edges: Vec<Edge> = places.windows(2).enumerate().map(step).collect();
        edges.sort_by(|a, b| a.weight.total_cmp(&b.weight));
        edges
    }

    #[test]
    fn two_groups_are_two_clusters_and_what_is_far_is_noise() {
        let places = [0.0, 1.0, 2.0, 3.0, 50.0, 51.0, 52.5, 53.5, 500.0];
        assert_eq!(labels(&chain(&places), 3, 0.0), [0, 0, 0, 0, 1, 1, 1, 1, -1]);
    }

    #[test]
    fn one_group_is_no_cluster_because_the_root_is_none() {
        assert_eq!(labels(&chain(&[0.0, 1.0, 2.0, 3.0]), 2, 0.0), [0, 0, 1, 1].map(|_| -1));
    }

    #[test]
    fn splits_below_epsilon_are_undone() {
        let places = [0.0, 1.0, 2.0, 9.0, 10.0, 11.0, 60.0, 61.0, 62.0];
        assert_eq!(labels(&chain(&places), 3, 0.0), [0, 0, 0, 1, 1, 1, 2, 2, 2].map(renumber));
        assert_eq!(labels(&chain(&places), 3, 8.0), [0, 0, 0, 0, 0, 0, 1, 1, 1]);
    }

    /// The far group splits off first, so it is numbered last of the three.
    fn renumber(label: i64) -> i64 {
        [1, 2, 0][label as usize]
    }

    #[test]
    fn points_in_one_place_make_no_trouble() {
        let found = labels(&chain(&[5.0; 12]), 3, 10.0);
        assert_eq!(found.len(), 12);
    }
}
