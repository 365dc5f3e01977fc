//! Scaler records of a run.

use hdf5::Group;

use crate::data::error::DataError;
use crate::data::hdf::HdfFile;

/// What the counts of a record are called, in their order.
pub const SCALER_NAMES: [&str; 11] = [
    "clock_free",
    "clock_live",
    "trigger_free",
    "trigger_live",
    "ic_sca",
    "mesh_sca",
    "si1_cfd",
    "si2_cfd",
    "sipm",
    "ic_ds",
    "ic_cfd",
];

const EXPECTED: &str = "at least 11 scaler counts";

/// The scaler records of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scalers {
    pub records: Vec<ScalerRecord>,
    /// Records within the announced range that the file lacks.
    pub missing: u64,
}

/// One scaler record: what was counted since the one before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScalerRecord {
    pub number: u64,
    /// In the order of [`SCALER_NAMES`].
    pub counts: [u32; 11],
}

pub(super) fn merger(file: &HdfFile) -> Result<Scalers, DataError> {
    let mut scalers = Scalers::default();
    if !file.root().link_exists("scalers") {
        return Ok(scalers);
    }
    let group = file.group(file.root(), "scalers", "a group of scaler records")?;
    let first = file.attribute::<u64>(&group, "min_event")?.unwrap_or(0);
    let Some(last) = file.attribute::<u64>(&group, "max_event")? else {
        return Ok(scalers);
    };
    // A damaged `max_event` must not turn into four thousand million questions to the library.
    let present = group.len();
    for number in first..=last {
        if scalers.records.len() as u64 == present {
            break;
        }
        let name = format!("event_{number}");
        if group.link_exists(&name) {
            scalers.records.push(record(file, &group, &name, number)?);
        }
    }
    scalers.missing = (last + 1).saturating_sub(first) - scalers.records.len() as u64;
    Ok(scalers)
}

/// The legacy layout stores no count: records run until the first missing one.
pub(super) fn legacy(file: &HdfFile) -> Result<Scalers, DataError> {
    let mut scalers = Scalers::default();
    let Ok(group) = file.root().group("frib").and_then(|frib| frib.group("scaler")) else {
        return Ok(scalers);
    };
    for number in 0.. {
        let name = format!("scaler{number}_data");
        if !group.link_exists(&name) {
            break;
        }
        scalers.records.push(record(file, &group, &name, number)?);
    }
    Ok(scalers)
}

fn record(
    file: &HdfFile,
    group: &Group,
    name: &str,
    number: u64,
) -> Result<ScalerRecord, DataError> {
    let numbers: Vec<u32> = file.numbers(group, name, EXPECTED)?;
    let wrong = || DataError::WrongShape {
        path: file.path().to_owned(),
        object: format!("{}/{name}", group.name()).trim_start_matches('/').to_owned(),
        expected: EXPECTED,
        found: format!("({})", numbers.len()),
    };
    let counts = numbers.first_chunk().copied().ok_or_else(wrong)?;
    Ok(ScalerRecord { number, counts })
}
