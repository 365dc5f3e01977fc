//! The host side on whatever device there is; and again on a driver library without a GPU, which
//! the emulation is built into, in a child of this test.

use std::path::Path;
use std::process::Command;

use crate::kernels::attpc::pointcloud::PeakParams;
use crate::kernels::attpc::solve::params::FitMethod;
use crate::kernels::gpu::objective::{TrackDistances, TrackSet, Wanted};
use crate::kernels::gpu::tests::{emulator, fits, objective, traces};
use crate::kernels::gpu::traces::TraceSearch;
use crate::kernels::gpu::{Device, GpuError, probe};

const DEFAULT: PeakParams = PeakParams {
    baseline_window_scale: 20.0,
    separation: 50.0,
    prominence: 20.0,
    width: [1.0, 50.0],
    relative_height: 0.95,
    threshold: 40.0,
};

/// The device, or words on why this test tests nothing.
fn device() -> Option<Device> {
    match Device::open() {
        Ok(device) => {
            println!("on {}", device.info());
            Some(device)
        }
        Err(error) => {
            println!("NOT RUN, no device: {error}");
            None
        }
    }
}

#[test]
fn on_device_peaks_are_those_of_the_cpu() {
    let Some(device) = device() else { return };
    let search = TraceSearch::new(device, &DEFAULT).unwrap();
    let mut cells = traces::odd_traces(400).chunks_exact(512).fold(Vec::new(), |mut all, trace| {
        all.extend([0i16; 5]);
        all.extend(trace);
        all
    });
    #[cfg(feature = "hdf5")]
    cells.extend(traces::example_run("run_0104.h5"));
    cells.truncate(cells.len() / 517 * 517);
    let found = search.find(&cells, 517).unwrap();
    let expected = traces::on_cpu(&DEFAULT, &cells, 517);
    assert_eq!(found.len(), expected.len());
    let differ = found
        .iter()
        .zip(&expected)
        .filter(|(found, (count, first))| found.count != *count || found.first() != &first[..])
        .count();
    println!("{differ} of {} traces differ", found.len());
    // A sample at a truncation border may go either way.
    assert!(differ * 10_000 <= found.len(), "{differ} of {}", found.len());
    assert_eq!(search.find(&cells, 517), Ok(found), "the same again");
    assert_eq!(search.find(&[], 517), Ok(Vec::new()));
}

#[test]
fn on_device_distances_are_those_of_the_definition() {
    let Some(device) = device() else { return };
    let mesh = objective::mesh(objective::SHAPE);
    let tracks = objective::measured(objective::SHAPE, &mesh, 20);
    let mut distances = TrackDistances::new(device, objective::SHAPE, &mesh).unwrap();
    distances.load(TrackSet::new(tracks.iter().map(Vec::as_slice)).unwrap()).unwrap();
    let placements = objective::tries(tracks.len());
    let sums = distances.evaluate(&placements, Wanted::Sums).unwrap();
    let each = distances.evaluate(&placements, Wanted::Distances).unwrap();
    let mut from = 0;
    for (placement, sum) in placements.iter().zip(&sums) {
        let points = &tracks[placement.track];
        let expected = objective::definition(objective::SHAPE, &mesh, points, placement);
        let own = &each[from..from + expected.len()];
        from += expected.len();
        for (point, (found, expected)) in points.iter().zip(own.iter().zip(&expected)) {
            let difference = (found - expected).abs() / point.weight;
            assert!(difference < objective::TOLERANCE_M, "{found} is not {expected}");
        }
        assert!((sum - own.iter().sum::<f64>()).abs() <= 1e-12 * sum);
    }
    assert_eq!(from, each.len());
    assert_eq!(sums, distances.evaluate(&placements, Wanted::Sums).unwrap(), "the same again");
    // The result of a placement does not depend on which others it is launched with.
    assert_eq!(sums[7..9], distances.evaluate(&placements[7..9], Wanted::Sums).unwrap());
}

#[test]
fn on_device_fits_are_those_of_the_processor() {
    let Some(device) = device() else { return };
    let mesh = objective::mesh(objective::SHAPE);
    let starts = fits::starts(&mesh, 40);
    let params = fits::params(FitMethod::LeastSquares);
    let found = fits::on_device(device, &mesh, &params, &starts);
    let [ke, polar, ratio] = fits::compare(&found, &fits::on_cpu(&mesh, &params, &starts));
    assert!(ke < 1e-4 && polar < 1e-4 && (ratio - 1.0).abs() < 1e-3, "{ke} {polar} {ratio}");
}

#[test]
fn probing_describes_devices_or_says_why_there_is_none() {
    match probe() {
        Ok(devices) => assert!(devices.iter().all(|device| !device.name.is_empty())),
        Err(error) => println!("NOT RUN, no device: {error}"),
    }
}

/// Whatever is wrong with driver or device, there is an error of one line and no panic.
#[test]
fn first_contact_ends_in_an_error_or_in_work() {
    let found = Device::open().and_then(|device| {
        let search = TraceSearch::new(device, &DEFAULT)?;
        search.find(&vec![300; 512 * 1000], 512)
    });
    match found {
        Ok(found) => assert_eq!(found.len(), 1000),
        Err(error) => println!("error: {error}\nhint: {}", error.hint()),
    }
}

/// Runs this module's tests again with another driver library; gives what they print.
fn again(library: Option<&Path>, mode: &str, filter: &str) -> String {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--nocapture", "--test-threads=1", filter]).env("EMULATED_CUDA", mode);
    child.env("LD_LIBRARY_PATH", library.unwrap_or(Path::new("/nonexistent")));
    let output = child.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{mode}:\n{text}\n{errors}");
    text
}

#[test]
fn the_host_side_works_and_fails_cleanly_on_an_emulated_driver() {
    let dir = tempfile::tempdir().unwrap();
    emulator::compile(dir.path(), "driver.c", &["-shared", "-fPIC"], "libcuda.so");
    let library = dir.path().join("emulation");
    let text = again(Some(&library), "whole", "on_device_");
    assert_eq!(text.matches("on emulated GPU").count(), 3, "{text}");
    // The step that uses a device, where it is built.
    assert_eq!(text.contains("on a device"), cfg!(feature = "hdf5"), "{text}");
    assert!(!text.contains("NOT RUN"), "{text}");
    for (mode, words) in [
        ("none", "error: the NVIDIA driver finds no device\n"),
        ("old", "error: the NVIDIA driver offers CUDA `11.4`, at least `12.0` is needed\n"),
        ("ancient", "error: `emulated GPU` has compute capability `6.0`, at least `7.0`"),
        ("small", "error: a batch of traces needs `1024000` bytes of GPU memory, `"),
        ("broken", "error: starting a kernel failed on the GPU: unspecified launch failure\n"),
    ] {
        let text = again(Some(&library), mode, "device::first_contact");
        assert!(text.contains(words), "{mode}: {text}");
        assert!(text.contains("hint: `--device cpu` works"), "{mode}: {text}");
    }
}

#[test]
fn a_machine_without_a_driver_gets_an_error_and_no_panic() {
    if probe() != Err(GpuError::NoDriver) {
        println!("NOT RUN, this machine has a driver");
        return;
    }
    assert_eq!(Device::open().map(|device| device.info().clone()), Err(GpuError::NoDriver));
    let text = again(None, "whole", "device::first_contact");
    assert!(text.contains("error: no NVIDIA driver found on this machine\n"), "{text}");
}
