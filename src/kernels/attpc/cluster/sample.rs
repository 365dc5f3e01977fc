//! Made-up positions for tests.

/// Two helices of opposite sense with pads' spacing, and every twentieth point somewhere else;
/// sorted by z, with no two points of the same z.
pub(super) fn tracks(seed: u64, count: usize) -> Vec<[f64; 3]> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    let mut points = Vec::with_capacity(count);
    for at in 0..count {
        let step = at as f64 / count as f64;
        let jitter = [next() - 0.5, next() - 0.5, next()];
        let (angle, side) = (1.0 + 4.0 * step, if at % 2 == 0 { 1.0 } else { -1.0 });
        let place = if at % 20 == 19 {
            [500.0 * jitter[0], 500.0 * jitter[1], 1000.0 * jitter[2]]
        } else {
            let (x, y) = (70.0 * angle.cos() + 100.0, 70.0 * angle.sin());
            [side * x + 3.0 * jitter[0], y + 3.0 * jitter[1], 900.0 * step + jitter[2]]
        };
        points.push(place);
    }
    points.sort_by(|a, b| a[2].total_cmp(&b[2]));
    points
}
