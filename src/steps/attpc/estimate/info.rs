//! What `attpc.estimate` says of itself.

use crate::model::step::{KernelInfo, ParamInfo, ParamKind, PortInfo};
use crate::model::value::Value;
use crate::steps::attpc::params::{POSITIVE, compat_param, number};

/// The kernel's ports and parameters.
pub fn info() -> KernelInfo {
    KernelInfo {
        name: "attpc.estimate",
        version: 1,
        summary: "Estimates the kinematics of every cluster of a run from its geometry.",
        inputs: vec![PortInfo {
            role: "cluster",
            required: true,
            many: true,
            directory: false,
            named: false,
            doc: "Clusters, HDF5, of this program or of Spyral; several files are parts of one run.",
        }],
        outputs: vec![
            output(
                "estimate",
                true,
                "Estimates, Parquet: one row for each accepted cluster; mm, rad, T m.",
            ),
            output(
                "rejected",
                false,
                "Parquet: one row for each rejected cluster, with a code that says why.",
            ),
        ],
        params: params(),
        item_names: &[],
    }
}

fn output(role: &'static str, required: bool, doc: &'static str) -> PortInfo {
    PortInfo { role, required, many: false, directory: false, named: false, doc }
}

const NOT_NEGATIVE: [f64; 2] = [0.0, f64::INFINITY];

fn params() -> Vec<ParamInfo> {
    vec![
        number("detector.magnetic_field", POSITIVE, (2.85, "T"), "Magnetic field along the beam."),
        number(
            "detector.beam_region_radius",
            NOT_NEGATIVE,
            (25.0, "mm"),
            "Clusters whose vertex is farther from the beam axis are rejected.",
        ),
        number(
            "detector.small_pad_radius",
            POSITIVE,
            (152.0, "mm"),
            "Radius of the region of small pads, in which charge is summed.",
        ),
        ParamInfo {
            name: "estimate.min_total_trajectory_points",
            kind: ParamKind::Int { min: 1, max: i64::MAX },
            default: Some(Value::Int(30)),
            unit: "",
            doc: "Clusters with fewer points are rejected.",
        },
        number(
            "estimate.smoothing_factor",
            POSITIVE,
            (100.0, ""),
            "Weight of smoothness against closeness to the points.",
        ),
        compat_param(),
    ]
}
