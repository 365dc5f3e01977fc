//! Triplets of nearly collinear points.

use crate::kernels::attpc::cluster::neighbors::Sorted;
use crate::kernels::attpc::cluster::params::TripclustParams;

/// Two points on opposite sides of a third.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Triplet {
    pub middle: u32,
    /// The end farther from the middle.
    pub far: u32,
    pub near: u32,
}

impl Triplet {
    pub fn points(self) -> [usize; 3] {
        [self.far as usize, self.middle as usize, self.near as usize]
    }
}

/// The triplets of smoothed points, by ascending middle; those of one middle by how straight they
/// are.
pub(super) fn find(points: &[[f64; 3]], params: &TripclustParams) -> Vec<Triplet> {
    let sorted = Sorted::new(points);
    // The point itself is the first of its neighbours.
    let rank = params.k.min(points.len()).saturating_sub(1);
    let mut search = Search { params, arms: Vec::new(), bends: Vec::new(), found: Vec::new() };
    let mut at = 0;
    sorted.visit(rank, |kth, near| {
        let middle = sorted.place(at);
        at += 1;
        search.arms.clear();
        for (place, squared) in near.places.iter().zip(&near.squared) {
            if *squared <= kth {
                search.add_arm(points, middle, sorted.place(*place as usize));
            }
        }
        search.take_straightest(middle as u32, rank);
    });
    let mut found = search.found;
    found.sort_by_key(|triplet| triplet.middle);
    found
}

/// The way from a middle to a neighbour.
struct Arm {
    end: u32,
    squared: f64,
    direction: [f64; 3],
}

/// Two arms and how far they are from being one line.
struct Bend {
    error: f64,
    far: u32,
    near: u32,
}

struct Search<'p> {
    params: &'p TripclustParams,
    arms: Vec<Arm>,
    bends: Vec<Bend>,
    found: Vec<Triplet>,
}

impl Search<'_> {
    fn add_arm(&mut self, points: &[[f64; 3]], middle: usize, end: usize) {
        if end != middle {
            let [from, to] = [points[middle], points[end]];
            let way = [to[0] - from[0], to[1] - from[1], to[2] - from[2]];
            let squared = way[0] * way[0] + way[1] * way[1] + way[2] * way[2];
            let length = squared.sqrt();
            let direction = way.map(|part| part / length);
            self.arms.push(Arm { end: end as u32, squared, direction });
        }
    }

    /// Takes the straightest pairs of arms. Of more neighbours than asked for, which equal distances
    /// make, the first count; a point in the very place of the middle gives no direction.
    fn take_straightest(&mut self, middle: u32, count: usize) {
        let Search { params, arms, bends, found } = self;
        arms.sort_unstable_by(|a, b| a.squared.total_cmp(&b.squared).then(a.end.cmp(&b.end)));
        arms.truncate(count);
        bends.clear();
        for (at, near) in arms.iter().enumerate().filter(|(_, arm)| arm.squared > 0.0) {
            for far in &arms[at + 1..] {
                let [a, b] = [&near.direction, &far.direction];
                // One minus the cosine of the angle by which the way turns at the middle.
                let error = 1.0 + (a[0] * b[0] + a[1] * b[1] + a[2] * b[2]);
                let between = (near.end < middle) != (far.end < middle);
                if error <= params.a && (between || !params.ordered) {
                    bends.push(Bend { error, far: far.end, near: near.end });
                }
            }
        }
        let rank = |bend: &Bend| (bend.far, bend.near);
        bends.sort_unstable_by(|a, b| a.error.total_cmp(&b.error).then(rank(a).cmp(&rank(b))));
        let best = bends.iter().take(params.n);
        found.extend(best.map(|bend| Triplet { middle, far: bend.far, near: bend.near }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::attpc::cluster::tripclust::tests::params;

    fn triplet(far: u32, middle: u32, near: u32) -> Triplet {
        Triplet { middle, far, near }
    }

    #[test]
    fn a_line_gives_the_triplets_about_its_inner_points() {
        let line: Vec<[f64; 3]> = [0.0, 1.0, 3.0, 5.5].iter().map(|x| [*x, 2.0 * x, 7.0]).collect();
        let wide = TripclustParams { k: 19, n: 1, ordered: false, ..params() };
        let found: Vec<u32> = find(&line, &wide).iter().map(|found| found.middle).collect();
        assert_eq!(found, [1, 2]);
        // The nearest two of the second point are both its neighbours on the line.
        let narrow = TripclustParams { k: 3, ..wide };
        assert_eq!(find(&line, &narrow)[0], triplet(2, 1, 0));
    }

    #[test]
    fn the_straightest_are_taken_up_to_the_limits() {
        let fan = [[-10.0, 0.0, 0.0], [0.0, 0.0, 0.0], [9.0, 0.0, 0.0], [9.0, 0.9, 0.0]];
        let loose = TripclustParams { k: 4, n: 2, a: 0.03, ordered: false, ..params() };
        let of_middle = |params: &TripclustParams| {
            find(&fan, params).into_iter().filter(|found| found.middle == 1).collect::<Vec<_>>()
        };
        assert_eq!(of_middle(&loose), [triplet(0, 1, 2), triplet(0, 1, 3)]);
        assert_eq!(of_middle(&TripclustParams { n: 1, ..loose }), [triplet(0, 1, 2)]);
        assert_eq!(of_middle(&TripclustParams { a: 1e-6, ..loose }), [triplet(0, 1, 2)]);
    }

    #[test]
    fn points_in_one_place_give_no_direction() {
        let twice = [[-1.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0], [1.5, 0.0, 0.0]];
        let all = TripclustParams { k: 9, n: 9, a: 2.0, ordered: false, ..params() };
        for found in find(&twice, &all) {
            let ends = [found.far, found.near];
            assert!(!(found.middle == 1 && ends.contains(&2)), "{found:?}");
            assert!(!(found.middle == 2 && ends.contains(&1)), "{found:?}");
        }
        assert!(find(&[[3.0, 4.0, 5.0]; 30], &all).is_empty());
    }

    #[test]
    fn in_order_the_middle_is_between_the_ends() {
        let bent = [[0.0, 0.0, 1.0], [-5.0, 0.0, 2.0], [5.0, 0.0, 3.0]];
        let any = TripclustParams { k: 3, n: 3, a: 0.2, ordered: false, ..params() };
        assert_eq!(find(&bent, &any).len(), 1);
        assert!(find(&bent, &TripclustParams { ordered: true, ..any }).is_empty());
    }
}
