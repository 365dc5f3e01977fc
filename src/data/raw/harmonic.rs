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
    let mut get = merger::locate_traces(file, &group, detail)?;
    // Events of format 2.0 keep their silicon detectors in a group beside the traces.
    if let (Some(get), Detail::Everything, true) = (&mut get, detail, group.link_exists("get")) {
        let detectors = file.group(&group, "get", "a group of GET matrices")?;
        get.silicon = merger::locate_silicon(file, &detectors)?;
    }
    let frib = merger::locate_frib(file, &group, detail)?;
    let orig_run = file.attribute::<i64>(&group, "orig_run")?;
    let orig_event = file.attribute::<i64>(&group, "orig_event")?.unwrap_or(event as i64);
    Ok(Some(LocatedEvent { number: event, orig_run, orig_event, get, frib }))
}
