//! Turns the step's parameters and inputs into a kernel and a list of clouds.

use std::path::{Path, PathBuf};

use crate::data::cloud_reader::CloudFile;
use crate::kernels::attpc::cluster::{
    ClusterKernel, HdbscanParams, Join, Link, Method, Params, TripclustParams,
};
use crate::kernels::attpc::pointcloud::Compat;
use crate::model::value::Value;
use crate::steps::attpc::cluster::info::info;
use crate::steps::attpc::params::compat;
use crate::steps::{Job, StepError};

/// Inputs that do not fit each other.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    #[error("event `{event}` is in two inputs, `{}` and `{}`", first.display(), second.display())]
    EventTwice { event: i64, first: PathBuf, second: PathBuf },
    #[error(
        "`tripclust_parameters.postprocess` is `true`, which is not to be had, set it to `false`"
    )]
    Postprocess,
    #[error(
        "`tripclust_parameters.s` is `0`, must be above it because distances are divided by it"
    )]
    NoScale,
}

/// Everything that the clusters depend on.
pub(super) struct Setup {
    pub kernel: ClusterKernel,
    pub files: Vec<CloudFile>,
    /// Events in ascending order, each with the file that has its cloud.
    pub events: Vec<(i64, usize)>,
    /// From the first event of any input to the last of any.
    pub range: (i64, i64),
    pub warnings: Vec<String>,
}

impl Setup {
    pub fn read(job: &Job<'_>) -> Result<Setup, StepError> {
        let mut warnings = Vec::new();
        let kernel = ClusterKernel::new(read_params(job, &mut warnings)?);
        let paths: Vec<&Path> = job.inputs("cloud").into_iter().map(Path::new).collect();
        let files =
            paths.iter().map(|path| CloudFile::open(path)).collect::<Result<Vec<_>, _>>()?;
        let mut range = files[0].range()?;
        for file in &files[1..] {
            let (first, last) = file.range()?;
            range = (range.0.min(first), range.1.max(last));
        }
        let of_file = |(at, file): (usize, &CloudFile)| {
            file.events().iter().map(|event| (*event, at)).collect::<Vec<_>>()
        };
        let mut events: Vec<(i64, usize)> = files.iter().enumerate().flat_map(of_file).collect();
        events.sort_unstable();
        if let Some(pair) = events.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            let [first, second] = [pair[0].1, pair[1].1].map(|at| paths[at].to_owned());
            return Err(ClusterError::EventTwice { event: pair[0].0, first, second }.into());
        }
        if events.is_empty() {
            warnings.push("there is no point cloud in the input".to_owned());
        }
        Ok(Setup { kernel, files, events, range, warnings })
    }
}

fn read_params(job: &Job<'_>, warnings: &mut Vec<String>) -> Result<Params, ClusterError> {
    let compat = compat(job);
    let method = read_method(job, compat, warnings)?;
    let join = read_join(job, warnings);
    if join.is_none() && compat == Compat::Spyral11 {
        let words = "no join is configured, so no cluster gets a direction in this mode \
                     and the estimation will reject all of them";
        warnings.push(words.to_owned());
    }
    Ok(Params {
        min_cloud_size: size(job, "min_cloud_size", 0),
        method,
        join,
        direction_threshold: job.float("direction_threshold"),
        outlier_scale_factor: job.float("outlier_scale_factor"),
        compat,
    })
}

/// The clustering whose group is given; HDBSCAN where both are, as in the peer, and where none is.
fn read_method(
    job: &Job<'_>,
    compat: Compat,
    warnings: &mut Vec<String>,
) -> Result<Method, ClusterError> {
    let hdbscan = is_group_given(job, "hdbscan_parameters.");
    if !is_group_given(job, TRIPCLUST) {
        return Ok(Method::Hdbscan(read_hdbscan(job)));
    }
    if hdbscan {
        warnings.push("both clusterings are given, `hdbscan_parameters` are used".to_owned());
        return Ok(Method::Hdbscan(read_hdbscan(job)));
    }
    let params = read_tripclust(job)?;
    if compat == Compat::Spyral11 {
        let unused = [("link", params.link != Link::Single), ("dmax", params.dmax > 0.0)];
        for (name, _) in unused.iter().filter(|(_, given)| *given) {
            warnings.push(format!("`{TRIPCLUST}{name}` has no effect in this mode"));
        }
    }
    Ok(Method::Tripclust(params))
}

fn read_hdbscan(job: &Job<'_>) -> HdbscanParams {
    let epsilon = "hdbscan_parameters.cluster_selection_epsilon";
    HdbscanParams {
        min_points: size(job, "hdbscan_parameters.min_points", 3),
        min_size_scale_factor: number(job, "hdbscan_parameters.min_size_scale_factor", 0.05),
        min_size_lower_cutoff: size(job, "hdbscan_parameters.min_size_lower_cutoff", 10),
        cluster_selection_epsilon: number(job, epsilon, 10.0),
    }
}

const TRIPCLUST: &str = "tripclust_parameters.";

fn read_tripclust(job: &Job<'_>) -> Result<TripclustParams, ClusterError> {
    let full = |name: &str| format!("{TRIPCLUST}{name}");
    let number = |name, default| number(job, &full(name), default);
    let size = |name, default| size(job, &full(name), default);
    let flag = |name, default| flag(job, &full(name), default);
    if flag("postprocess", false) {
        return Err(ClusterError::Postprocess);
    }
    let s = number("s", 0.3);
    if s == 0.0 {
        return Err(ClusterError::NoScale);
    }
    Ok(TripclustParams {
        r: number("r", 6.0),
        rdnn: flag("rdnn", true),
        k: size("k", 12),
        n: size("n", 3),
        a: number("a", 0.03),
        s,
        sdnn: flag("sdnn", true),
        t: number("t", 0.0),
        tauto: flag("tauto", true),
        dmax: number("dmax", 0.0),
        dmax_dnn: flag("dmax_dnn", false),
        ordered: flag("ordered", true),
        link: [Link::Single, Link::Complete, Link::Average][size("link", 0)],
        m: size("m", 50),
    })
}

/// The rule whose group is given; the continuity join where both are, as in the peer.
fn read_join(job: &Job<'_>, warnings: &mut Vec<String>) -> Option<Join> {
    let [radius, z] =
        ["join_radius_fraction", "join_z_fraction"].map(|name| format!("continuity_join.{name}"));
    let [least, ratio] = ["min_cluster_size_join", "circle_overlap_ratio"]
        .map(|name| format!("overlap_join.{name}"));
    let given = |names: [&String; 2]| names.iter().any(|name| is_given(job, name));
    let overlap = given([&least, &ratio]);
    if given([&radius, &z]) {
        if overlap {
            let words = "`continuity_join` and `overlap_join` are both given, the first is used";
            warnings.push(words.to_owned());
        }
        return Some(Join::Continuity {
            radius_fraction: number(job, &radius, 0.4),
            z_fraction: number(job, &z, 0.2),
        });
    }
    overlap.then(|| Join::Overlap {
        min_size: size(job, &least, 15),
        ratio: number(job, &ratio, 0.25),
    })
}

/// True when any parameter of a group is given.
fn is_group_given(job: &Job<'_>, prefix: &str) -> bool {
    let params = info().params;
    params.iter().any(|param| param.name.starts_with(prefix) && is_given(job, param.name))
}

fn is_given(job: &Job<'_>, name: &str) -> bool {
    *job.value(name) != Value::Null
}

fn number(job: &Job<'_>, name: &str, default: f64) -> f64 {
    if is_given(job, name) { job.float(name) } else { default }
}

fn size(job: &Job<'_>, name: &str, default: usize) -> usize {
    if is_given(job, name) { job.int(name) as usize } else { default }
}

fn flag(job: &Job<'_>, name: &str, default: bool) -> bool {
    if is_given(job, name) { job.flag(name) } else { default }
}
