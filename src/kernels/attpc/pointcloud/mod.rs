//! Point clouds from pad traces: baseline, peaks, positions; and the ion chamber of each event.
//!
//! The method is that of Spyral 1.1 (attpc_spyral, phase `PointcloudPhase`), whose peaks in turn
//! are those of SciPy's `find_peaks`. `docs/kernels/attpc.pointcloud.md` lists where this kernel
//! differs. An event goes in as its GET matrix and leaves as rows sorted by z; the result of a
//! trace depends on nothing but the trace, its origin and the parameters, so that events and
//! traces can be split in any way.

mod baseline;
mod cpu;
mod params;
mod peaks;

pub use baseline::Baseline;
pub use cpu::{Cloud, CloudCounts, IonChamber, Origin, Point, PointcloudKernel, Trigger};
pub use params::{Compat, Detector, FribParams, PadTable, Params, PeakParams};
pub use peaks::{Peak, PeakFinder};
