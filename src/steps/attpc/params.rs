//! Parameters that several kernels of the chain declare in the same way.

use crate::kernels::attpc::pointcloud::Compat;
use crate::model::step::{ParamInfo, ParamKind};
use crate::model::value::Value;
use crate::steps::Job;

/// Ranges of numbers.
pub(super) const ANY: [f64; 2] = [f64::NEG_INFINITY, f64::INFINITY];
/// The smallest positive number stands for an open end at zero.
pub(super) const POSITIVE: [f64; 2] = [f64::MIN_POSITIVE, f64::INFINITY];

/// A number with a default.
pub(super) fn number(
    name: &'static str,
    [min, max]: [f64; 2],
    (default, unit): (f64, &'static str),
    doc: &'static str,
) -> ParamInfo {
    let kind = ParamKind::Float { min, max };
    ParamInfo { name, kind, default: Some(Value::Float(default)), unit, doc }
}

/// The choice between doing the right thing and repeating Spyral.
pub(super) fn compat_param() -> ParamInfo {
    ParamInfo {
        name: "compat",
        kind: ParamKind::Choice { of: &["exact", "spyral-1.1"] },
        default: Some(Value::Text("exact".to_owned())),
        unit: "",
        doc: "`spyral-1.1` repeats what Spyral 1.1 does wrong.",
    }
}

/// What was chosen.
pub(super) fn compat(job: &Job<'_>) -> Compat {
    match job.text("compat") {
        Some("spyral-1.1") => Compat::Spyral11,
        _ => Compat::Exact,
    }
}
