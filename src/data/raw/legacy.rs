//! Events of the legacy layout: all arrays side by side in `get` and `frib/evt`.

use crate::data::error::DataError;
use crate::data::hdf::{Block, HdfFile};
use crate::data::raw::{
    Detail, FRIB_SHAPE, GET_SHAPE, GetStamp, LocatedEvent, LocatedFrib, LocatedGet,
};

pub(super) fn locate(
    file: &HdfFile,
    event: u64,
    detail: Detail,
) -> Result<Option<LocatedEvent>, DataError> {
    let get = file.group(file.root(), "get", "a group of GET matrices")?;
    let data = format!("evt{event}_data");
    let get = if get.link_exists(&data) {
        let stamp = match detail {
            Detail::Physics => GetStamp::default(),
            Detail::Everything => stamp(file, &get, event)?,
        };
        let pads = Block::locate(file, &get, &data, GET_SHAPE)?;
        Some(LocatedGet { stamp, pads, silicon: Vec::new() })
    } else {
        None
    };
    let frib = locate_frib(file, event, detail)?;
    if get.is_none() && frib.is_none() {
        return Ok(None);
    }
    let orig_event = event as i64;
    Ok(Some(LocatedEvent { number: event, orig_run: None, orig_event, get, frib }))
}

fn stamp(file: &HdfFile, get: &hdf5::Group, event: u64) -> Result<GetStamp, DataError> {
    let name = format!("evt{event}_header");
    let numbers: Vec<f64> = file.numbers(get, &name, "numbers (event, two times)")?;
    let at = |index: usize| numbers.get(index).map_or(0, |number| *number as u64);
    Ok(GetStamp { id: at(0), timestamp: at(1), timestamp_other: at(2) })
}

fn locate_frib(
    file: &HdfFile,
    event: u64,
    detail: Detail,
) -> Result<Option<LocatedFrib>, DataError> {
    let Ok(group) = file.root().group("frib").and_then(|frib| frib.group("evt")) else {
        return Ok(None);
    };
    let names = ["1903", "977", "header"].map(|name| format!("evt{event}_{name}"));
    let [digitizer, coincidence, header] = names.each_ref().map(|name| group.link_exists(name));
    if !digitizer && !coincidence {
        return Ok(None);
    }
    let mut found = LocatedFrib {
        id: event,
        timestamp: 0,
        digitizer: None,
        coincidence: None,
        modules: Vec::new(),
    };
    if digitizer {
        found.digitizer = Some(Block::locate(file, &group, &names[0], FRIB_SHAPE)?);
    }
    if coincidence {
        let words: Vec<u16> = file.numbers(&group, &names[1], "a coincidence word")?;
        found.coincidence = words.first().copied();
    }
    if header && detail == Detail::Everything {
        let numbers: Vec<u64> = file.numbers(&group, &names[2], "numbers (event, time)")?;
        if let [id, timestamp, ..] = numbers.as_slice() {
            (found.id, found.timestamp) = (*id, *timestamp);
        }
    }
    Ok(Some(found))
}
