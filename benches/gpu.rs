//! GPU kernels against one thread of the processor, on made-up traces and tracks of real size.
//!
//! `benches/gpu.sh` runs this on a machine with a GPU. Times include all transfers.

use std::time::Instant;

use attpc::kernels::attpc::mesh::{Axis, TrackGrid};
use attpc::kernels::attpc::pointcloud::{Baseline, Compat, PeakFinder, PeakParams};
use attpc::kernels::attpc::solve::batch::{Start, distances_on, fit_on};
use attpc::kernels::attpc::solve::params::{
    FitMethod, Guess, SolveParams, TrackParticle, TrackPoints,
};
use attpc::kernels::attpc::solve::spyral::{Workspace, fit};
use attpc::kernels::gpu::Device;
use attpc::kernels::gpu::traces::TraceSearch;

const SAMPLES: usize = 512;
const TRACES: usize = 400_000;
const CPU_TRACES: usize = 20_000;
const STEPS: usize = 1000;
const TRACKS: usize = 4096;
const CPU_TRACKS: usize = 64;
const POINTS: usize = 100;
const PEAKS: PeakParams = PeakParams {
    baseline_window_scale: 20.0,
    separation: 50.0,
    prominence: 20.0,
    width: [1.0, 50.0],
    relative_height: 0.95,
    threshold: 40.0,
};
const DEUTERON: TrackParticle = TrackParticle { charge_number: 1.0, mass_mev: 1_875.612_93 };

fn main() {
    let device = match Device::open() {
        Ok(device) => device,
        Err(error) => {
            println!("NOT RUN: {error}; {}", error.hint());
            return;
        }
    };
    println!("device: {}", device.info());
    traces(device);
    match Device::open() {
        Ok(device) => fits(device),
        Err(error) => println!("NOT RUN: {error}"),
    }
}

/// Seconds of the fastest of three runs.
fn fastest(mut run: impl FnMut()) -> f64 {
    let one = |_| {
        let start = Instant::now();
        run();
        start.elapsed().as_secs_f64()
    };
    (0..3).map(one).fold(f64::INFINITY, f64::min)
}

fn report(what: &str, (gpu, gpu_count): (f64, usize), (cpu, cpu_count): (f64, usize)) {
    let (gpu, cpu) = (gpu / gpu_count as f64 * 1e6, cpu / cpu_count as f64 * 1e6);
    println!("{what}: GPU {gpu:.3} us, one thread {cpu:.3} us, ratio {:.1}", cpu / gpu);
}

fn traces(device: Device) {
    let pulse = |t: usize, at: usize| {
        let off = (t as f64 - at as f64) / 6.0;
        (800.0 * (-off * off).exp()) as i16
    };
    let sample = |k: usize| {
        let (trace, t) = (k / SAMPLES, k % SAMPLES);
        300 + (k.wrapping_mul(2_654_435_761) >> 7) as i16 % 5 + pulse(t, 60 + trace * 37 % 400)
    };
    let cells: Vec<i16> = (0..TRACES * SAMPLES).map(sample).collect();
    let search = TraceSearch::new(device, &PEAKS).expect("the device takes the kernel");
    let gpu = fastest(|| drop(search.find(&cells, SAMPLES).expect("the device works")));
    let baseline = Baseline::new(SAMPLES, PEAKS.baseline_window_scale);
    let (mut scratch, mut finder) = (baseline.scratch(), PeakFinder::new(PEAKS));
    let mut trace = vec![0; SAMPLES];
    let cpu = fastest(|| {
        for row in cells[..CPU_TRACES * SAMPLES].chunks_exact(SAMPLES) {
            trace.iter_mut().zip(row).for_each(|(to, from)| *to = i32::from(*from));
            baseline.subtract(&mut trace, &mut scratch);
            finder.find(&trace);
        }
    });
    report("peaks, a trace", (gpu, TRACES), (cpu, CPU_TRACES));
}

/// A spiral that slows down.
fn position(ke: f64, polar: f64, step: usize) -> [f64; 3] {
    let reach = 0.1 + 0.02 * ke;
    let s = 3.0 * reach * (1e4f64).powf(step as f64 / (STEPS - 1) as f64 - 1.0);
    let radius = 0.1 * reach * (6.0 - s) * polar.sin();
    let turn = s / (0.3 * reach);
    [radius * turn.sin(), radius * (1.0 - turn.cos()), s * polar.cos()]
}

fn starts() -> Vec<Start> {
    let start = |track: usize| {
        let (ke, polar) = (5.0 + track as f64 * 0.003, 0.4 + (track % 97) as f64 * 0.004);
        let azimuthal = track as f64 * 0.01 % 6.0 + 0.1;
        let (sin, cos) = azimuthal.sin_cos();
        let point = |k: usize| {
            let [x, y, z] = position(ke, polar, 400 + 5 * k);
            let noise = |n: usize| ((k * 31 + n * 17 + track) % 11) as f64 * 3e-4 - 1.5e-3;
            [cos * x - sin * y + noise(0), sin * x + cos * y + noise(1), 0.3 + z + noise(2)]
        };
        let guess = Guess {
            brho: DEUTERON.brho(ke) * 1.01,
            polar: polar + 0.01,
            azimuthal: azimuthal + 0.02,
            vertex: [0.001, 0.001, 0.303],
        };
        let xyz = (0..POINTS).map(point).collect();
        let points = TrackPoints { xyz, charge: vec![100.0; POINTS], scale: vec![0.5; POINTS] };
        Start { guess, points }
    };
    (0..TRACKS).map(start).collect()
}

fn fits(device: Device) {
    let ke = Axis { low: 1.0, high: 21.0, bins: 101 };
    let polar = Axis { low: 0.2, high: 1.2, bins: 51 };
    let mut slabs = Vec::with_capacity(ke.bins * polar.bins * STEPS * 3);
    for p in 0..polar.bins {
        for k in 0..ke.bins {
            let (ke, polar) = (ke.value(k), polar.value(p));
            let track: Vec<[f64; 3]> = (0..STEPS).map(|t| position(ke, polar, t)).collect();
            (0..3).for_each(|axis| slabs.extend(track.iter().map(|at| at[axis] as f32)));
        }
    }
    let grid = TrackGrid::new([ke, polar], STEPS, &slabs).expect("the shape fits");
    let starts = starts();
    let mut distances = distances_on(device, &grid).expect("the device takes the mesh");
    for method in [FitMethod::Lbfgsb, FitMethod::LeastSquares] {
        let params = SolveParams {
            detector_length: 1.0,
            beam_region_radius: 0.025,
            time_bucket_length: 0.0022,
            fit_vertex_rho: true,
            fit_vertex_phi: true,
            fit_azimuthal: true,
            method,
            compat: Compat::Spyral11,
        };
        let gpu = fastest(|| {
            let found = fit_on(&mut distances, (&grid, &DEUTERON), &params, &starts);
            drop(found.expect("the device works"));
        });
        let mut work = Workspace::default();
        let cpu = fastest(|| {
            for start in &starts[..CPU_TRACKS] {
                fit(&grid, &DEUTERON, (&params, &start.guess, &start.points), &mut work);
            }
        });
        report(&format!("{method:?}, a fit"), (gpu, TRACKS), (cpu, CPU_TRACKS));
    }
}
