//! Corrects points for the distortion of the drift field.
//!
//! A simulation of electrons (Garfield++, through the group's electron_correction tool) says where
//! an electron that starts at (z, rho) arrives. [`DriftCorrection::new`] turns that around into
//! shifts on a grid over the arrival radius and z; [`DriftCorrection::correct`] applies them.
//!
//! Spyral 1.1 does two things wrong here, which the compatible mode repeats: it looks the
//! transverse and time shifts up with the radial shift in place of the radius, and its bilinear
//! rule spaces n nodes by range / n.

use crate::kernels::attpc::pointcloud::{Compat, Detector};

/// Initial z of the simulation, in mm.
const TABLE_Z: [f64; 2] = [30.0, 1000.0];
/// Number of initial z values.
pub const TABLE_Z_COUNT: usize = 98;
/// Initial radius of the simulation, in mm; negative on the other side of the axis.
const TABLE_RHO: [f64; 2] = [-270.0, 270.0];
/// Number of initial radii.
pub const TABLE_RHO_COUNT: usize = 55;
/// Row of each block that starts on the axis and sets its time's zero.
const AXIS_ROW: usize = 27;
/// Radii of the grid: 0 to 275 mm.
const GRID_RHO: usize = 276;
/// z values of the grid: 0 to 1000 mm.
const GRID_Z: usize = 1001;

const MM_PER_CM: f64 = 10.0;

/// One simulated electron: initial z and radius, final z and radius, transverse shift (cm), time
/// (ns).
pub type Electron = [f64; 6];

/// A regular axis of nodes.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Axis {
    low: f64,
    high: f64,
    count: usize,
    spacing: f64,
}

impl Axis {
    fn new([low, high]: [f64; 2], count: usize, compat: Compat) -> Axis {
        let intervals = match compat {
            Compat::Exact => count - 1,
            Compat::Spyral11 => count,
        };
        Axis { low, high, count, spacing: (high - low) / intervals as f64 }
    }

    /// The two nodes around a value and the weight of the upper one; `None` outside of the axis.
    fn locate(&self, value: f64) -> Option<(usize, usize, f64)> {
        if !(self.low..=self.high).contains(&value) {
            return None;
        }
        let steps = (value - self.low) / self.spacing;
        let lower = steps.floor() as usize;
        Some((lower, (lower + 1).min(self.count - 1), steps - lower as f64))
    }
}

/// Values on a 2-D grid of nodes, `values[first * second axis + second]`.
#[derive(Clone, Debug, PartialEq)]
struct Grid<const N: usize> {
    axes: [Axis; 2],
    values: Vec<[f64; N]>,
}

impl<const N: usize> Grid<N> {
    /// Bilinear interpolation; NaN outside of the grid.
    fn at(&self, first: f64, second: f64) -> [f64; N] {
        let (Some((i0, i1, u)), Some((j0, j1, v))) =
            (self.axes[0].locate(first), self.axes[1].locate(second))
        else {
            return [f64::NAN; N];
        };
        if i0 >= self.axes[0].count || j0 >= self.axes[1].count {
            // Only the peer's spacing leads here, at the very end of an axis. It then reads past
            // its table; its reference grid shows that it finds zeros there.
            return [0.0; N];
        }
        let node = |i: usize, j: usize| &self.values[i * self.axes[1].count + j];
        let [a, b, c, d] = [node(i0, j0), node(i1, j0), node(i0, j1), node(i1, j1)];
        std::array::from_fn(|n| {
            (1.0 - u) * (1.0 - v) * a[n]
                + u * (1.0 - v) * b[n]
                + (1.0 - u) * v * c[n]
                + u * v * d[n]
        })
    }
}

/// Shifts of radius, across it, and of z, over arrival radius and z.
#[derive(Clone, Debug, PartialEq)]
pub struct DriftCorrection {
    grid: Grid<3>,
}

impl DriftCorrection {
    /// Turns the simulation's table around.
    ///
    /// `electrons` holds 98 blocks by initial z of 55 rows by initial radius, in rising order.
    ///
    /// # Panics
    /// When there are not 98 times 55 electrons: whoever reads the table checks that.
    pub fn new(electrons: &[Electron], detector: &Detector, compat: Compat) -> DriftCorrection {
        assert_eq!(electrons.len(), TABLE_Z_COUNT * TABLE_RHO_COUNT, "the table was checked");
        let per_ns = detector.length_mm / (detector.window_tb - detector.micromegas_tb)
            * detector.get_frequency_mhz
            * 1e-3;
        let shifts = electrons.chunks(TABLE_RHO_COUNT).flat_map(|block| {
            let zero = block[AXIS_ROW][5];
            block.iter().map(move |row| [row[4] * MM_PER_CM, (row[5] - zero) * per_ns])
        });
        let z_axis = Axis::new(TABLE_Z, TABLE_Z_COUNT, compat);
        let rho_axis = Axis::new(TABLE_RHO, TABLE_RHO_COUNT, compat);
        let shifts = Grid { axes: [z_axis, rho_axis], values: shifts.collect() };
        let mut values = Vec::with_capacity(GRID_RHO * GRID_Z);
        for level in 0..GRID_RHO {
            let rho_final = level as f64;
            let line = Line::of_level(electrons, rho_final);
            for z in 0..GRID_Z {
                let z = z as f64;
                let rho_initial = line.rho_at(z);
                let radial = rho_initial - rho_final;
                let looked_up = match compat {
                    Compat::Exact => rho_initial,
                    Compat::Spyral11 => radial,
                };
                let table_z = (1.0 - z / TABLE_Z[1]) * (TABLE_Z[1] - TABLE_Z[0]) + TABLE_Z[0];
                let [transverse, z_shift] = shifts.at(table_z, looked_up);
                values.push([radial, transverse, z_shift]);
            }
        }
        let axes = [
            Axis::new([0.0, (GRID_RHO - 1) as f64], GRID_RHO, compat),
            Axis::new([0.0, (GRID_Z - 1) as f64], GRID_Z, compat),
        ];
        DriftCorrection { grid: Grid { axes, values } }
    }

    /// The shifts at an arrival radius and z in mm: of the radius, across it, of z. NaN outside.
    pub fn shifts(&self, rho_mm: f64, z_mm: f64) -> [f64; 3] {
        self.grid.at(rho_mm, z_mm)
    }

    /// The shifts at a node of the grid.
    pub fn node(&self, rho: usize, z: usize) -> [f64; 3] {
        self.grid.values[rho * GRID_Z + z]
    }

    /// Where the electrons of a point, in mm, came from.
    pub fn correct(&self, [x, y, z]: [f64; 3]) -> [f64; 3] {
        let (rho, phi) = (x.hypot(y), y.atan2(x));
        let [radial, transverse, z_shift] = self.shifts(rho, z);
        let rho_corrected = (rho + radial).hypot(transverse);
        let phi_corrected = phi + transverse.atan2(rho + radial);
        [
            rho_corrected * phi_corrected.cos(),
            rho_corrected * phi_corrected.sin(),
            z - z_shift.clamp(0.0, 1000.0),
        ]
    }
}

/// The contour on which electrons arrive at one radius: initial radius over initial z, sorted by z.
struct Line {
    points: Vec<[f64; 2]>,
}

impl Line {
    /// Crossings of the level with every edge of the simulation's grid.
    fn of_level(electrons: &[Electron], level: f64) -> Line {
        let mut points = Vec::new();
        let mut edge = |a: &Electron, b: &Electron| {
            let (from, to) = (a[3] * MM_PER_CM, b[3] * MM_PER_CM);
            if (from > level) != (to > level) {
                let part = (level - from) / (to - from);
                let between = |n: usize| (a[n] + part * (b[n] - a[n])) * MM_PER_CM;
                points.push([between(0), between(1)]);
            }
        };
        for block in electrons.chunks(TABLE_RHO_COUNT) {
            block.windows(2).for_each(|pair| edge(&pair[0], &pair[1]));
        }
        for (a, b) in electrons.iter().zip(&electrons[TABLE_RHO_COUNT..]) {
            edge(a, b);
        }
        points.sort_by(|a, b| a[0].total_cmp(&b[0]));
        Line { points }
    }

    /// The initial radius at an initial z; ends are held, and no line at all counts as zero.
    fn rho_at(&self, z: f64) -> f64 {
        let after = self.points.partition_point(|point| point[0] <= z);
        match (self.points.get(after.wrapping_sub(1)), self.points.get(after)) {
            (Some(a), Some(b)) => a[1] + (z - a[0]) / (b[0] - a[0]) * (b[1] - a[1]),
            (Some(end), None) | (None, Some(end)) => end[1],
            (None, None) => 0.0,
        }
    }
}
