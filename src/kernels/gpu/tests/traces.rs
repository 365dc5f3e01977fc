//! The peak search against the CPU version.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use crate::kernels::attpc::pointcloud::{Baseline, PeakFinder, PeakParams};
use crate::kernels::gpu::tests::{Emulator, Order};
use crate::kernels::gpu::traces::{FoundPeak, SAMPLES};

const DEFAULT: PeakParams = PeakParams {
    baseline_window_scale: 20.0,
    separation: 50.0,
    prominence: 20.0,
    width: [1.0, 50.0],
    relative_height: 0.95,
    threshold: 40.0,
};

/// What the CPU finds in rows that end with the samples: how many, and the first five.
pub(super) fn on_cpu(
    params: &PeakParams,
    cells: &[i16],
    row: usize,
) -> Vec<(usize, Vec<FoundPeak>)> {
    let baseline = Baseline::new(SAMPLES, params.baseline_window_scale);
    let mut scratch = baseline.scratch();
    let mut finder = PeakFinder::new(*params);
    let trace = |cells: &[i16]| {
        let mut trace: Vec<i32> =
            cells[row - SAMPLES..].iter().map(|&sample| i32::from(sample)).collect();
        baseline.subtract(&mut trace, &mut scratch);
        let peaks = finder.find(&trace);
        let first = peaks.iter().take(5).map(|peak| FoundPeak {
            position: peak.position,
            amplitude: peak.amplitude,
            integral: peak.integral,
        });
        (peaks.len(), first.collect())
    };
    cells.chunks_exact(row).map(trace).collect()
}

/// Compares both, gives the number of peaks and how many traces differ.
fn compare(emulator: &Emulator, params: &PeakParams, cells: &[i16], row: usize) -> [usize; 2] {
    let found = emulator.find_peaks(params, cells, row);
    let expected = on_cpu(params, cells, row);
    assert_eq!(found.len(), expected.len());
    let differ = |(found, (count, first)): &(
        &crate::kernels::gpu::traces::TracePeaks,
        &(usize, Vec<FoundPeak>),
    )| { found.count != *count || found.first() != first.as_slice() };
    let peaks = expected.iter().map(|(count, _)| count).sum();
    [peaks, found.iter().zip(&expected).filter(differ).count()]
}

#[cfg(feature = "hdf5")]
pub(super) fn example_run(name: &str) -> Vec<i16> {
    use crate::data::raw::{Detail, RawRun};

    let path = crate::kernels::gpu::tests::here("examples/01-attpc/raw").join(name);
    let run = RawRun::open(&path).unwrap();
    let mut cells = Vec::new();
    for event in run.events() {
        let Some(event) = run.locate(event, Detail::Physics).unwrap() else { continue };
        cells.extend(run.load_pads(&event, 0..event.traces()).unwrap());
    }
    cells
}

#[cfg(feature = "hdf5")]
#[test]
fn peaks_of_measured_traces_are_those_of_the_cpu() {
    let emulator = Emulator::new(Order::Forward);
    let path = super::here("tests/data/attpc/reference/trace_examples.h5");
    let raw: ndarray::Array2<i16> =
        hdf5::File::open(path).unwrap().dataset("raw").unwrap().read().unwrap();
    let mut cells = raw.into_raw_vec_and_offset().0;
    cells.extend(example_run("run_0102.h5"));
    cells.extend(example_run("run_0104.h5"));
    let [peaks, differing] = compare(&emulator, &DEFAULT, &cells, 517);
    println!("{} traces, {peaks} peaks, {differing} traces differ", cells.len() / 517);
    assert!(peaks > 1000, "{peaks} peaks were compared");
    assert_eq!(differing, 0, "of {peaks} peaks");
}

/// Traces that measured ones seldom are: noise, flat tops, steps, pulses, extremes.
pub(super) fn odd_traces(count: usize) -> Vec<i16> {
    let noise = prop::collection::vec(0i16..40, SAMPLES);
    let flat = prop::collection::vec(300i16..303, SAMPLES);
    let wild = prop::collection::vec(i16::MIN..i16::MAX, SAMPLES);
    let constant = (0i16..4096).prop_map(|value| vec![value; SAMPLES]);
    let pulses = (prop::collection::vec((0usize..SAMPLES, 50i16..3000), 0..12), 1usize..30);
    let pulses = pulses.prop_map(|(pulses, width)| {
        let mut trace: Vec<i16> = (0..SAMPLES).map(|t| 300 + (t * 7919 % 5) as i16).collect();
        for (at, height) in pulses {
            for (k, sample) in trace.iter_mut().skip(at).take(2 * width).enumerate() {
                let height = i32::from(height) * (width - k.abs_diff(width)) as i32 / width as i32;
                *sample = (i32::from(*sample) + height).min(4095) as i16;
            }
        }
        trace
    });
    let any = prop_oneof![2 => noise, 2 => flat, 1 => wild, 1 => constant, 4 => pulses];
    let mut runner = TestRunner::deterministic();
    (0..count).flat_map(|_| any.new_tree(&mut runner).unwrap().current()).collect()
}

#[test]
fn peaks_of_odd_traces_are_those_of_the_cpu() {
    let emulator = Emulator::new(Order::Forward);
    let cells = odd_traces(400);
    let narrow = PeakParams { separation: 1.0, prominence: 0.0, width: [0.0, 500.0], ..DEFAULT };
    let low = PeakParams { threshold: -100.0, relative_height: 0.5, ..narrow };
    let apart = PeakParams { separation: 7.5, threshold: 2.0, ..narrow };
    for params in [DEFAULT, narrow, low, apart] {
        let [peaks, differing] = compare(&emulator, &params, &cells, SAMPLES);
        println!("{peaks} peaks, {differing} of 400 traces differ");
        assert!(peaks > 100, "{peaks} peaks were compared");
        assert_eq!(differing, 0, "with {params:?}");
    }
}

#[test]
fn no_item_of_a_phase_depends_on_another_one() {
    let cells = odd_traces(100);
    let low = PeakParams { threshold: -100.0, separation: 7.5, ..DEFAULT };
    let [forward, backward] = [Order::Forward, Order::Backward]
        .map(|order| Emulator::new(order).find_peaks(&low, &cells, SAMPLES));
    assert_eq!(forward, backward);
}
