//! Events of harmonized files: as merger format 1.0, with where each came from.

use crate::data::error::DataError;
use crate::data::hdf::HdfFile;
use crate::data::raw::{Detail, LocatedEvent, merger};

pub(super) fn locate(
    file: &HdfFile,
    event: u64,
    detail: Detail,
) -> Result<Option<LocatedEvent>, DataError> {
    let Some(group) = merger::event_group(file, event)? else {
        return Ok(None);
    };
    // Files that were harmonized from format 2.0 keep its group of detectors.
    let get = match merger::locate_traces(file, &group, detail)? {
        Some(get) => Some(get),
        None => merger::locate_detectors(file, &group, detail)?,
    };
    let frib = merger::locate_frib(file, &group, detail)?;
    let orig_run = file.attribute::<i64>(&group, "orig_run")?;
    let orig_event = file.attribute::<i64>(&group, "orig_event")?.unwrap_or(event as i64);
    Ok(Some(LocatedEvent { number: event, orig_run, orig_event, get, frib }))
}
