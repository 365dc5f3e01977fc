//! The kernel `attpc.figure.rates`: files of all phases to counts and rates run by run.

use crate::kernels::attpc::figure::rates::{self, RatesSheet};
use crate::model::step::{KernelInfo, ParamInfo, ParamKind};
use crate::model::value::Value;
use crate::steps::attpc::figure::{PICTURE, write_picture};
use crate::steps::attpc::run_counts::{self, ports};
use crate::steps::attpc::window::{optional_float, window, window_params};
use crate::steps::{Job, StepError, StepSummary};

const CLOCK: &str = "scaler_clock_frequency";

/// What `attpc.figure.rates` says of itself.
pub fn info() -> KernelInfo {
    let mut params = window_params();
    params.push(ParamInfo {
        name: CLOCK,
        kind: ParamKind::Float { min: 1e-3, max: 1e12 },
        default: Some(Value::Null),
        unit: "Hz",
        doc: "ticks of `clock_free` in a second; absent: rates are per scaler record",
    });
    KernelInfo {
        name: "attpc.figure.rates",
        version: 1,
        summary: "Draws counts of each phase, scalers and the ion chamber, run by run.",
        inputs: ports(true),
        outputs: vec![PICTURE],
        params,
        item_names: &[],
    }
}

/// Draws the picture.
pub fn run(job: &Job<'_>) -> Result<StepSummary, StepError> {
    let window = window(job)?;
    let counts = run_counts::count(job)?;
    let mut summary = StepSummary::default();
    if counts.amplitudes.is_empty() {
        let words = "no cloud has a good ion chamber pulse, its spectrum is empty";
        summary.warnings.push(words.to_owned());
    }
    let sheet = RatesSheet {
        stages: &counts.stages,
        runs: &counts.runs,
        amplitudes: &counts.amplitudes,
        window,
        clock_hz: optional_float(job, CLOCK),
    };
    write_picture(job, &rates::draw(&sheet))?;
    Ok(summary)
}
