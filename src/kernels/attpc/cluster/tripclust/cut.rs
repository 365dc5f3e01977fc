//! Where the tree of merges is cut, and what is left.

use crate::kernels::attpc::cluster::params::TripclustParams;

/// Standard deviations of the heights so far that a height must be above the one before, to be the
/// first that is not of one track.
const JUMP: f64 = 2.0;
/// Heights up to this are rounding, as between triplets of an ideal line; no track is that straight.
const ROUNDING: f64 = 1e-6;

/// Two clusters of triplets become one; each is named by any of its triplets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Merge {
    pub a: u32,
    pub b: u32,
    pub height: f64,
}

/// How many merges of ascending height are done: those below the threshold, or those before the
/// first jump.
pub(super) fn merges_kept(merges: &[Merge], params: &TripclustParams) -> usize {
    match params.tauto {
        true => before_jump(merges),
        false => merges.partition_point(|merge| merge.height < params.t),
    }
}

/// The first jump is looked for in the upper half, where triplets of different tracks meet.
fn before_jump(merges: &[Merge]) -> usize {
    let (mut mean, mut squares) = (0.0, 0.0);
    for (at, Merge { height, .. }) in merges.iter().enumerate() {
        let off = height - mean;
        mean += off / (at + 1) as f64;
        squares += off * (height - mean);
        if at >= 1 && at >= merges.len() / 2 {
            let deviation = (squares / at as f64).sqrt();
            let jump = height - merges[at - 1].height;
            if jump > JUMP * deviation && *height > ROUNDING {
                return at;
            }
        }
    }
    merges.len()
}

/// Groups of at least `fewest` triplets that merges make of so many, in the order of their first
/// ones.
pub(super) fn groups(count: usize, merges: &[Merge], fewest: usize) -> Vec<Vec<u32>> {
    let mut parents: Vec<u32> = (0..count as u32).collect();
    for merge in merges {
        unite(&mut parents, merge.a, merge.b);
    }
    let mut found = collect(&mut parents);
    found.retain(|group| group.len() >= fewest);
    found
}

/// Makes two groups one.
pub(super) fn unite(parents: &mut [u32], a: u32, b: u32) {
    let (a, b) = (root(parents, a), root(parents, b));
    parents[a.max(b) as usize] = a.min(b);
}

/// The lowest member of a group.
pub(super) fn root(parents: &mut [u32], mut at: u32) -> u32 {
    while parents[at as usize] != at {
        let above = parents[parents[at as usize] as usize];
        parents[at as usize] = above;
        at = above;
    }
    at
}

fn collect(parents: &mut [u32]) -> Vec<Vec<u32>> {
    let mut place = vec![usize::MAX; parents.len()];
    let mut found: Vec<Vec<u32>> = Vec::new();
    for at in 0..parents.len() as u32 {
        let place = &mut place[root(parents, at) as usize];
        if *place == usize::MAX {
            *place = found.len();
            found.push(Vec::new());
        }
        found[*place].push(at);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::attpc::cluster::tripclust::tests::params;

    fn ladder(heights: &[f64]) -> Vec<Merge> {
        let merge =
            |(at, height): (usize, &f64)| Merge { a: at as u32, b: at as u32 + 1, height: *height };
        heights.iter().enumerate().map(merge).collect()
    }

    fn kept(heights: &[f64]) -> usize {
        before_jump(&ladder(heights))
    }

    #[test]
    fn the_automatic_cut_is_where_the_peers_module_cuts() {
        // Its answers for triplets beside each other at chosen distances.
        let rising = |last: f64| [1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7, 1.8, last];
        assert_eq!(kept(&rising(2.8554)), 10);
        assert_eq!(kept(&rising(2.8555)), 9);
        let two_levels = |low: usize, high: usize| {
            let low = (0..low).map(|at| 1.0 + 1e-3 * at as f64);
            let high = (0..high).map(|at| 100.0 + 1e-3 * at as f64);
            kept(&low.chain(high).collect::<Vec<_>>())
        };
        // Not from fewer than four values, not in the lower half, and the first one that is found.
        assert_eq!([two_levels(3, 2), two_levels(4, 1), two_levels(4, 2)], [5, 4, 4]);
        assert_eq!([two_levels(8, 11), two_levels(9, 10)], [19, 9]);
        assert_eq!([two_levels(9, 11), two_levels(10, 10)], [20, 10]);
        assert_eq!([kept(&[]), kept(&[3.0]), kept(&[1.0, 1e9])], [0, 1, 2]);
        assert_eq!(kept(&[2.0; 40]), 40);
        // Unlike there, a jump among rounding errors is none.
        assert_eq!(kept(&[0.0, 0.0, 0.0, 0.0, 0.0, 1e-8, 1e-8, 1.0]), 7);
    }

    #[test]
    fn a_threshold_keeps_what_is_below_it() {
        let ladder = ladder(&[1.0, 2.0, 3.0]);
        let kept = |t: f64| merges_kept(&ladder, &TripclustParams { t, tauto: false, ..params() });
        assert_eq!([kept(0.0), kept(1.0), kept(1.5), kept(9.0)], [0, 0, 1, 3]);
    }

    #[test]
    fn groups_come_in_the_order_of_their_first_members() {
        let pair = |a, b| Merge { a, b, height: 1.0 };
        let merges = [pair(5, 1), pair(2, 4), pair(6, 5)];
        assert_eq!(groups(7, &merges, 1), [vec![0], vec![1, 5, 6], vec![2, 4], vec![3]]);
        assert_eq!(groups(7, &merges, 2), [vec![1, 5, 6], vec![2, 4]]);
        assert!(groups(0, &[], 0).is_empty());
    }
}
