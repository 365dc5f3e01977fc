//! Turns the step's parameters and files into a kernel that is ready to run.

use std::ops::Range;
use std::path::Path;

use crate::data::error::DataError;
use crate::data::raw::RawRun;
use crate::data::table::{Row, expect_rows, read_csv, read_csv_lines};
use crate::kernels::attpc::drift::DriftCorrection;
use crate::kernels::attpc::pointcloud::{
    Compat, Detector, FribParams, PadTable, Params, PeakParams, PointcloudKernel,
};
use crate::kernels::gpu::traces::TraceSearch;
use crate::model::value::Value;
use crate::steps::attpc::drift_map::read_drift_map;
use crate::steps::attpc::params::compat;
use crate::steps::{Job, StepError};

/// Parameters that do not fit each other.
#[derive(Debug, thiserror::Error)]
pub enum PointcloudError {
    #[error(
        "`window_time_bucket` is `{window}`, must be above `micromegas_time_bucket`, which is \
         `{micromegas}`"
    )]
    NoDrift { micromegas: f64, window: f64 },
    #[error("`events` is `{found}`, must be `all` or a range such as `0-999`")]
    EventRange { found: String },
}

/// A run with everything that its clouds depend on.
pub(super) struct Setup {
    pub run: RawRun,
    pub params: Params,
    pub compat: Compat,
    pub kernel: PointcloudKernel,
    /// The peak search on a GPU, where the step computes on one.
    pub search: Option<TraceSearch>,
    /// Run of events that do not say it themselves.
    pub run_number: i64,
    /// Events to go through.
    pub events: Range<u64>,
    /// What the output says of its range: what the input says, or the part that was asked for.
    pub written_range: [i64; 2],
    pub warnings: Vec<String>,
}

impl Setup {
    pub fn read(job: &Job<'_>) -> Result<Setup, StepError> {
        let compat = compat(job);
        let params = read_params(job)?;
        let mut warnings = Vec::new();
        let pads = read_pads(job, &mut warnings)?;
        let drift = match job.input("drift") {
            Some(path) => Some(DriftCorrection::new(read_drift_map(Path::new(path))?, compat)),
            None => None,
        };
        let run = RawRun::open(Path::new(job.input("raw").expect("`raw` is required")))?;
        warnings.extend(run.warnings().iter().cloned());
        let run_number = run_number(job, &run, &mut warnings);
        let whole = match compat {
            Compat::Exact => run.events(),
            Compat::Spyral11 => run.spyral_events(),
        };
        let part = parse_events(job.text("events").unwrap_or("all"))?;
        let (events, written_range) = match part {
            None => (whole, run.written_range()),
            Some([first, last]) => {
                let events = whole.start.max(first)..whole.end.min(last.saturating_add(1));
                (events, [first as i64, last as i64])
            }
        };
        if events.is_empty() {
            warnings.push("the run has no events in the range that was asked for".to_owned());
        }
        let kernel = PointcloudKernel::new(params.clone(), pads, drift);
        let search = job.gpu()?.map(|device| kernel.search_on(device)).transpose()?;
        Ok(Setup {
            run,
            params,
            compat,
            kernel,
            search,
            run_number,
            events,
            written_range,
            warnings,
        })
    }
}

fn read_params(job: &Job<'_>) -> Result<Params, PointcloudError> {
    let detector = Detector {
        length_mm: job.float("detector.detector_length"),
        micromegas_tb: job.float("detector.micromegas_time_bucket"),
        window_tb: job.float("detector.window_time_bucket"),
    };
    if detector.micromegas_tb >= detector.window_tb {
        let (micromegas, window) = (detector.micromegas_tb, detector.window_tb);
        return Err(PointcloudError::NoDrift { micromegas, window });
    }
    let peaks = |group: &str, narrowest: f64, relative_height: f64| {
        let number = |name: &str| job.float(&format!("{group}.{name}"));
        PeakParams {
            baseline_window_scale: number("baseline_window_scale"),
            separation: number("peak_separation"),
            prominence: number("peak_prominence"),
            width: [narrowest, number("peak_max_width")],
            relative_height,
            threshold: number("peak_threshold"),
        }
    };
    Ok(Params {
        detector,
        // Narrowest widths and relative heights are fixed in the peer as well.
        get: peaks("get", 1.0, 0.95),
        frib: FribParams {
            peaks: peaks("frib", 0.0, 0.85),
            ic_delay: job.float("frib.ic_delay_time_bucket"),
            ic_multiplicity: job.int("frib.ic_multiplicity"),
        },
        seed: job.int("seed"),
    })
}

fn read_pads(job: &Job<'_>, warnings: &mut Vec<String>) -> Result<PadTable, StepError> {
    let path = |name| Path::new(job.file(name).expect("the pad tables are required"));
    let [geometry, time, scale] =
        ["pad.pad_geometry_path", "pad.pad_time_path", "pad.pad_scale_path"].map(path);
    let xy = read_csv::<2>(geometry)?;
    let column = |path: &Path| -> Result<Vec<Row<1>>, DataError> {
        let rows = read_csv_lines::<1>(path)?;
        expect_rows(path, &rows, (geometry, xy.len()))?;
        Ok(rows)
    };
    let (time, scales) = (column(time)?, column(scale)?);
    // A scale is the size of a pad relative to the big ones.
    if let Some(row) = scales.iter().find(|row| row.values[0] <= 0.0) {
        return Err(bad_line(scale, row, "a scale above 0".to_owned()).into());
    }
    let values = |rows: Vec<Row<1>>| rows.into_iter().map(|row| row.values[0]).collect();
    let (time, scale) = (values(time), values(scales));
    let pads = xy.len();
    let mut ignored = vec![false; pads];
    match job.file("pad.beam_pads_path") {
        None => warnings.push("no `pad.beam_pads_path` is given, so no pad is left out".to_owned()),
        Some(path) => {
            for row in read_csv_lines::<1>(Path::new(path))? {
                let [pad] = row.values;
                let whole = pad.fract() == 0.0 && pad >= 0.0;
                let known = ignored.get_mut(pad as usize).filter(|_| whole);
                let expected = || format!("a pad, a whole number below {pads}");
                *known.ok_or_else(|| bad_line(Path::new(path), &row, expected()))? = true;
            }
        }
    }
    Ok(PadTable { xy, time, scale, ignored })
}

fn bad_line(path: &Path, row: &Row<1>, expected: String) -> DataError {
    let (path, line, found) = (path.to_owned(), row.line, row.values[0].to_string());
    DataError::TableLine { path, line, found, expected }
}

/// The run number as the file says it, else the item's, else -1.
fn run_number(job: &Job<'_>, run: &RawRun, warnings: &mut Vec<String>) -> i64 {
    let item = job.item("run").and_then(|value| match value {
        Value::Int(number) => Some(*number),
        Value::Text(text) => text.parse().ok(),
        _ => None,
    });
    match (run.run_number(), item) {
        (Some(file), Some(item)) if file != item => {
            warnings.push(format!("the file says run `{file}`, its name says run `{item}`"));
            file
        }
        (Some(number), _) | (None, Some(number)) => number,
        (None, None) => -1,
    }
}

fn parse_events(text: &str) -> Result<Option<[u64; 2]>, PointcloudError> {
    if text == "all" {
        return Ok(None);
    }
    let bounds = text.split_once('-').and_then(|(first, last)| {
        let bounds = [first.trim().parse().ok()?, last.trim().parse().ok()?];
        (bounds[0] <= bounds[1] && bounds[1] < i64::MAX as u64).then_some(bounds)
    });
    bounds.map(Some).ok_or_else(|| PointcloudError::EventRange { found: text.to_owned() })
}
