//! The ion chamber window, which several kernels take as two parameters that go together.

use crate::model::step::{ParamInfo, ParamKind};
use crate::model::value::Value;
use crate::steps::{Job, StepError};

const NAMES: [&str; 2] = ["ic_min_val", "ic_max_val"];

/// The two parameters; both may be absent.
pub(super) fn window_params() -> Vec<ParamInfo> {
    let end = |name, doc| ParamInfo {
        name,
        kind: ParamKind::Float { min: f64::NEG_INFINITY, max: f64::INFINITY },
        default: Some(Value::Null),
        unit: "ADC",
        doc,
    };
    vec![
        end(NAMES[0], "lower end of the ion chamber window, exclusive; drawn when both are given"),
        end(NAMES[1], "upper end of the ion chamber window, exclusive"),
    ]
}

/// The ends of the window, or nothing when neither is given.
pub(super) fn window(job: &Job<'_>) -> Result<Option<[f64; 2]>, StepError> {
    match NAMES.map(|name| optional_float(job, name)) {
        [Some(from), Some(to)] => Ok(Some([from, to])),
        [None, None] => Ok(None),
        [Some(_), None] => Err(StepError::HalfWindow { given: NAMES[0], missing: NAMES[1] }),
        [None, Some(_)] => Err(StepError::HalfWindow { given: NAMES[1], missing: NAMES[0] }),
    }
}

/// A number parameter that may be absent.
pub(super) fn optional_float(job: &Job<'_>, name: &str) -> Option<f64> {
    match job.value(name) {
        Value::Null => None,
        _ => Some(job.float(name)),
    }
}
