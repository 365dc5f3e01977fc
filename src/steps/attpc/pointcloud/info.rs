//! What `attpc.pointcloud` says of itself.

use crate::model::step::{KernelInfo, ParamInfo, ParamKind, PortInfo};
use crate::model::value::Value;
use crate::steps::attpc::params::{ANY, POSITIVE, compat_param, number};

/// The kernel's ports and parameters.
pub fn info() -> KernelInfo {
    KernelInfo {
        name: "attpc.pointcloud",
        version: 2,
        summary: "Finds the peaks of every pad trace of a raw run and places them in space.",
        inputs: vec![
            port(
                "raw",
                true,
                "Raw run, HDF5: legacy, merger 1.0, merger 2.0 or harmonized layout.",
            ),
            port(
                "drift",
                false,
                "Drift map, NumPy, of attpc.drift_map or of Spyral; without it, no correction.",
            ),
        ],
        outputs: vec![
            port(
                "cloud",
                true,
                "Point clouds, HDF5: `cloud/cloud_{event}` of float64 (points, 8) with columns \
                 x, y, z (mm), amplitude (ADC), integral (ADC TB), pad, time (TB), scale.",
            ),
            port("scaler", false, "Scaler records, Parquet: `event` and eleven counts, int64."),
            port(
                "gated_ic",
                false,
                "Text: the number of downscale events with a clean ion chamber.",
            ),
        ],
        params: [detector(), pad(), get(), frib(), other()].concat(),
        item_names: &["run"],
    }
}

fn port(role: &'static str, required: bool, doc: &'static str) -> PortInfo {
    PortInfo { role, required, many: false, directory: false, named: false, doc }
}

const NOT_NEGATIVE: [f64; 2] = [0.0, f64::INFINITY];

fn detector() -> Vec<ParamInfo> {
    vec![
        number("detector.detector_length", POSITIVE, (1000.0, "mm"), "Drift length."),
        number(
            "detector.micromegas_time_bucket",
            ANY,
            (10.0, "TB"),
            "Time bucket of a charge at the micromegas.",
        ),
        number(
            "detector.window_time_bucket",
            ANY,
            (560.0, "TB"),
            "Time bucket of a charge at the window.",
        ),
    ]
}

fn file(name: &'static str, default: Option<Value>, doc: &'static str) -> ParamInfo {
    ParamInfo { name, kind: ParamKind::File, default, unit: "", doc }
}

fn pad() -> Vec<ParamInfo> {
    vec![
        file("pad.pad_geometry_path", None, "CSV `x,y`: pad centres in mm, row i is pad i."),
        file("pad.pad_time_path", None, "CSV of one column: TB to add to the times of pad i."),
        file("pad.pad_scale_path", None, "CSV of one column: 1.0 for big pads, 0.5 for small."),
        file(
            "pad.beam_pads_path",
            Some(Value::Null),
            "CSV of one column: numbers of pads under the beam, which are left out.",
        ),
    ]
}

fn get() -> Vec<ParamInfo> {
    vec![
        number(
            "get.baseline_window_scale",
            POSITIVE,
            (20.0, ""),
            "Low-pass scale w of the baseline: a mean over 512 / w samples.",
        ),
        number("get.peak_separation", POSITIVE, (50.0, "TB"), "Smallest distance of two peaks."),
        number("get.peak_prominence", NOT_NEGATIVE, (20.0, "ADC"), "Smallest prominence."),
        number("get.peak_max_width", NOT_NEGATIVE, (50.0, "TB"), "Largest width of a peak."),
        number("get.peak_threshold", ANY, (40.0, "ADC"), "Amplitudes must be above this."),
    ]
}

fn frib() -> Vec<ParamInfo> {
    vec![
        number(
            "frib.baseline_window_scale",
            POSITIVE,
            (100.0, ""),
            "Low-pass scale w of the ion chamber's baseline: a mean over 2048 / w samples.",
        ),
        number("frib.peak_separation", POSITIVE, (50.0, "samples"), "Smallest distance."),
        number("frib.peak_prominence", NOT_NEGATIVE, (20.0, "ADC"), "Smallest prominence."),
        number("frib.peak_max_width", NOT_NEGATIVE, (500.0, "samples"), "Largest width."),
        number("frib.peak_threshold", ANY, (100.0, "ADC"), "Amplitudes must be above this."),
        number(
            "frib.ic_delay_time_bucket",
            ANY,
            (1100.0, "samples"),
            "Ion chamber peaks at or before this sample do not count.",
        ),
        ParamInfo {
            name: "frib.ic_multiplicity",
            kind: ParamKind::Int { min: 0, max: i64::MAX },
            default: Some(Value::Int(1)),
            unit: "",
            doc: "Most ion chamber peaks of an event that counts as clean.",
        },
    ]
}

fn other() -> Vec<ParamInfo> {
    vec![
        compat_param(),
        ParamInfo {
            name: "seed",
            kind: ParamKind::Int { min: i64::MIN, max: i64::MAX },
            default: Some(Value::Int(0)),
            unit: "",
            doc: "Seed of the smear below 0.001 TB that keeps z values distinct.",
        },
        ParamInfo {
            name: "events",
            kind: ParamKind::Text,
            default: Some(Value::Text("all".to_owned())),
            unit: "",
            doc: "`all`, or the first and last event of a part of the run, such as `0-999`.",
        },
    ]
}
