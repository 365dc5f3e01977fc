//! The kernel `attpc.mesh`: tracks of a particle through gas and fields, for all energies and angles
//! that the solver may ask for.
//!
//! Nodes are computed in batches on all threads and written in order, so that memory holds one batch
//! and not the mesh. [`TrackMesh`] opens the result for whoever fits tracks.

mod open;
mod setup;
#[cfg(test)]
mod tests;

use std::path::Path;

use crate::data::mesh_info::{MeshInfo, MeshOrigin, write_mesh_info};
use crate::data::npy::{NpyHeader, NpyWriter, Precision};
use crate::kernels::attpc::mesh::{TIME_LIMIT_S, Tracker, time_steps};
use crate::model::step::Progress;
use crate::steps::{Job, StepError, StepSummary};

pub use open::TrackMesh;
use setup::Setup;
pub use setup::{MeshError, info};

/// Numbers of one batch: enough nodes to keep many threads busy, 32 MiB of memory.
const BATCH_NUMBERS: usize = 4 << 20;
/// Most nodes of a batch whose tracks are followed without being recorded.
const BATCH_NODES: usize = 4096;

/// Makes the mesh.
pub fn run(job: &Job<'_>) -> Result<StepSummary, StepError> {
    let setup = Setup::read(job)?;
    let pool = job.pool()?;
    let tracker = Tracker::new(
        &setup.particle,
        (&setup.gas, &setup.stopping),
        setup.fields,
        setup.plan.ke.high,
    );
    let counted = Counted { job, total: 2 * setup.plan.node_count() as u64 };
    let longest = longest_time((&setup, &tracker), &pool, &counted);
    let last = setup.time_window.unwrap_or(longest);
    let times = time_steps(last, setup.steps);
    if longest <= times[0] {
        return Err(MeshError::NoTracks { ke_mev: setup.plan.ke.high }.into());
    }
    let shape = [setup.steps, 3, setup.plan.ke.bins, setup.plan.polar.bins];
    let header =
        NpyHeader { precision: setup.precision, fortran_order: true, shape: shape.to_vec() };
    let path = job.output("mesh").expect("the mesh is a required output");
    let mut writer = NpyWriter::create(Path::new(path), header)?;
    let batch = (BATCH_NUMBERS / (3 * setup.steps)).max(1);
    let count = setup.plan.node_count();
    for start in (0..count).step_by(batch) {
        let nodes = start..(start + batch).min(count);
        writer.write(&pool.install(|| setup.plan.slabs(&tracker, &times, nodes.clone())))?;
        counted.report(count + nodes.end);
    }
    writer.finish()?;
    let path = job.output("mesh_info").expect("the description is a required output");
    write_mesh_info(Path::new(path), &describe(&setup, shape, [times[0], last]))?;
    Ok(StepSummary { warnings: warnings(&setup, &tracker, longest) })
}

/// Reports how many tracks are done; each node is followed twice.
struct Counted<'j, 's> {
    job: &'j Job<'s>,
    total: u64,
}

impl Counted<'_, '_> {
    fn report(&self, done: usize) {
        let unit = "tracks".to_owned();
        self.job.report(Progress {
            done: done as u64,
            total: self.total,
            unit,
            ..Progress::default()
        });
    }
}

fn longest_time(
    (setup, tracker): (&Setup, &Tracker),
    pool: &rayon::ThreadPool,
    counted: &Counted<'_, '_>,
) -> f64 {
    let count = setup.plan.node_count();
    let mut longest = 0.0f64;
    counted.report(0);
    for start in (0..count).step_by(BATCH_NODES) {
        let nodes = start..(start + BATCH_NODES).min(count);
        let end = nodes.end;
        longest = longest.max(pool.install(|| setup.plan.longest_time(tracker, nodes)));
        counted.report(end);
    }
    longest
}

fn describe(setup: &Setup, shape: [usize; 4], times_s: [f64; 2]) -> MeshInfo {
    let plan = &setup.plan;
    let dtype = match setup.precision {
        Precision::Single => "float32",
        Precision::Double => "float64",
    };
    MeshInfo {
        particle: setup.particle.to_string(),
        gas: setup.gas.description(),
        bfield: setup.fields.magnetic_t,
        efield: setup.fields.electric_v_per_m,
        time_steps: setup.steps,
        ke_min: plan.ke.low,
        ke_max: plan.ke.high,
        ke_bins: plan.ke.bins,
        polar_min: setup.polar_degrees[0],
        polar_max: setup.polar_degrees[1],
        polar_bins: plan.polar.bins,
        shape,
        dtype: dtype.to_owned(),
        attpc: Some(MeshOrigin {
            format_version: MeshOrigin::version(),
            z: setup.particle.z,
            a: setup.particle.a,
            mass_mev: setup.particle.nuclear_mass_mev(),
            pressure_torr: setup.gas.pressure_torr(),
            density_g_per_cm3: setup.gas.density(),
            stopping: if setup.from_table { "table" } else { "built-in" }.to_owned(),
            times_s,
        }),
    }
}

fn warnings(setup: &Setup, tracker: &Tracker, longest: f64) -> Vec<String> {
    let mut warnings = Vec::new();
    let energies = (0..setup.plan.ke.bins).map(|bin| setup.plan.ke.value(bin));
    let stopped = energies.filter(|ke| tracker.starts_stopped(*ke)).count();
    if stopped > 0 {
        warnings.push(format!(
            "{stopped} of {} energies have a range of less than 1 mm, their tracks are points; \
             raise `solver.interp_ke_min`",
            setup.plan.ke.bins
        ));
    }
    let [low, high] = setup.polar_degrees;
    if low < 90.0 && high > 90.0 {
        warnings.push(
            "the mesh spans 90 degrees, where tracks turn from forward to backward and those \
             between two angles mean little; make a mesh for each side"
                .to_owned(),
        );
    }
    if longest >= TIME_LIMIT_S {
        warnings.push(
            "some tracks neither stop nor leave the detector within 1 us and are cut there"
                .to_owned(),
        );
    }
    warnings
}
