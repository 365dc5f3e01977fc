//! Distances to model tracks against the definition, and an optimiser that asks in batches.

use crate::kernels::gpu::objective::{MeshShape, Placement, TrackSet, WeightedPoint};
use crate::kernels::gpu::tests::{Emulator, Order};

/// Most by which a distance may differ from the definition, in metres: the rounding of positions
/// to single precision, which matters only where two turns of a track are equally near.
pub(super) const TOLERANCE_M: f64 = 2e-7;

/// Tracks of a made-up particle: it spirals and slows down. Time innermost, as in the mesh.
pub(super) fn mesh(shape: MeshShape) -> Vec<f32> {
    let mut mesh = Vec::with_capacity(shape.len());
    for polar in 0..shape.polar_bins {
        for ke in 0..shape.ke_bins {
            let angle = 0.3 + polar as f64 * 0.05;
            let reach = 0.2 + 0.05 * ke as f64;
            let track: Vec<[f64; 3]> = (0..shape.steps)
                .map(|t| {
                    let s = (1e4f64).powf(t as f64 / (shape.steps - 1) as f64 - 1.0);
                    let s = reach * s.min(0.9) * 3.0;
                    let radius = 0.1 * reach * (2.0 - s) * angle.sin();
                    let turn = s / (0.2 * reach);
                    [radius * turn.sin(), radius * (1.0 - turn.cos()), s * angle.cos()]
                })
                .collect();
            for axis in 0..3 {
                mesh.extend(track.iter().map(|position| position[axis] as f32));
            }
        }
    }
    mesh
}

/// The definition in double precision: the model moved to the vertex, every time step compared.
pub(super) fn definition(
    shape: MeshShape,
    mesh: &[f32],
    points: &[WeightedPoint],
    placement: &Placement,
) -> Vec<f64> {
    let [cosine, sine] = placement.turn;
    let track: Vec<[f64; 3]> = (0..shape.steps)
        .map(|t| {
            let [x, y, z] = [0, 1, 2].map(|axis| {
                let value = |node: usize| f64::from(mesh[(node * 3 + axis) * shape.steps + t]);
                placement
                    .nodes
                    .iter()
                    .zip(placement.shares)
                    .map(|(&n, w)| w * value(n))
                    .sum::<f64>()
            });
            let [vx, vy, vz] = placement.vertex;
            [vx + cosine * x - sine * y, vy + sine * x + cosine * y, vz + z]
        })
        .collect();
    let distance = |a: &[f64; 3], b: &[f64; 3]| {
        (0..3).map(|axis| (a[axis] - b[axis]).powi(2)).sum::<f64>().sqrt()
    };
    let nearest = |point: &WeightedPoint| {
        let all = track.iter().map(|position| distance(position, &point.at));
        all.fold(f64::INFINITY, f64::min) * point.weight
    };
    points.iter().map(nearest).collect()
}

/// A placement of a track by its continuous parameters: place in the mesh, azimuth, vertex.
pub(super) fn place(shape: MeshShape, track: usize, parameters: &[f64; 6]) -> Placement {
    let &[ke, polar, azimuth, x, y, z] = parameters;
    let cell = |value: f64, bins: usize| {
        let low = (value.floor() as usize).min(bins - 2);
        (low, value - low as f64)
    };
    let ((k, u), (p, v)) = (cell(ke, shape.ke_bins), cell(polar, shape.polar_bins));
    Placement {
        track,
        nodes: [
            shape.node(k, p),
            shape.node(k, p + 1),
            shape.node(k + 1, p),
            shape.node(k + 1, p + 1),
        ],
        shares: [(1.0 - u) * (1.0 - v), (1.0 - u) * v, u * (1.0 - v), u * v],
        turn: [azimuth.cos(), azimuth.sin()],
        vertex: [x, y, z],
    }
}

/// Numbers that look random, in [-1, 1).
fn scatter(seed: &mut u64) -> f64 {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*seed >> 11) as f64 / (1u64 << 52) as f64 - 1.0
}

/// Parameters of a made-up track.
pub(super) fn truth(track: usize) -> [f64; 6] {
    let t = track as f64;
    [1.3 + 0.7 * (t % 5.0), 0.4 + 0.9 * (t % 7.0), 0.3 * t, 0.01, -0.005, 0.2 + 0.01 * t]
}

/// Measured tracks: points near a model, an empty one among them.
pub(super) fn measured(shape: MeshShape, mesh: &[f32], count: usize) -> Vec<Vec<WeightedPoint>> {
    let mut seed = 7;
    (0..count)
        .map(|track| {
            let placement = place(shape, track, &truth(track));
            let length = if track == 3 { 0 } else { 40 + track * 23 % 200 };
            let point = |k: usize| {
                let t = (k * 131 + 17) % shape.steps;
                let [x, y, z]: [f64; 3] = [0, 1, 2].map(|axis| {
                    let value = |node: usize| f64::from(mesh[(node * 3 + axis) * shape.steps + t]);
                    placement.nodes.iter().zip(placement.shares).map(|(&n, w)| w * value(n)).sum()
                });
                let ([c, s], [vx, vy, vz]) = (placement.turn, placement.vertex);
                let (x, y, z) = (vx + c * x - s * y, vy + s * x + c * y, vz + z);
                let noise = [0, 1, 2].map(|_| 1e-3 * scatter(&mut seed));
                WeightedPoint {
                    at: [x + noise[0], y + noise[1], z + noise[2]],
                    weight: 1.0 + 0.5 * scatter(&mut seed),
                }
            };
            (0..length).map(point).collect()
        })
        .collect()
}

pub(super) const SHAPE: MeshShape = MeshShape { steps: 400, ke_bins: 6, polar_bins: 8 };

/// Placements around the truth of each track, as an optimiser tries them.
pub(super) fn tries(tracks: usize) -> Vec<Placement> {
    let mut seed = 3;
    let mut placements = Vec::new();
    for track in (0..tracks).rev() {
        for step in [0.0, 1e-8, 1e-3, 0.1] {
            let near = truth(track).map(|value| value + step * scatter(&mut seed));
            placements.push(place(SHAPE, track, &near));
        }
    }
    placements
}

#[test]
fn distances_are_those_of_the_definition() {
    let emulator = Emulator::new(Order::Forward);
    let mesh = mesh(SHAPE);
    let tracks = measured(SHAPE, &mesh, 30);
    let set = TrackSet::new(tracks.iter().map(Vec::as_slice)).unwrap();
    let placements = tries(tracks.len());
    let (sums, each) = emulator.distances((SHAPE.steps, &mesh), &set, &placements);
    let mut from = 0;
    let (mut worst, mut exact) = (0.0f64, 0);
    for (placement, sum) in placements.iter().zip(sums) {
        let expected = definition(SHAPE, &mesh, &tracks[placement.track], placement);
        let found = &each[from..from + expected.len()];
        for (point, (found, expected)) in
            tracks[placement.track].iter().zip(found.iter().zip(&expected))
        {
            let difference = (found - expected).abs() / point.weight;
            worst = worst.max(difference);
            exact += usize::from(difference < 1e-14);
        }
        assert!((sum - found.iter().sum::<f64>()).abs() <= 1e-12 * sum, "{sum}");
        from += expected.len();
    }
    println!("{from} distances, {exact} within 1e-14 m, worst difference {worst:e} m");
    assert_eq!(from, each.len());
    assert!(worst < TOLERANCE_M, "{worst}");
    assert!(exact * 1000 >= from * 999, "{exact} of {from}");
}

#[test]
fn no_item_of_a_phase_depends_on_another_one() {
    let mesh = mesh(SHAPE);
    let tracks = measured(SHAPE, &mesh, 5);
    let set = TrackSet::new(tracks.iter().map(Vec::as_slice)).unwrap();
    let [forward, backward] = [Order::Forward, Order::Backward].map(|order| {
        Emulator::new(order).distances((SHAPE.steps, &mesh), &set, &tries(tracks.len()))
    });
    assert_eq!(forward, backward);
}

#[test]
fn placements_outside_of_the_mesh_give_no_number() {
    let mesh = mesh(SHAPE);
    let tracks = measured(SHAPE, &mesh, 1);
    let set = TrackSet::new(tracks.iter().map(Vec::as_slice)).unwrap();
    let outside = Placement { shares: [f64::NAN; 4], ..place(SHAPE, 0, &truth(0)) };
    let (sums, _) = Emulator::new(Order::Forward).distances((SHAPE.steps, &mesh), &set, &[outside]);
    assert!(sums[0].is_nan());
}
