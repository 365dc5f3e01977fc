//! Pictures of the AT-TPC chain: one event in projections, a run at a glance, particle
//! identification, kinematics, distributions of tracks, and rates of runs.
//!
//! Points come in as arrays with units, SVG text goes out. Which file they came from is not known
//! here. The coordinates are those of the cloud: z = 0 at the window, z = L at the pad plane.

pub mod choice;
pub mod event;
pub mod kinematics;
pub mod pid;
pub mod rates;
pub mod run;
pub mod tracks;
pub mod words;

use crate::kernels::figure::axes::{Axis, Frame};

/// One point of a cloud, as far as pictures need it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hit {
    /// Pad centre and drift coordinate, mm.
    pub position: [f64; 3],
    /// Height of the peak, ADC.
    pub amplitude: f64,
    /// Area of the peak, ADC x time bucket.
    pub charge: f64,
    pub pad: u32,
    /// 1.0 for a big pad, 0.5 for a small one.
    pub scale: f64,
}

/// The ion chamber's answer for an event, where there was a good pulse.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct IonChamber {
    /// ADC.
    pub amplitude: f64,
    pub multiplicity: i64,
}

/// The part of the detector that is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Volume {
    /// Window to pad plane, mm.
    pub length: f64,
    /// Radius of the pad plane, mm.
    pub radius: f64,
    /// Radius of the beam region around the axis, mm.
    pub beam_radius: f64,
}

impl Volume {
    /// Whether a point lies inside.
    pub fn holds(&self, position: [f64; 3]) -> bool {
        let [x, y, z] = position;
        x.hypot(y) <= self.radius && (0.0..=self.length).contains(&z)
    }
}

/// How the border of the beam region is drawn.
const BEAM_LINE: &str =
    "stroke=\"#b3446c\" stroke-width=\"1\" stroke-dasharray=\"5 3\" fill=\"none\"";

/// A square frame that shows the whole pad plane with a small margin around it.
fn plane_frame(radius: f64, corner: [f64; 2], side: f64) -> Frame {
    let axis = Axis::linear(-1.05 * radius, 1.05 * radius);
    Frame { corner, size: [side, side], x: axis, y: axis }
}

/// Width and height of the rectangle that stands for a big pad, mm. The pads are triangles in rows;
/// their centres form a lattice of this pitch, so rectangles tile the plane as the pads do.
const BIG_PAD_MM: [f64; 2] = [4.91, 8.5];

/// The rectangle of a pad of this scale in pixels, a little enlarged to hide seams between them.
fn pad_tile(scale: f64, pixels_per_mm: f64) -> [f64; 2] {
    BIG_PAD_MM.map(|side| side * scale * pixels_per_mm + 0.15)
}
