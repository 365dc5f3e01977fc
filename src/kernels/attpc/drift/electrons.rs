//! The table of simulated electrons, checked.

/// Initial depth of the simulation in mm. It counts from the pad plane's side: electrons drift
/// towards smaller values, the pad plane is at about 30, the window at about 1000.
pub(super) const DEPTH: [f64; 2] = [30.0, 1000.0];
/// Number of initial depths.
pub const DEPTHS: usize = 98;
/// Initial radius of the simulation in mm; negative on the other side of the axis.
pub(super) const RADIUS: [f64; 2] = [-270.0, 270.0];
/// Number of initial radii.
pub const RADII: usize = 55;
/// Electron of each depth that starts on the axis.
pub(super) const ON_AXIS: usize = 27;

pub(super) const MM_PER_CM: f64 = 10.0;
/// Initial places are written with few digits.
const PLACE_TOLERANCE_CM: f64 = 1e-3;
/// Electrons that end farther than this from the pad plane have not reached it, but a ring of the
/// field cage or a wire. Those that do reach it end within 2 mm in simulations of the AT-TPC.
const PLANE_TOLERANCE_CM: f64 = 0.5;

/// One simulated electron: initial depth and radius, final depth and radius, shift across (cm),
/// time (ns).
pub type Electron = [f64; 6];

/// Why electrons are no table.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ElectronError {
    #[error("found {found} electrons, expected 5390: 98 depths of 55 radii")]
    Count { found: usize },
    #[error("the electron starts at {what} {found}, expected {expected} cm")]
    Place { row: usize, what: &'static str, found: f64, expected: f64 },
    #[error("electrons of {found} of 98 depths reach the pad plane, expected at least 2")]
    Lost { found: usize },
}

/// Electrons of 98 depths by 55 radii, in rising order.
#[derive(Clone, Debug, PartialEq)]
pub struct ElectronTable {
    electrons: Vec<Electron>,
}

impl ElectronTable {
    /// Checks that every electron starts where the table has its place.
    pub fn new(electrons: Vec<Electron>) -> Result<ElectronTable, ElectronError> {
        let found = electrons.len();
        for (row, electron) in electrons.iter().enumerate().take(DEPTHS * RADII) {
            let places = [
                ("depth", DEPTH[0] / MM_PER_CM + (row / RADII) as f64),
                ("radius", RADIUS[0] / MM_PER_CM + (row % RADII) as f64),
            ];
            for ((what, expected), found) in places.into_iter().zip(*electron) {
                if (found - expected).abs() > PLACE_TOLERANCE_CM {
                    return Err(ElectronError::Place { row, what, found, expected });
                }
            }
        }
        if found != DEPTHS * RADII {
            return Err(ElectronError::Count { found });
        }
        Ok(ElectronTable { electrons })
    }

    /// Electrons of each depth.
    pub(super) fn blocks(&self) -> impl Iterator<Item = &[Electron]> {
        self.electrons.chunks_exact(RADII)
    }

    /// Depth in cm at which electrons end that reach the pad plane.
    pub(super) fn plane_cm(&self) -> f64 {
        let mut ends: Vec<f64> = self.electrons.iter().map(|electron| electron[2]).collect();
        ends.sort_by(f64::total_cmp);
        ends[ends.len() / 2]
    }

    /// Number of electrons, reached or not.
    pub fn len(&self) -> usize {
        self.electrons.len()
    }

    /// False: a table always holds all its electrons.
    pub fn is_empty(&self) -> bool {
        self.electrons.is_empty()
    }

    /// Number of electrons that do not reach the pad plane.
    pub fn lost(&self) -> usize {
        let plane = self.plane_cm();
        self.electrons.iter().filter(|electron| !arrives(electron, plane)).count()
    }
}

/// True for an electron that reaches the pad plane.
pub(super) fn arrives(electron: &Electron, plane_cm: f64) -> bool {
    (electron[2] - plane_cm).abs() <= PLANE_TOLERANCE_CM
}

/// How times become lengths.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DriftTime {
    /// Drift length in mm.
    pub length_mm: f64,
    /// Time bucket of a charge at the micromegas.
    pub micromegas_tb: f64,
    /// Time bucket of a charge at the window.
    pub window_tb: f64,
    /// Sampling frequency of the GET electronics in MHz.
    pub get_frequency_mhz: f64,
}

/// Drift length in mm of a nanosecond.
pub(super) fn mm_per_ns(drift: &DriftTime) -> f64 {
    drift.length_mm / (drift.window_tb - drift.micromegas_tb) * drift.get_frequency_mhz * 1e-3
}
