//! Splits clusters at gaps.

use std::collections::BTreeMap;

use crate::kernels::attpc::cluster::tripclust::cut;
use crate::kernels::attpc::cluster::tripclust::triplets::Triplet;

/// How clusters are split.
pub(super) struct Rule {
    /// The longest step in mm within a cluster.
    pub gap: f64,
    /// Parts of fewer triplets are dropped.
    pub fewest: usize,
}

/// Parts of clusters that no step up to the gap connects, which is what is left of their minimum
/// spanning trees without the longer edges. Triplets that reach across a gap are dropped.
pub(super) fn at_gaps(
    points: &[[f64; 3]],
    triplets: &[Triplet],
    clusters: &[Vec<u32>],
    rule: &Rule,
) -> Vec<Vec<u32>> {
    let mut parts: Vec<Vec<u32>> = Vec::new();
    for members in clusters {
        let of_part = |place: &u32| triplets[*place as usize].points();
        let mut places: Vec<usize> = members.iter().flat_map(of_part).collect();
        places.sort_unstable();
        places.dedup();
        let roots = connected(points, &places, rule.gap);
        let root = |point: usize| {
            roots[places.binary_search(&point).expect("every point of a triplet is in its cluster")]
        };
        let mut split: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for member in members {
            let [far, middle, near] = of_part(member).map(root);
            if far == middle && near == middle {
                split.entry(middle).or_default().push(*member);
            }
        }
        parts.extend(split.into_values().filter(|part| part.len() >= rule.fewest));
    }
    parts.sort_by_key(|part| part[0]);
    parts
}

/// For each place the lowest one that steps up to `gap` lead to.
fn connected(points: &[[f64; 3]], places: &[usize], gap: f64) -> Vec<u32> {
    let mut parents: Vec<u32> = (0..places.len() as u32).collect();
    for (a, here) in places.iter().enumerate() {
        let [x, y, z] = points[*here];
        for (b, there) in places.iter().enumerate().skip(a + 1) {
            let other = points[*there];
            let step = [other[0] - x, other[1] - y, other[2] - z];
            // Points come by ascending z, so that no later one is nearer.
            if step[2] > gap {
                break;
            }
            if step[0] * step[0] + step[1] * step[1] + step[2] * step[2] <= gap * gap {
                cut::unite(&mut parents, a as u32, b as u32);
            }
        }
    }
    (0..places.len() as u32).map(|at| cut::root(&mut parents, at)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_on_both_sides_of_a_gap_are_clusters_of_their_own() {
        let heights = [0.0, 1.0, 2.0, 3.0, 8.0, 9.0, 10.0];
        let points = heights.map(|z| [0.0, 0.0, z]);
        let triplets: Vec<Triplet> =
            (1..6).map(|middle| Triplet { middle, far: middle - 1, near: middle + 1 }).collect();
        let whole = [(0..5).collect::<Vec<u32>>()];
        let split = |gap, fewest| at_gaps(&points, &triplets, &whole, &Rule { gap, fewest });
        assert_eq!(split(1.0, 1), [vec![0, 1], vec![4]]);
        assert_eq!(split(1.0, 2), [vec![0, 1]]);
        assert_eq!(split(5.0, 1), whole);
        assert!(split(0.5, 1).is_empty());
    }
}
