//! Finds out which layout a raw run has.

use std::fmt;

use crate::data::error::DataError;
use crate::data::hdf::HdfFile;

/// The layouts in which raw runs were written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Merger before 1.0: `meta`, `get`, `frib`.
    Legacy,
    /// Merger format 1.0: `events/event_{N}/get_traces`.
    Merger1,
    /// Merger format 2.0: `events/event_{N}/get/pads` and silicon detectors.
    Merger2,
    /// Written by the harmonizer: as merger 1.0, events of several runs.
    Harmonized,
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Layout::Legacy => "legacy",
            Layout::Merger1 => "merger 1.0",
            Layout::Merger2 => "merger 2.0",
            Layout::Harmonized => "harmonizer 0.1.0",
        })
    }
}

/// What the top of a file says.
pub(super) struct Found {
    pub layout: Layout,
    pub run: Option<i64>,
    pub range: [i64; 2],
    pub warnings: Vec<String>,
}

const EXPECTED: &str = "top-level `meta`, or `events` with a known `version`";

/// Looks for `meta`, then for `events` and its version.
pub(super) fn detect(file: &HdfFile) -> Result<Found, DataError> {
    if file.root().link_exists("meta") {
        return detect_legacy(file);
    }
    let unknown = |found: String| DataError::UnknownLayout {
        path: file.path().to_owned(),
        expected: EXPECTED,
        found,
    };
    if !file.root().link_exists("events") {
        let mut names = file.root().member_names().unwrap_or_default();
        names.sort();
        return Err(unknown(members(&names)));
    }
    let events = file.group(file.root(), "events", "a group of events")?;
    let version = file
        .text_attribute(&events, "version")
        .ok_or_else(|| unknown("`events` without a text attribute `version`".to_owned()))?;
    let mut warnings = Vec::new();
    let layout = match version.as_str() {
        "libattpc_merger:1.0" | "synchronizer:0.1.0" => Layout::Merger1,
        "libattpc_merger:2.0" => Layout::Merger2,
        "harmonizer:0.1.0" => Layout::Harmonized,
        // The release 0.2.0 of the merger wrote its own number for format 1.0.
        "libattpc_merger:0.2.0" => {
            warnings
                .push("version `libattpc_merger:0.2.0` is read as merger format 1.0".to_owned());
            Layout::Merger1
        }
        other => return Err(unknown(format!("`events` of version `{other}`"))),
    };
    let bound = |name: &str| -> Result<i64, DataError> {
        let expected = "a number on group `events`";
        let missing = || file.missing(&events, &format!("@{name}"), expected);
        file.attribute::<i64>(&events, name)?.ok_or_else(missing)
    };
    let range = [bound("min_event")?, bound("max_event")?];
    // A run that FRIBDAQ did not take part in carries the number zero.
    let run = match layout {
        Layout::Harmonized => None,
        _ => file.attribute::<i64>(&events, "frib_run")?.filter(|run| *run != 0),
    };
    Ok(Found { layout, run, range, warnings })
}

fn detect_legacy(file: &HdfFile) -> Result<Found, DataError> {
    let expected = "numbers (first event, time, last event, time)";
    let meta = file.group(file.root(), "meta", "a group of run facts")?;
    let numbers: Vec<f64> = file.numbers(&meta, "meta", expected)?;
    let &[first, _, last, ..] = numbers.as_slice() else {
        return Err(DataError::WrongShape {
            path: file.path().to_owned(),
            object: "meta/meta".to_owned(),
            expected,
            found: format!("({})", numbers.len()),
        });
    };
    let run = match file.root().group("frib") {
        Ok(frib) if frib.link_exists("runinfo") => {
            let info: Vec<i64> = file.numbers(&frib, "runinfo", "numbers (run, times)")?;
            info.first().copied().filter(|run| *run != 0)
        }
        _ => None,
    };
    let range = [first as i64, last as i64];
    Ok(Found { layout: Layout::Legacy, run, range, warnings: Vec::new() })
}

/// The first few members of a file, for a message.
fn members(names: &[String]) -> String {
    const SHOWN: usize = 5;
    match names {
        [] => "no members at all".to_owned(),
        _ => {
            let shown: Vec<String> = names.iter().take(SHOWN).map(|n| format!("`{n}`")).collect();
            let more = if names.len() > SHOWN { ", …" } else { "" };
            format!("{}{more}", shown.join(", "))
        }
    }
}
