//! Point clouds from pad traces: baseline, peaks, positions; and the ion chamber of each event.
//!
//! The method is that of Spyral 1.1 (attpc_spyral, phase `PointcloudPhase`), whose peaks in turn
//! are those of SciPy's `find_peaks`. `docs/kernels/attpc.pointcloud.md` lists where this kernel
//! differs. An event goes in as its GET matrix and leaves as rows sorted by z; the result of a
//! trace depends on nothing but the trace, its origin and the parameters, so that events and
//! traces can be split in any way.
//!
//! ```
//! use attpc::kernels::attpc::pointcloud::{Baseline, PeakFinder, PeakParams};
//!
//! let mut trace = vec![300; 512];
//! for (at, height) in [(199, 60), (200, 150), (201, 70)] {
//!     trace[at] += height;
//! }
//! let baseline = Baseline::new(512, 20.0);
//! baseline.subtract(&mut trace, &mut baseline.scratch());
//! let mut finder = PeakFinder::new(PeakParams {
//!     baseline_window_scale: 20.0,
//!     separation: 50.0,
//!     prominence: 20.0,
//!     width: [1.0, 50.0],
//!     relative_height: 0.95,
//!     threshold: 40.0,
//! });
//! let peaks = finder.find(&trace);
//! assert_eq!(peaks.len(), 1);
//! assert_eq!((peaks[0].position, peaks[0].amplitude), (200, 150));
//! ```

mod baseline;
mod cpu;
mod params;
mod peaks;

pub use baseline::Baseline;
pub use cpu::{Cloud, CloudCounts, IonChamber, Origin, Point, PointcloudKernel, Trigger};
pub use params::{Compat, Detector, FribParams, PadTable, Params, PeakParams};
pub use peaks::{Peak, PeakFinder};
