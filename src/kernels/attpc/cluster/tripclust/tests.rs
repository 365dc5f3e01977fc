use super::*;
use crate::kernels::attpc::cluster::sample;

/// The peer's defaults, but for the order, which made-up points lack, and fewer triplets.
pub(super) fn params() -> TripclustParams {
    TripclustParams {
        r: 6.0,
        rdnn: true,
        k: 12,
        n: 3,
        a: 0.03,
        s: 0.3,
        sdnn: true,
        t: 0.0,
        tauto: true,
        dmax: 0.0,
        dmax_dnn: false,
        ordered: false,
        link: Link::Single,
        m: 20,
    }
}

/// For lines of points a millimetre or two apart.
fn fixed() -> TripclustParams {
    TripclustParams { r: 2.0, rdnn: false, s: 1.0, sdnn: false, t: 2.5, tauto: false, ..params() }
}

fn line(from: [f64; 3], step: [f64; 3], count: usize) -> Vec<[f64; 3]> {
    let point = |at: usize| [0, 1, 2].map(|axis| from[axis] + step[axis] * at as f64);
    (0..count).map(point).collect()
}

fn by_z(mut points: Vec<[f64; 3]>) -> Vec<[f64; 3]> {
    points.sort_by(|a, b| a[2].total_cmp(&b[2]));
    points
}

fn exact(points: &[[f64; 3]], params: &TripclustParams) -> Vec<i64> {
    labels(points, params, Compat::Exact).unwrap()
}

fn count(labels: &[i64]) -> i64 {
    labels.iter().max().map_or(0, |last| last + 1)
}

/// Points in each cluster.
fn sizes(labels: &[i64]) -> Vec<usize> {
    (0..count(labels)).map(|of| labels.iter().filter(|label| **label == of).count()).collect()
}

#[test]
fn parallel_lines_are_a_cluster_each() {
    let mut points = line([0.0, 0.0, 0.0], [1.2, 0.4, 1.1], 80);
    points.extend(line([0.0, 40.0, 0.5], [1.2, 0.4, 1.1], 60));
    let points = by_z(points);
    for link in [Link::Single, Link::Average] {
        let found = exact(&points, &TripclustParams { link, t: 10.0, ..fixed() });
        assert_eq!(sizes(&found), [80, 60], "{link:?}");
    }
    assert_eq!(sizes(&exact(&points, &params())), [80, 60]);
}

#[test]
fn crossing_lines_are_told_apart_where_density_cannot() {
    let mut points = line([-60.0, 0.3, 0.0], [1.5, 0.0, 1.0], 80);
    points.extend(line([0.0, -60.0, 0.5], [0.0, 1.5, 1.0], 80));
    let points = by_z(points);
    for compat in [Compat::Exact, Compat::Spyral11] {
        let found = labels(&points, &TripclustParams { t: 1.5, ..fixed() }, compat).unwrap();
        assert_eq!(count(&found), 2);
        // At the crossing both are in one place.
        let away = |point: &[f64; 3]| point[0].abs() > 6.0 || point[1].abs() > 6.0;
        let line = |point: &[f64; 3]| i64::from((point[1] == 0.3) != (points[0][1] == 0.3));
        let mut pairs = points.iter().zip(&found).filter(|(point, _)| away(point));
        assert!(pairs.all(|(point, label)| *label == line(point)), "{compat:?}");
    }
}

#[test]
fn a_helix_is_one_cluster() {
    let turn = |at: usize| {
        let angle = at as f64 * 0.05;
        [60.0 * angle.cos(), 60.0 * angle.sin(), 2.0 * at as f64]
    };
    let helix: Vec<[f64; 3]> = (0..200).map(turn).collect();
    assert_eq!(sizes(&exact(&helix, &params())), [200]);
}

#[test]
fn noise_makes_no_cluster() {
    let mut state = 7_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    let noise = by_z((0..100).map(|_| [next(), next(), next()].map(|x| 500.0 * x)).collect());
    let found = exact(&noise, &TripclustParams { r: 2.0, t: 1.0, tauto: false, ..params() });
    assert_eq!(count(&found), 0, "{found:?}");
}

#[test]
fn few_points_or_points_in_one_place_have_no_cluster() {
    for points in [vec![], vec![[1.0, 2.0, 3.0]], vec![[1.0, 2.0, 3.0], [1.0, 2.0, 4.0]]] {
        assert_eq!(exact(&points, &params()), vec![-1; points.len()]);
    }
    let pile = [[1.0, 2.0, 3.0]; 60];
    assert_eq!(labels(&pile, &params(), Compat::Exact), Err(Refused::Coincident));
    assert_eq!(exact(&pile, &fixed()), [-1; 60]);
    // Three points are one triplet, seen from the middle one.
    let three = TripclustParams { m: 1, ..fixed() };
    assert_eq!(exact(&line([0.0; 3], [0.0, 3.0, 3.0], 3), &three), [0, 0, 0]);
}

#[test]
fn clouds_beyond_the_limits_are_refused_and_below_them_are_not() {
    let points = line([0.0; 3], [0.6, 0.0, 0.8], 24_000);
    let many = TripclustParams { n: 3, ..fixed() };
    assert_eq!(labels(&points, &many, Compat::Exact), Err(Refused::Oversized));
    let averaged = TripclustParams { link: Link::Average, ..many };
    let some = &points[..2_500];
    assert_eq!(labels(some, &averaged, Compat::Exact), Err(Refused::Oversized));
    // The peer's mode never builds a matrix.
    assert_eq!(sizes(&labels(some, &averaged, Compat::Spyral11).unwrap()), [2_500]);
    assert_eq!(sizes(&exact(some, &many)), [2_500]);
}

#[test]
fn gaps_split_clusters_where_that_is_asked_for() {
    let mut points = line([0.0; 3], [0.0, 0.0, 1.0], 60);
    points.extend(line([0.0, 0.0, 75.0], [0.0, 0.0, 1.0], 40));
    let split = |dmax: f64| TripclustParams { dmax, ..fixed() };
    assert_eq!(sizes(&exact(&points, &split(0.0))), [100]);
    assert_eq!(sizes(&exact(&points, &split(20.0))), [100]);
    assert_eq!(sizes(&exact(&points, &split(10.0))), [60, 40]);
    let own = TripclustParams { dmax_dnn: true, ..split(10.0) };
    assert_eq!(sizes(&exact(&points, &own)), [60, 40]);
    assert_eq!(sizes(&labels(&points, &own, Compat::Spyral11).unwrap()), [100]);
}

#[test]
fn a_point_of_two_clusters_goes_to_that_with_most_of_its_triplets() {
    let triplet = |far, middle, near| Triplet { far, middle, near };
    let triplets = [triplet(0, 1, 2), triplet(2, 3, 4), triplet(4, 3, 2), triplet(2, 4, 5)];
    let clusters = [vec![0], vec![1, 2, 3]];
    let alone: Vec<u32> = (0..7).collect();
    let labels = |compat| assign(&alone, &triplets, &clusters, compat);
    assert_eq!(labels(Compat::Spyral11), [0, 0, 0, 1, 1, 1, -1]);
    assert_eq!(labels(Compat::Exact), [0, 0, 1, 1, 1, 1, -1]);
    // The last is in the place of the first.
    let shared = [0, 1, 2, 3, 4, 5, 0];
    assert_eq!(assign(&shared, &triplets, &clusters, Compat::Exact), [0, 0, 1, 1, 1, 1, 0]);
}

#[test]
fn helices_in_noise_are_two_clusters() {
    let found = exact(&sample::tracks(4, 400), &params());
    let sizes = sizes(&found);
    assert_eq!(sizes.len(), 2, "{sizes:?}");
    assert!(sizes.iter().all(|size| *size > 170), "{sizes:?}");
}
