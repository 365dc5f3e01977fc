//! Peaks of many traces at once: the GPU version of baseline removal and peak search.
//!
//! The definition is the CPU version, [`Baseline`] and [`PeakFinder`]. The filter is the same but
//! for the order of additions in its Fourier transform, so a sample that lies within rounding of a
//! whole number may be truncated to its neighbour.
//!
//! [`Baseline`]: crate::kernels::attpc::pointcloud::Baseline
//! [`PeakFinder`]: crate::kernels::attpc::pointcloud::PeakFinder

use std::f64::consts::PI;

use crate::kernels::attpc::pointcloud::PeakParams;
use crate::kernels::gpu::launch::{Argument, Grid};
use crate::kernels::gpu::{Buffer, Device, Function, GpuError};

/// Samples of a trace; the kernel is written for this length.
pub const SAMPLES: usize = 512;
/// Most peaks of a trace that are handed back.
pub const PEAKS_MAX: usize = 5;
/// Integers that the kernel writes for a trace.
pub(super) const RECORD: usize = 16;
/// Bins of the real transform.
const BINS: usize = SAMPLES / 2 + 1;
/// Most traces of one launch: 66 MiB of samples, enough to fill any device.
const TRACES_PER_LAUNCH: usize = 1 << 16;
const PTX: &str = include_str!("traces.ptx");
/// Threads of a block, as in `traces.cu`.
const THREADS: u32 = 64;

/// A peak as the kernel gives it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FoundPeak {
    pub position: usize,
    /// Height in ADC units.
    pub amplitude: i32,
    /// Sum of absolute samples in ADC units times samples.
    pub integral: i64,
}

/// The peaks of a trace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TracePeaks {
    /// How many there are, which may be more than are handed back.
    pub count: usize,
    first: [FoundPeak; PEAKS_MAX],
}

impl TracePeaks {
    /// The first peaks in time order.
    pub fn first(&self) -> &[FoundPeak] {
        &self.first[..self.count.min(PEAKS_MAX)]
    }
}

/// What a launch depends on beside the traces.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    /// Gains of the filter, then cosines and sines of the transform.
    pub tables: Vec<f64>,
    pub lowest: i32,
    pub distance: i32,
    pub prominence: f64,
    pub height: f64,
    pub width: [f64; 2],
}

impl Plan {
    pub fn new(params: &PeakParams) -> Plan {
        let sinc = |u: f64| if u == 0.0 { 1.0 } else { (PI * u).sin() / (PI * u) };
        let scale = params.baseline_window_scale;
        // The transform of half the length is not normalised.
        let gain = (0..BINS).map(|k| sinc(k as f64 / scale) / (SAMPLES / 2) as f64);
        let angle = |k: usize| -2.0 * PI * k as f64 / SAMPLES as f64;
        let cosines = (0..SAMPLES).map(|k| angle(k).cos());
        let sines = (0..SAMPLES).map(|k| angle(k).sin());
        Plan {
            tables: gain.chain(cosines).chain(sines).collect(),
            lowest: (params.threshold.floor() + 1.0) as i32,
            distance: params.separation.ceil().max(1.0) as i32,
            prominence: params.prominence,
            height: params.relative_height,
            width: params.width,
        }
    }
}

/// Reads what the kernel wrote.
pub(super) fn decode(records: &[i32]) -> Vec<TracePeaks> {
    let trace = |record: &[i32; RECORD]| {
        let mut peaks = TracePeaks { count: record[0] as usize, ..TracePeaks::default() };
        let (numbers, _) = record[1..].as_chunks::<3>();
        for (peak, &[position, amplitude, integral]) in peaks.first.iter_mut().zip(numbers) {
            let integral = i64::from(integral);
            *peak = FoundPeak { position: position as usize, amplitude, integral };
        }
        peaks
    };
    records.as_chunks::<RECORD>().0.iter().map(trace).collect()
}

/// The peak search on a device, ready for any number of traces.
#[derive(Debug)]
pub struct TraceSearch {
    device: Device,
    function: Function,
    tables: Buffer<f64>,
    plan: Plan,
}

impl TraceSearch {
    /// Loads the kernel and its tables.
    ///
    /// # Errors
    /// The driver refuses the kernel, or there is no memory for the tables.
    pub fn new(device: Device, params: &PeakParams) -> Result<TraceSearch, GpuError> {
        let plan = Plan::new(params);
        let function = device.load(PTX, "find_peaks")?;
        let tables = device.upload("the trace filter", &plan.tables)?;
        Ok(TraceSearch { device, function, tables, plan })
    }

    /// The device that searches.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The peaks of each row of `cells`; a row has `row` numbers and ends with its 512 samples.
    ///
    /// # Errors
    /// Out of memory, or the device fails.
    pub fn find(&self, cells: &[i16], row: usize) -> Result<Vec<TracePeaks>, GpuError> {
        assert!(row >= SAMPLES, "a row holds a whole trace");
        let mut found = Vec::with_capacity(cells.len() / row);
        for part in cells.chunks(row * TRACES_PER_LAUNCH) {
            found.extend(self.launch(&part[..part.len() / row * row], row)?);
        }
        Ok(found)
    }

    #[expect(unsafe_code, reason = "a kernel is launched")]
    fn launch(&self, cells: &[i16], row: usize) -> Result<Vec<TracePeaks>, GpuError> {
        let traces = cells.len() / row;
        if traces == 0 {
            return Ok(Vec::new());
        }
        let cells = self.device.upload("a batch of traces", cells)?;
        let records = self.device.zeros::<i32>("a batch of peaks", traces * RECORD)?;
        let plan = &self.plan;
        let grid = Grid { blocks: traces as u32, threads: THREADS, shared_bytes: 0 };
        let arguments = [
            Argument::Shorts(&cells),
            Argument::Int(row as i32),
            Argument::Reals(&self.tables),
            Argument::Int(plan.lowest),
            Argument::Int(plan.distance),
            Argument::Real(plan.prominence),
            Argument::Real(plan.height),
            Argument::Real(plan.width[0]),
            Argument::Real(plan.width[1]),
            Argument::Ints(&records),
        ];
        // SAFETY: the arguments are those of `find_peaks` in traces.cu. Block b reads row b of
        // `cells`, of which there are as many as blocks, the tables of `Plan::new`, and writes its
        // own RECORD integers.
        unsafe { self.device.launch(&self.function, grid, &arguments) }?;
        Ok(decode(&self.device.download(&records)?))
    }
}
