//! Chooses the event that is worth a picture.

use std::collections::HashMap;

use crate::kernels::attpc::figure::{Hit, Volume};

/// Points closer than about this belong to one track, mm: twice the pitch of big pads.
const LINK_MM: f64 = 12.0;
/// Part of all points that the largest connected group must hold.
const CLEAN_SHARE: f64 = 0.7;
/// Extent along the drift that tells a track from a spark, which fires at one moment, mm.
const LEAST_DRIFT_MM: f64 = 80.0;
/// Extent on the pad plane that tells a track from the beam, mm.
const LEAST_WIDTH_MM: f64 = 60.0;

/// How good an event is for a picture; the greatest is the best.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Merit {
    /// Most points hang together in one group that looks like a track.
    pub clean: bool,
    pub points: usize,
}

/// Judges an event: clean ones first, then the number of points.
///
/// A track is clean when the largest group of points linked by distances of about 12 mm holds 70 %
/// of all points, spans 80 mm of drift and 60 mm of the pad plane.
pub fn merit(hits: &[Hit], volume: Volume) -> Merit {
    let inside: Vec<[f64; 3]> =
        hits.iter().map(|hit| hit.position).filter(|place| volume.holds(*place)).collect();
    let group = largest_group(&inside);
    let span = |axis: usize| {
        let values = || group.iter().map(|at| inside[*at][axis]);
        values().fold(f64::NEG_INFINITY, f64::max) - values().fold(f64::INFINITY, f64::min)
    };
    let clean = group.len() as f64 >= CLEAN_SHARE * hits.len() as f64
        && span(2) >= LEAST_DRIFT_MM
        && span(0).max(span(1)) >= LEAST_WIDTH_MM;
    Merit { clean, points: hits.len() }
}

/// The largest group of points in touching cells of a grid, as indices. Cells instead of distances
/// because the work then grows with the points, not with their square.
fn largest_group(points: &[[f64; 3]]) -> Vec<usize> {
    let cell = |point: &[f64; 3]| point.map(|value| (value / LINK_MM).floor() as i64);
    let mut cells: HashMap<[i64; 3], Vec<usize>> = HashMap::new();
    for (at, point) in points.iter().enumerate() {
        cells.entry(cell(point)).or_default().push(at);
    }
    let mut seen = vec![false; points.len()];
    let mut best = Vec::new();
    // Points are visited in their order, so the answer does not depend on the map's.
    for start in 0..points.len() {
        if seen[start] {
            continue;
        }
        let group = flood(cell(&points[start]), &cells, &mut seen);
        if group.len() > best.len() {
            best = group;
        }
    }
    best
}

fn flood(start: [i64; 3], cells: &HashMap<[i64; 3], Vec<usize>>, seen: &mut [bool]) -> Vec<usize> {
    let mut group = Vec::new();
    let mut open = vec![start];
    while let Some(here) = open.pop() {
        let Some(members) = cells.get(&here) else { continue };
        if members.iter().all(|at| seen[*at]) {
            continue;
        }
        members.iter().for_each(|at| seen[*at] = true);
        group.extend_from_slice(members);
        for step in 0..27 {
            let [dx, dy, dz] = [step % 3 - 1, step / 3 % 3 - 1, step / 9 - 1];
            open.push([here[0] + dx, here[1] + dy, here[2] + dz]);
        }
    }
    group
}

#[cfg(test)]
mod tests {
    use super::*;

    const VOLUME: Volume = Volume { length: 1000.0, radius: 280.0, beam_radius: 25.0 };

    fn hit(position: [f64; 3]) -> Hit {
        Hit { position, amplitude: 100.0, charge: 1000.0, pad: 1, scale: 1.0 }
    }

    fn track(points: usize) -> Vec<Hit> {
        (0..points).map(|at| hit([at as f64 * 2.0, 0.0, at as f64 * 3.0])).collect()
    }

    #[test]
    fn a_connected_track_is_clean_and_a_spark_is_not() {
        assert!(merit(&track(60), VOLUME).clean);
        let spark: Vec<Hit> = (0..500)
            .map(|at| hit([f64::from(at % 25) * 8.0 - 100.0, f64::from(at / 25) * 8.0, 400.0]))
            .collect();
        assert!(!merit(&spark, VOLUME).clean);
        assert!(merit(&track(60), VOLUME) > merit(&spark, VOLUME));
    }

    #[test]
    fn scattered_points_make_an_event_unclean() {
        let mut hits = track(60);
        hits.extend(
            (0..60).map(|at| hit([-250.0 + f64::from(at) * 4.0, -100.0, f64::from(at * 16 % 900)])),
        );
        assert!(!merit(&hits, VOLUME).clean);
    }

    #[test]
    fn no_points_are_no_track() {
        assert_eq!(merit(&[], VOLUME), Merit { clean: false, points: 0 });
    }
}
