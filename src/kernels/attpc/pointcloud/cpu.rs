//! The CPU version, which defines the kernel.

use ndarray::ArrayView2;

use crate::kernels::attpc::drift::DriftCorrection;
use crate::kernels::attpc::pointcloud::baseline::{Baseline, BaselineScratch};
use crate::kernels::attpc::pointcloud::params::{PadTable, Params};
use crate::kernels::attpc::pointcloud::peaks::{Peak, PeakFinder};
use crate::kernels::gpu::traces::{FoundPeak, TracePeaks, TraceSearch};
use crate::kernels::gpu::{Device, GpuError};
use crate::model::digest::Digest;

/// Columns of a GET matrix before the samples.
const HARDWARE_COLUMNS: usize = 5;
/// Column of a GET matrix that holds the pad number.
const PAD_COLUMN: usize = 4;
/// Samples of a pad trace.
const GET_SAMPLES: usize = 512;
/// Cells of a row of a GET matrix.
const ROW: usize = HARDWARE_COLUMNS + GET_SAMPLES;
/// Samples of the ion chamber's trace.
const FRIB_SAMPLES: usize = 2048;
/// Digitiser channel of the ion chamber.
const IC_CHANNEL: usize = 0;
/// A trace with more peaks than this is noise and gives no point.
const PEAKS_MAX: usize = 5;
/// The smear is less than this, in time buckets.
const SMEAR_TB: f64 = 1e-3;

/// One point: x, y, z in mm, amplitude in ADC units, integral in ADC units times TB, pad number,
/// time in TB, pad scale.
pub type Point = [f64; 8];

const Z: usize = 2;

/// Where an event was recorded first, whatever file it lies in now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    pub run: i64,
    pub event: i64,
}

/// The point cloud of an event.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cloud {
    /// Sorted by z.
    pub points: Vec<Point>,
    pub counts: CloudCounts,
}

/// What became of an event's traces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CloudCounts {
    pub traces: u64,
    /// Traces that gave at least one point.
    pub hits: u64,
    /// Traces of pads that the tables do not know.
    pub unknown_pads: u64,
    /// Traces with too many peaks.
    pub crowded: u64,
    /// Points without a position after the drift correction.
    pub undefined: u64,
}

impl Cloud {
    /// The cloud of an event from all its parts, in the order of the traces.
    pub fn join(parts: impl IntoIterator<Item = Cloud>) -> Cloud {
        let mut cloud = Cloud::default();
        for part in parts {
            cloud.points.extend(part.points);
            cloud.counts.add(&part.counts);
        }
        cloud.counts.undefined = drop_undefined(&mut cloud.points);
        // Stable, so that points of equal z keep the order of their traces.
        cloud.points.sort_by(|a, b| a[Z].total_cmp(&b[Z]));
        cloud
    }
}

impl CloudCounts {
    /// Adds the counts of another event or part of one.
    pub fn add(&mut self, other: &CloudCounts) {
        self.traces += other.traces;
        self.hits += other.hits;
        self.unknown_pads += other.unknown_pads;
        self.crowded += other.crowded;
        self.undefined += other.undefined;
    }
}

/// What the ion chamber saw of an event.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct IonChamber {
    /// Peaks after the delay.
    pub multiplicity: i64,
    /// The first peak after the delay.
    pub trigger: Option<Peak>,
    /// True when there is a trigger peak and few enough peaks.
    pub good: bool,
}

/// The trigger as module 977 words it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    None,
    Mesh,
    /// A downscaled ion chamber trigger; the event has no track by intent.
    IcDownscale,
    Both,
    /// A word that the module should not give.
    Unknown(u16),
}

impl Trigger {
    /// The meaning of a coincidence word.
    pub fn from_word(word: u16) -> Trigger {
        match word {
            0 => Trigger::None,
            1 => Trigger::Mesh,
            2 => Trigger::IcDownscale,
            3 => Trigger::Both,
            other => Trigger::Unknown(other),
        }
    }
}

/// The kernel with everything that is the same for all events; shared by all threads.
pub struct PointcloudKernel {
    params: Params,
    pads: PadTable,
    drift: Option<DriftCorrection>,
    get: Baseline,
    frib: Baseline,
}

/// Buffers for one thread and one kind of trace.
struct Scratch {
    trace: Vec<i32>,
    baseline: BaselineScratch,
    finder: PeakFinder,
}

impl PointcloudKernel {
    /// Plans the kernel.
    pub fn new(params: Params, pads: PadTable, drift: Option<DriftCorrection>) -> PointcloudKernel {
        let get = Baseline::new(GET_SAMPLES, params.get.baseline_window_scale);
        let frib = Baseline::new(FRIB_SAMPLES, params.frib.peaks.baseline_window_scale);
        PointcloudKernel { params, pads, drift, get, frib }
    }

    /// The points of some of an event's traces: rows of a GET matrix, 517 cells each, one after
    /// the other. [`Cloud::join`] makes the event's cloud of them.
    pub fn points(&self, origin: Origin, cells: &[i16]) -> Cloud {
        let mut scratch = Scratch {
            trace: vec![0; GET_SAMPLES],
            baseline: self.get.scratch(),
            finder: PeakFinder::new(self.params.get),
        };
        self.points_with(origin, cells, |_, row, found| {
            for (sample, &raw) in scratch.trace.iter_mut().zip(&row[HARDWARE_COLUMNS..]) {
                *sample = i32::from(raw);
            }
            self.get.subtract(&mut scratch.trace, &mut scratch.baseline);
            let peaks = scratch.finder.find(&scratch.trace);
            found.extend(peaks.iter().map(|peak| FoundPeak {
                position: peak.position,
                amplitude: peak.amplitude,
                integral: peak.integral,
            }));
            peaks.len()
        })
    }

    /// The same from peaks that were found elsewhere, one entry for each row.
    pub fn points_of(&self, origin: Origin, cells: &[i16], found: &[TracePeaks]) -> Cloud {
        self.points_with(origin, cells, |at, _, peaks| {
            peaks.extend_from_slice(found[at].first());
            found[at].count
        })
    }

    /// The points of traces; `find` appends the peaks of a row and tells how many there are, which
    /// is more than it appends where they are too many anyway.
    fn points_with(
        &self,
        origin: Origin,
        cells: &[i16],
        mut find: impl FnMut(usize, &[i16], &mut Vec<FoundPeak>) -> usize,
    ) -> Cloud {
        let mut part = Cloud::default();
        let mut peaks = Vec::new();
        for (at, row) in cells.chunks_exact(ROW).enumerate() {
            part.counts.traces += 1;
            let pad = usize::try_from(row[PAD_COLUMN]).ok().filter(|&pad| pad < self.pads.len());
            let Some(pad) = pad else {
                part.counts.unknown_pads += 1;
                continue;
            };
            if self.pads.ignored.get(pad) == Some(&true) {
                continue;
            }
            peaks.clear();
            match find(at, row, &mut peaks) {
                0 => {}
                1..=PEAKS_MAX => {
                    part.counts.hits += 1;
                    part.points.extend(peaks.iter().map(|peak| self.point(origin, pad, peak)));
                }
                _ => part.counts.crowded += 1,
            }
        }
        part
    }

    fn point(&self, origin: Origin, pad: usize, peak: &FoundPeak) -> Point {
        let time = peak.position as f64
            + SMEAR_TB * smear(self.params.seed, origin, pad, peak.position)
            + self.pads.time[pad];
        let [x, y] = self.pads.xy[pad];
        let z = self.params.detector.z_mm(time);
        let [x, y, z] = match &self.drift {
            Some(drift) => drift.correct([x, y, z]),
            None => [x, y, z],
        };
        let (amplitude, integral) = (f64::from(peak.amplitude), peak.integral as f64);
        [x, y, z, amplitude, integral, pad as f64, time, self.pads.scale[pad]]
    }

    /// Peaks of pad traces on a device, as this kernel wants them.
    ///
    /// # Errors
    /// The driver refuses the kernel, or the device has no memory left.
    pub fn search_on(&self, device: Device) -> Result<TraceSearch, GpuError> {
        TraceSearch::new(device, &self.params.get)
    }

    /// What the ion chamber saw, from `digitizer[sample, channel]` of 2048 samples.
    pub fn ion_chamber(&self, digitizer: ArrayView2<'_, u16>) -> IonChamber {
        let mut trace: Vec<i32> =
            digitizer.column(IC_CHANNEL).iter().map(|&sample| i32::from(sample)).collect();
        self.frib.subtract(&mut trace, &mut self.frib.scratch());
        let mut finder = PeakFinder::new(self.params.frib.peaks);
        let delay = self.params.frib.ic_delay;
        let late = finder.find(&trace).iter().filter(|peak| peak.position as f64 > delay);
        let (mut multiplicity, mut trigger) = (0, None);
        for peak in late {
            multiplicity += 1;
            trigger.get_or_insert(*peak);
        }
        let good = multiplicity > 0 && multiplicity <= self.params.frib.ic_multiplicity;
        IonChamber { multiplicity, trigger, good }
    }
}

/// Removes points with an undefined coordinate and tells how many.
fn drop_undefined(points: &mut Vec<Point>) -> u64 {
    let before = points.len();
    points.retain(|point| !point.iter().any(|value| value.is_nan()));
    (before - points.len()) as u64
}

/// A number in [0, 1) that belongs to a peak for good: it is made of where the peak was recorded,
/// so that neither the split of a run nor the order of its events changes it.
fn smear(seed: i64, origin: Origin, pad: usize, position: usize) -> f64 {
    const DOMAIN: &[u8; 16] = b"attpc.smear.v1\0\0";
    let mut bytes = [0u8; 56];
    bytes[..16].copy_from_slice(DOMAIN);
    let fields = [seed, origin.run, origin.event, pad as i64, position as i64];
    for (slot, field) in bytes[16..].as_chunks_mut::<8>().0.iter_mut().zip(fields) {
        *slot = field.to_le_bytes();
    }
    let Digest(digest) = Digest::of(&bytes);
    let head = digest.first_chunk::<8>().expect("a digest has 32 bytes");
    // 53 bits fill a float's mantissa.
    (u64::from_le_bytes(*head) >> 11) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smear_is_even_and_depends_on_every_part_of_the_origin() {
        let origin = Origin { run: 101, event: 7 };
        let mean = (0..1000).map(|p| smear(1, origin, p, 200)).sum::<f64>() / 1000.0;
        assert!((mean - 0.5).abs() < 0.05, "mean {mean}");
        let base = smear(1, origin, 5, 200);
        for other in [
            smear(2, origin, 5, 200),
            smear(1, Origin { run: 102, ..origin }, 5, 200),
            smear(1, Origin { event: 8, ..origin }, 5, 200),
            smear(1, origin, 6, 200),
            smear(1, origin, 5, 201),
        ] {
            assert_ne!(base, other);
        }
        assert_eq!(base, smear(1, origin, 5, 200));
    }

    #[test]
    fn coincidence_words_have_their_meaning() {
        assert_eq!(Trigger::from_word(2), Trigger::IcDownscale);
        assert_eq!(Trigger::from_word(3), Trigger::Both);
        assert_eq!(Trigger::from_word(9), Trigger::Unknown(9));
    }
}
