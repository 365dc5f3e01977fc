//! What `attpc.cluster` says of itself.

use crate::model::step::{KernelInfo, ParamInfo, ParamKind, PortInfo};
use crate::model::value::Value;
use crate::steps::attpc::params::compat_param;

/// The kernel's ports and parameters.
pub fn info() -> KernelInfo {
    KernelInfo {
        name: "attpc.cluster",
        version: 1,
        summary: "Finds the tracks in point clouds, and which way each of them goes.",
        inputs: vec![PortInfo {
            role: "cloud",
            required: true,
            many: true,
            directory: false,
            named: false,
            doc: "Point clouds of a run, HDF5, in one file or in several of different events.",
        }],
        outputs: vec![PortInfo {
            role: "cluster",
            required: true,
            many: false,
            directory: false,
            named: false,
            doc: "Clusters, HDF5: `cluster/event_{event}/cluster_{i}/cloud` of float64 (points, 5) \
                  with columns x, y, z (mm), integral (ADC TB), scale.",
        }],
        params: [general(), hdbscan(), tripclust(), joins()].concat(),
        item_names: &[],
    }
}

const PART: ParamKind = ParamKind::Float { min: 0.0, max: 1.0 };
const NOT_NEGATIVE: ParamKind = ParamKind::Float { min: 0.0, max: f64::INFINITY };

const fn at_least(min: i64) -> ParamKind {
    ParamKind::Int { min, max: u32::MAX as i64 }
}

fn param(name: &'static str, kind: ParamKind, default: Value, doc: &'static str) -> ParamInfo {
    ParamInfo { name, kind, default: Some(default), unit: "", doc }
}

/// A parameter of a group that may be absent as a whole.
fn grouped(name: &'static str, kind: ParamKind, doc: &'static str) -> ParamInfo {
    param(name, kind, Value::Null, doc)
}

fn general() -> Vec<ParamInfo> {
    vec![
        param("min_cloud_size", at_least(0), Value::Int(50), "Fewest points of a cloud."),
        param(
            "direction_threshold",
            PART,
            Value::Float(0.5),
            "Part of the steps along z that must turn the same way.",
        ),
        param(
            "outlier_scale_factor",
            PART,
            Value::Float(0.05),
            "Neighbours that outliers are judged by, as a part of the cluster's points.",
        ),
        compat_param(),
    ]
}

fn hdbscan() -> Vec<ParamInfo> {
    vec![
        grouped(
            "hdbscan_parameters.min_points",
            at_least(1),
            "Points, itself included, that a point needs near it; 3 when not given.",
        ),
        grouped(
            "hdbscan_parameters.min_size_scale_factor",
            PART,
            "Smallest cluster as a part of the cloud's points; 0.05 when not given.",
        ),
        grouped(
            "hdbscan_parameters.min_size_lower_cutoff",
            at_least(2),
            "Smallest cluster whatever the cloud, in points; 10 when not given.",
        ),
        ParamInfo {
            unit: "mm",
            ..grouped(
                "hdbscan_parameters.cluster_selection_epsilon",
                NOT_NEGATIVE,
                "Clusters that split at less than this stay together; 10.0 when not given.",
            )
        },
    ]
}

fn tripclust() -> Vec<ParamInfo> {
    const FLAG: ParamKind = ParamKind::Bool;
    vec![
        grouped("tripclust_parameters.r", NOT_NEGATIVE, "Radius of smoothing; 6.0 when not given."),
        grouped("tripclust_parameters.rdnn", FLAG, "Is `r` in own lengths, not in mm? Yes."),
        grouped(
            "tripclust_parameters.k",
            at_least(3),
            "Points, itself included, that a point makes triplets with; 12 when not given.",
        ),
        grouped("tripclust_parameters.n", at_least(1), "Most triplets of a middle; 3."),
        grouped("tripclust_parameters.a", NOT_NEGATIVE, "Largest bend, 1 - cos of it; 0.03."),
        grouped("tripclust_parameters.s", NOT_NEGATIVE, "Distance like a bend of 45 degrees; 0.3."),
        grouped("tripclust_parameters.sdnn", FLAG, "Is `s` in own lengths, not in mm? Yes."),
        grouped(
            "tripclust_parameters.t",
            NOT_NEGATIVE,
            "Distance up to which triplets merge; 0.0.",
        ),
        grouped("tripclust_parameters.tauto", FLAG, "Is `t` found by a jump of distances? Yes."),
        grouped("tripclust_parameters.dmax", NOT_NEGATIVE, "Longest step in a cluster; 0.0: any."),
        grouped("tripclust_parameters.dmax_dnn", FLAG, "Is `dmax` in own lengths, not in mm? No."),
        grouped("tripclust_parameters.ordered", FLAG, "Are the middles between the ends? Yes."),
        grouped(
            "tripclust_parameters.link",
            ParamKind::Int { min: 0, max: 2 },
            "Linkage: 0 single, 1 complete, 2 average; 0 when not given.",
        ),
        grouped("tripclust_parameters.m", at_least(1), "Fewest triplets of a cluster; 50."),
        grouped("tripclust_parameters.postprocess", FLAG, "Splits at vertices: not to be had, No."),
        grouped("tripclust_parameters.min_depth", at_least(0), "Of `postprocess` only."),
    ]
}

fn joins() -> Vec<ParamInfo> {
    vec![
        grouped(
            "continuity_join.join_radius_fraction",
            NOT_NEGATIVE,
            "Largest step in radius as a part of the mean radius; 0.4 in a group without it.",
        ),
        grouped(
            "continuity_join.join_z_fraction",
            NOT_NEGATIVE,
            "Largest step in z as a part of the extent; 0.2 in a group without it.",
        ),
        grouped(
            "overlap_join.min_cluster_size_join",
            at_least(0),
            "Smaller clusters are not joined, in points; 15 in a group without it.",
        ),
        grouped(
            "overlap_join.circle_overlap_ratio",
            PART,
            "Least common area as a part of the smaller circle; 0.25 in a group without it.",
        ),
    ]
}
