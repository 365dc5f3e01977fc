//! Events of the merger's formats 1.0 and 2.0: a group for each.

use hdf5::Group;

use crate::data::error::DataError;
use crate::data::hdf::{Block, HdfFile};
use crate::data::raw::{
    Detail, FRIB_SHAPE, GET_SHAPE, GetStamp, LocatedEvent, LocatedFrib, LocatedGet, MODULE_SHAPE,
    MODULES, SILICON, SILICON_ALIASES,
};

/// How the GET data of an event are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Get {
    /// One matrix `get_traces`.
    Traces,
    /// A group `get` with a matrix for each detector.
    Detectors,
}

pub(super) fn locate(
    file: &HdfFile,
    event: u64,
    get: Get,
    detail: Detail,
) -> Result<Option<LocatedEvent>, DataError> {
    let Some(group) = event_group(file, event)? else {
        return Ok(None);
    };
    let get = match get {
        Get::Traces => locate_traces(file, &group, detail)?,
        Get::Detectors => locate_detectors(file, &group, detail)?,
    };
    let frib = locate_frib(file, &group, detail)?;
    let orig_event = event as i64;
    Ok(Some(LocatedEvent { number: event, orig_run: None, orig_event, get, frib }))
}

/// The group of an event, `None` when it is missing.
pub(super) fn event_group(file: &HdfFile, event: u64) -> Result<Option<Group>, DataError> {
    let events = file.group(file.root(), "events", "a group of events")?;
    let name = format!("event_{event}");
    if !events.link_exists(&name) {
        return Ok(None);
    }
    file.group(&events, &name, "the group of an event").map(Some)
}

pub(super) fn locate_traces(
    file: &HdfFile,
    event: &Group,
    detail: Detail,
) -> Result<Option<LocatedGet>, DataError> {
    if !event.link_exists("get_traces") {
        return Ok(None);
    }
    let stamp = match detail {
        Detail::Physics => GetStamp::default(),
        Detail::Everything => stamp(file, &*file.dataset(event, "get_traces", GET_SHAPE.words)?)?,
    };
    let pads = Block::locate(file, event, "get_traces", GET_SHAPE)?;
    Ok(Some(LocatedGet { stamp, pads, silicon: Vec::new() }))
}

pub(super) fn locate_detectors(
    file: &HdfFile,
    event: &Group,
    detail: Detail,
) -> Result<Option<LocatedGet>, DataError> {
    if !event.link_exists("get") {
        return Ok(None);
    }
    let get = file.group(event, "get", "a group of GET matrices")?;
    let pads = Block::locate(file, &get, "pads", GET_SHAPE)?;
    if detail == Detail::Physics {
        let (stamp, silicon) = (GetStamp::default(), Vec::new());
        return Ok(Some(LocatedGet { stamp, pads, silicon }));
    }
    let stamp = stamp(file, &get)?;
    let silicon = locate_silicon(file, &get)?;
    Ok(Some(LocatedGet { stamp, pads, silicon }))
}

/// Finds the silicon detectors in a group of GET matrices, under either of their names.
pub(super) fn locate_silicon(
    file: &HdfFile,
    get: &Group,
) -> Result<Vec<Option<Block<i16>>>, DataError> {
    let locate = |(name, alias): (&&str, &str)| {
        let found = [*name, alias].into_iter().find(|name| get.link_exists(name));
        found.map(|name| Block::locate(file, get, name, GET_SHAPE)).transpose()
    };
    SILICON.iter().zip(SILICON_ALIASES).map(locate).collect()
}

fn stamp(file: &HdfFile, of: &hdf5::Location) -> Result<GetStamp, DataError> {
    let number = |name| file.attribute::<u64>(of, name).map(|number| number.unwrap_or(0));
    Ok(GetStamp {
        id: number("id")?,
        timestamp: number("timestamp")?,
        timestamp_other: number("timestamp_other")?,
    })
}

pub(super) fn locate_frib(
    file: &HdfFile,
    event: &Group,
    detail: Detail,
) -> Result<Option<LocatedFrib>, DataError> {
    if !event.link_exists("frib_physics") {
        return Ok(None);
    }
    let group = file.group(event, "frib_physics", "a group of FRIBDAQ modules")?;
    let mut found = LocatedFrib {
        id: 0,
        timestamp: 0,
        digitizer: None,
        coincidence: None,
        modules: Vec::new(),
    };
    if group.link_exists("1903") {
        found.digitizer = Some(Block::locate(file, &group, "1903", FRIB_SHAPE)?);
    }
    if group.link_exists("977") {
        let words: Vec<u16> = file.numbers(&group, "977", "a coincidence word")?;
        found.coincidence = words.first().copied();
    }
    if detail == Detail::Everything {
        // The merger calls it `id`, the harmonizer `event`.
        let id = match file.attribute(&group, "id")? {
            Some(id) => Some(id),
            None => file.attribute(&group, "event")?,
        };
        found.id = id.unwrap_or(0);
        found.timestamp = file.attribute(&group, "timestamp")?.unwrap_or(0);
        for name in MODULES {
            if group.link_exists(name) {
                found.modules.push((name, Block::locate(file, &group, name, MODULE_SHAPE)?));
            }
        }
    }
    Ok(Some(found))
}
