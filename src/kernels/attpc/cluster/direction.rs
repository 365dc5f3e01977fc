//! Which way a track goes along the beam axis, told by the sense in which it turns.

use crate::kernels::attpc::circle;
use crate::kernels::attpc::pointcloud::Compat;
use crate::kernels::attpc::spline::{FEWEST_POINTS, Smoother};

/// Smoothing of the tracks whose sense is asked for, fixed in the peer as well.
const SMOOTHING: f64 = 10.0;

/// A circle as large as this is a straight line, whose bend is all rounding.
const STRAIGHT_MM: f64 = 1e9;

/// Direction of a track.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    #[default]
    None,
    /// Towards the micromegas, along increasing z.
    Forward,
    /// Towards the window.
    Backward,
}

impl Direction {
    /// The direction that a number in a file stands for.
    pub fn from_code(code: i64) -> Option<Direction> {
        [Direction::None, Direction::Forward, Direction::Backward]
            .into_iter()
            .find(|direction| direction.code() == code)
    }

    /// The number that stands for it in files.
    pub fn code(self) -> i64 {
        match self {
            Direction::None => -1,
            Direction::Forward => 0,
            Direction::Backward => 1,
        }
    }
}

/// How the sense of a track is told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Judge {
    pub threshold: f64,
    pub compat: Compat,
}

impl Judge {
    /// The direction of a track given in order of z; `None` when two points have the same z, so
    /// that it cannot be smoothed.
    pub fn direction(&self, track: &Track) -> Option<Direction> {
        let smooth = if track.z.len() > FEWEST_POINTS { Some(track.smooth()?) } else { None };
        let [x, y] = smooth.as_ref().map_or([&track.x, &track.y], |[x, y]| [x, y]);
        let circle = circle::fit(x, y);
        let around = |(x, y): (&f64, &f64)| [x - circle.x, y - circle.y];
        let spokes: Vec<[f64; 2]> = x.iter().zip(y).map(around).collect();
        let steps = spokes.len().saturating_sub(1) as f64;
        let [forward, backward] = match self.compat {
            Compat::Exact if circle.radius.is_nan() || circle.radius >= STRAIGHT_MM => [0.0; 2],
            Compat::Exact => turns(&spokes).map(|count| count as f64 / steps),
            Compat::Spyral11 => {
                let forward = rises(&spokes) as f64 / steps;
                [forward, 1.0 - forward]
            }
        };
        Some(if forward > self.threshold {
            Direction::Forward
        } else if backward > self.threshold {
            Direction::Backward
        } else {
            Direction::None
        })
    }
}

/// Coordinates of a track in mm, in order of z.
#[derive(Clone, Debug, Default)]
pub(super) struct Track {
    pub x: Vec<f64>,
    pub y: Vec<f64>,
    pub z: Vec<f64>,
}

impl Track {
    fn smooth(&self) -> Option<[Vec<f64>; 2]> {
        let smoother = Smoother::new(&self.z, SMOOTHING).ok()?;
        Some([&self.x, &self.y].map(|along| smoother.fit(along).values))
    }
}

/// Steps that turn to the left and to the right, by less than half a turn.
fn turns(spokes: &[[f64; 2]]) -> [usize; 2] {
    let mut counts = [0, 0];
    for pair in spokes.windows(2) {
        let [[x, y], [next_x, next_y]] = [pair[0], pair[1]];
        let side = x * next_y - y * next_x;
        counts[0] += usize::from(side > 0.0);
        counts[1] += usize::from(side < 0.0);
    }
    counts
}

/// Steps over which the angle between 0 and a full turn becomes larger, as the peer counts them: it
/// takes a step over the positive x axis for one in the other sense.
fn rises(spokes: &[[f64; 2]]) -> usize {
    let angle = |spoke: &[f64; 2]| {
        let angle = spoke[1].atan2(spoke[0]);
        if angle < 0.0 { angle + 2.0 * std::f64::consts::PI } else { angle }
    };
    let angles: Vec<f64> = spokes.iter().map(angle).collect();
    angles.windows(2).filter(|pair| pair[1] - pair[0] > 0.0).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Points on a helix of one or more turns.
    fn helix(count: usize, start: f64, turn: f64) -> Track {
        let angle = |at: usize| start + turn * at as f64 / count as f64;
        Track {
            x: (0..count).map(|at| 80.0 * angle(at).cos() + 30.0).collect(),
            y: (0..count).map(|at| 80.0 * angle(at).sin() - 20.0).collect(),
            z: (0..count).map(|at| 3.0 * at as f64).collect(),
        }
    }

    fn direction(track: &Track, compat: Compat) -> Option<Direction> {
        Judge { threshold: 0.5, compat }.direction(track)
    }

    #[test]
    fn the_sense_of_a_helix_tells_its_direction() {
        for compat in [Compat::Exact, Compat::Spyral11] {
            assert_eq!(direction(&helix(60, 0.2, 4.0), compat), Some(Direction::Forward));
            assert_eq!(direction(&helix(60, 4.0, -3.5), compat), Some(Direction::Backward));
        }
    }

    #[test]
    fn a_short_track_over_the_x_axis_is_right_in_exact_mode_only() {
        // One step of two goes over the axis; too few points to be smoothed.
        let track = helix(3, -0.1, 0.3);
        assert_eq!(direction(&track, Compat::Exact), Some(Direction::Forward));
        assert_eq!(direction(&track, Compat::Spyral11), Some(Direction::None));
    }

    #[test]
    fn tracks_without_a_sense_have_none() {
        let place = Track { x: vec![1.0; 9], y: vec![2.0; 9], z: (0..9).map(f64::from).collect() };
        assert_eq!(direction(&place, Compat::Exact), Some(Direction::None));
        // No angle is larger than another, which the peer takes for turning right.
        assert_eq!(direction(&place, Compat::Spyral11), Some(Direction::Backward));
        let point = Track { x: vec![1.0], y: vec![2.0], z: vec![3.0] };
        for compat in [Compat::Exact, Compat::Spyral11] {
            assert_eq!(direction(&point, compat), Some(Direction::None));
        }
    }

    #[test]
    fn a_track_along_a_row_of_pads_turns_neither_way() {
        let along = |at: usize| 4.90825 * at as f64 - 130.0;
        let track = Track {
            x: (0..18).map(along).collect(),
            y: vec![55.258533; 18],
            z: (0..18).map(|at| 4.3 * at as f64 + (at % 3) as f64).collect(),
        };
        assert_eq!(direction(&track, Compat::Exact), Some(Direction::None));
    }

    #[test]
    fn points_of_equal_z_have_no_direction() {
        let mut track = helix(20, 0.0, 3.0);
        track.z[7] = track.z[6];
        assert_eq!(direction(&track, Compat::Exact), None);
    }
}
