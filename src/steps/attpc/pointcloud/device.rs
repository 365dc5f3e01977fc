//! The step with a GPU: the threads read the traces of a batch, the device finds their peaks, the
//! threads make the points. All but the peak search is as on the processor.

use rayon::prelude::*;

use crate::data::error::DataError;
use crate::data::raw::LocatedEvent;
use crate::kernels::attpc::pointcloud::Cloud;
use crate::kernels::gpu::traces::TraceSearch;
use crate::steps::StepError;
use crate::steps::attpc::pointcloud::setup::Setup;
use crate::steps::attpc::pointcloud::{Finished, TRACES_PER_TASK, see};

/// Cells of a row of a GET matrix: five that say where, then 512 samples.
const ROW: usize = 517;

/// An event with its traces, where its cloud is wanted.
type Read = (Finished, Option<Vec<i16>>);

/// Computes a batch, in order.
pub(super) fn compute(
    setup: &Setup,
    search: &TraceSearch,
    batch: &[LocatedEvent],
) -> Result<Vec<Finished>, StepError> {
    let read: Vec<Result<Read, DataError>> =
        batch.par_iter().map(|event| read(setup, event)).collect();
    // The first error by event number, whichever thread met one first.
    let events = read.into_iter().collect::<Result<Vec<_>, _>>()?;
    let cells: Vec<&[i16]> = events.iter().filter_map(|(_, cells)| cells.as_deref()).collect();
    let found = search.find(&cells.concat(), ROW)?;
    let mut rest = &found[..];
    let parts: Vec<_> = events
        .into_iter()
        .map(|(finished, cells)| {
            let rows = cells.as_ref().map_or(0, |cells| cells.len() / ROW);
            let (own, after) = rest.split_at(rows);
            rest = after;
            (finished, cells, own)
        })
        .collect();
    let finish = |(mut finished, cells, own): (Finished, Option<Vec<i16>>, &[_])| {
        let points = |cells: Vec<i16>| setup.kernel.points_of(finished.origin, &cells, own);
        finished.cloud = cells.map(|cells| Cloud::join([points(cells)]));
        finished
    };
    Ok(parts.into_par_iter().map(finish).collect())
}

/// Reads what is needed of an event.
fn read(setup: &Setup, event: &LocatedEvent) -> Result<Read, DataError> {
    let (finished, wanted) = see(setup, event)?;
    if !wanted {
        return Ok((finished, None));
    }
    let parts: Vec<Result<Vec<i16>, DataError>> = event
        .pad_parts(TRACES_PER_TASK)
        .into_par_iter()
        .map(|traces| setup.run.load_pads(event, traces))
        .collect();
    let parts = parts.into_iter().collect::<Result<Vec<_>, _>>()?;
    Ok((finished, Some(parts.concat())))
}
