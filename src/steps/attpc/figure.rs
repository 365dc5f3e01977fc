//! The kernels `attpc.figure.event` and `attpc.figure.run`: point clouds to SVG files. Pictures of
//! later phases are the modules below.

pub mod kinematics;
pub mod pid;
pub mod rates;
pub mod tracks;
#[cfg(test)]
mod table_tests;

use std::path::Path;

use crate::data::cloud_reader::{CloudFile, StoredCloud};
use crate::data::error::DataError;
use crate::kernels::attpc::figure::choice::merit;
use crate::kernels::attpc::figure::event::{self, EventSheet};
use crate::kernels::attpc::figure::run::RunSheet;
use crate::kernels::attpc::figure::{Hit, IonChamber, Volume};
use crate::model::step::{KernelInfo, ParamInfo, ParamKind, PortInfo, Progress};
use crate::model::value::Value;
use crate::steps::{Job, StepError, StepSummary};

/// What every kernel of pictures makes.
pub(super) const PICTURE: PortInfo = PortInfo {
    role: "picture",
    required: true,
    many: false,
    directory: false,
    named: false,
    doc: "SVG, opened by any browser",
};

/// What `attpc.figure.event` says of itself.
pub fn event_info() -> KernelInfo {
    let mut params = vec![ParamInfo {
        name: "event",
        kind: ParamKind::Any,
        default: Some(Value::Text("auto".to_owned())),
        unit: "",
        doc: "number of the event, or \"auto\": the one with most points that has a clean track",
    }];
    params.extend(volume_params());
    KernelInfo {
        name: "attpc.figure.event",
        version: 2,
        summary: "Draws one event: pad plane, side views along the drift, and three dimensions.",
        inputs: vec![PortInfo { many: false, ..clouds() }],
        outputs: vec![PICTURE],
        params,
        item_names: &[],
    }
}

/// What `attpc.figure.run` says of itself.
pub fn run_info() -> KernelInfo {
    KernelInfo {
        name: "attpc.figure.run",
        version: 2,
        summary: "Draws runs at a glance: pad occupancy, spectra, and the course of the run.",
        inputs: vec![clouds()],
        outputs: vec![PICTURE],
        params: volume_params(),
        item_names: &[],
    }
}

fn clouds() -> PortInfo {
    PortInfo {
        role: "cloud",
        required: true,
        many: true,
        directory: false,
        named: false,
        doc: "HDF5 in the Pointcloud layout, of attpc.pointcloud or of Spyral",
    }
}

fn volume_params() -> Vec<ParamInfo> {
    let length = |name, default, doc| ParamInfo {
        name,
        kind: ParamKind::Float { min: 1.0, max: 1e5 },
        default: Some(Value::Float(default)),
        unit: "mm",
        doc,
    };
    vec![
        length("detector_length", 1000.0, "window to pad plane; the drift axis of the picture"),
        length("pad_plane_radius", 280.0, "radius of the pad plane that is drawn"),
        length("beam_region_radius", 25.0, "radius of the beam region that is marked"),
    ]
}

fn volume(job: &Job<'_>) -> Volume {
    Volume {
        length: job.float("detector_length"),
        radius: job.float("pad_plane_radius"),
        beam_radius: job.float("beam_region_radius"),
    }
}

/// Draws one event.
pub fn run_event(job: &Job<'_>) -> Result<StepSummary, StepError> {
    let path = Path::new(job.input("cloud").expect("the port is required"));
    let file = CloudFile::open(path)?;
    let mut summary = StepSummary::default();
    let chosen = match job.value("event") {
        Value::Int(number) => Some(file.read(*number)?),
        Value::Text(text) if text == "auto" => choose(job, &file, &mut summary)?,
        other => {
            return Err(StepError::BadEvent { value: other.to_string() });
        }
    };
    let hits = chosen.as_ref().map(hits_of).unwrap_or_default();
    let sheet = EventSheet {
        run: chosen.as_ref().map_or(-1, |cloud| cloud.orig_run),
        event: chosen.as_ref().map_or(-1, |cloud| cloud.event),
        hits: &hits,
        ion_chamber: chosen.as_ref().and_then(pulse_of),
        volume: volume(job),
    };
    write_picture(job, &event::draw(&sheet))?;
    Ok(summary)
}

/// The event with the greatest merit, the first of equals; nothing where the file has no events.
fn choose(
    job: &Job<'_>,
    file: &CloudFile,
    summary: &mut StepSummary,
) -> Result<Option<StoredCloud>, StepError> {
    let mut best = None;
    let total = file.events().len() as u64;
    for (at, event) in file.events().iter().enumerate() {
        let merit = merit(&hits_of(&file.read(*event)?), volume(job));
        if best.is_none_or(|(_, highest)| merit > highest) {
            best = Some((*event, merit));
        }
        report(job, (at as u64 + 1, total), &[]);
    }
    match best {
        None => summary.warnings.push("the file has no events, the picture is empty".to_owned()),
        Some((event, merit)) if !merit.clean => {
            let text = format!("no event has a clean track, event {event} has most points");
            summary.warnings.push(text);
        }
        Some(_) => {}
    }
    best.map(|(event, _)| file.read(event)).transpose().map_err(StepError::from)
}

/// Draws one or many runs.
pub fn run_run(job: &Job<'_>) -> Result<StepSummary, StepError> {
    let files = job
        .inputs("cloud")
        .into_iter()
        .map(|path| CloudFile::open(Path::new(path)))
        .collect::<Result<Vec<_>, _>>()?;
    let total = files.iter().map(|file| file.events().len() as u64).sum();
    let mut sheet = RunSheet::new(volume(job));
    for file in &files {
        for event in file.events() {
            let cloud = file.read(*event)?;
            sheet.add(cloud.orig_run, &hits_of(&cloud), pulse_of(&cloud));
            let points = sheet.points() as f64;
            report(job, (sheet.events() as u64, total), &[("points", points)]);
        }
    }
    let mut summary = StepSummary::default();
    if total == 0 {
        summary.warnings.push("no file has events, the picture is empty".to_owned());
    }
    write_picture(job, &sheet.draw())?;
    Ok(summary)
}

fn report(job: &Job<'_>, (done, total): (u64, u64), counts: &[(&str, f64)]) {
    let counts = counts.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
    job.report(Progress { done, total, unit: "events".to_owned(), counts });
}

fn hits_of(cloud: &StoredCloud) -> Vec<Hit> {
    cloud
        .rows
        .iter()
        .map(|[x, y, z, amplitude, integral, pad, _, scale]| Hit {
            position: [*x, *y, *z],
            amplitude: *amplitude,
            charge: *integral,
            pad: *pad as u32,
            scale: *scale,
        })
        .collect()
}

fn pulse_of(cloud: &StoredCloud) -> Option<IonChamber> {
    cloud.ion_chamber.map(|pulse| IonChamber {
        amplitude: pulse.amplitude,
        multiplicity: pulse.multiplicity as i64,
    })
}

/// Writes the picture of a step.
pub(super) fn write_picture(job: &Job<'_>, svg: &str) -> Result<(), DataError> {
    let path = Path::new(job.output("picture").expect("the port is required"));
    std::fs::write(path, svg).map_err(|source| DataError::Write { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::PathBuf;

    use super::*;
    use crate::model::step::StepSpec;

    fn reference() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/data/attpc/reference/Pointcloud/run_0104.h5")
    }

    /// Runs a kernel on clouds that Spyral wrote.
    fn draw(kernel: &str, event: Option<Value>) -> Result<String, StepError> {
        let space = tempfile::tempdir().unwrap();
        let picture = space.path().join("picture.svg");
        let path = |path: &Path| (String::new(), path.to_str().unwrap().to_owned());
        let params = event.map(|event| ("event".to_owned(), event)).into_iter().collect();
        let spec = StepSpec {
            kernel: kernel.to_owned(),
            params: Value::Map(params),
            item: BTreeMap::new(),
            inputs: vec![path(&reference())],
            outputs: vec![path(&picture)],
            cores: 1,
            progress: None,
        };
        let summary = crate::steps::run(&spec, &|_| ())?;
        assert_eq!(summary.warnings, Vec::<String>::new());
        Ok(std::fs::read_to_string(picture).unwrap())
    }

    #[test]
    fn the_chosen_event_is_a_clean_track() {
        let svg = draw("attpc.figure.event", None).unwrap();
        assert!(svg.contains("AT-TPC run 104, event 2<"), "{}", &svg[..600]);
        assert!(svg.contains("546 points on 474 pads"));
        assert_eq!(svg, draw("attpc.figure.event", Some(Value::Text("auto".to_owned()))).unwrap());
    }

    #[test]
    fn an_event_can_be_named() {
        let svg = draw("attpc.figure.event", Some(Value::Int(9))).unwrap();
        assert!(svg.contains("AT-TPC run 104, event 9<"));
        assert!(svg.contains("ion chamber 639 ADC, multiplicity 1"));
        let absent = draw("attpc.figure.event", Some(Value::Int(21))).unwrap_err().to_string();
        assert!(absent.starts_with("missing `cloud/cloud_21`"), "{absent}");
        let wrong = draw("attpc.figure.event", Some(Value::Bool(true))).unwrap_err().to_string();
        assert_eq!(wrong, "`event` is `true`, must be a number or \"auto\"");
    }

    #[test]
    fn a_run_is_drawn_whole() {
        let svg = draw("attpc.figure.run", None).unwrap();
        assert!(svg.contains("20 events  ·  5708 points  ·  285.4 points per event"));
        assert!(svg.contains("18 with a good ion chamber pulse (90 %)"));
    }
}
