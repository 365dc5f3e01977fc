//! Parameters of the point cloud, named as Spyral's configuration names them.

/// Which behaviour is wanted where the peer is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compat {
    /// What is right.
    Exact,
    /// What Spyral 1.1 does.
    Spyral11,
}

/// Everything that the point cloud of an event depends on, beside its traces.
#[derive(Clone, Debug, PartialEq)]
pub struct Params {
    pub detector: Detector,
    pub get: PeakParams,
    pub frib: FribParams,
    /// Seed of the smear that keeps z values distinct.
    pub seed: i64,
}

/// The detector as far as z depends on it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Detector {
    /// Drift length in mm.
    pub length_mm: f64,
    /// Time bucket of a charge at the micromegas.
    pub micromegas_tb: f64,
    /// Time bucket of a charge at the window.
    pub window_tb: f64,
}

impl Detector {
    /// z in mm of a charge that arrives at time bucket `time`.
    pub fn z_mm(&self, time: f64) -> f64 {
        (self.window_tb - time) / (self.window_tb - self.micromegas_tb) * self.length_mm
    }
}

/// Baseline and peak finding of one kind of trace.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PeakParams {
    /// Scale w of the low-pass filter `sinc(k / w)`; the baseline is a mean over length / w samples.
    pub baseline_window_scale: f64,
    /// Smallest distance between peaks in samples.
    pub separation: f64,
    /// Smallest prominence in ADC units.
    pub prominence: f64,
    /// Smallest and largest width in samples.
    pub width: [f64; 2],
    /// Height relative to the prominence, from the top, at which the width is taken.
    pub relative_height: f64,
    /// A peak's amplitude must be above this, in ADC units.
    pub threshold: f64,
}

/// The ion chamber's digitiser.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FribParams {
    pub peaks: PeakParams,
    /// Peaks at or before this sample came before the trigger.
    pub ic_delay: f64,
    /// Most peaks after the delay that an event with a clean ion chamber has.
    pub ic_multiplicity: i64,
}

/// The pad plane: row i of every table is pad i.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PadTable {
    /// Centres in mm.
    pub xy: Vec<[f64; 2]>,
    /// Time bucket offsets, added to peak times.
    pub time: Vec<f64>,
    /// Pad sizes relative to the big pads: 1.0 or 0.5.
    pub scale: Vec<f64>,
    /// Pads under the beam, which are left out.
    pub ignored: Vec<bool>,
}

impl PadTable {
    /// Number of pads that all tables know.
    pub fn len(&self) -> usize {
        self.xy.len().min(self.time.len()).min(self.scale.len())
    }

    /// True when no pad is known.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
