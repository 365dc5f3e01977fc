//! Distances of measured points to model tracks, for many tracks and parameter sets at once.
//!
//! This is the inner part of the solver's objective. Everything that is decided for a set of
//! parameters, above all which nodes of the mesh are mixed and how, is decided on the CPU and
//! enters as a [`Placement`]; the device mixes, compares and adds.

use crate::kernels::gpu::launch::{Argument, Grid};
use crate::kernels::gpu::{Buffer, Device, Function, GpuError};

/// Most time steps whose positions fit into the fast memory of a block.
pub const STEPS_MAX: usize = 4000;
/// Whole numbers of a placement, as in `objective.cu`.
pub(super) const WHOLE: usize = 7;
/// Most distances that one launch hands back: 64 MiB.
const DISTANCES_PER_LAUNCH: usize = 8 << 20;
/// Most placements of one launch.
const PLACEMENTS_PER_LAUNCH: usize = 1 << 16;
const PTX: &str = include_str!("objective.ptx");
/// Threads of a block, as in `objective.cu`.
const THREADS: u32 = 128;

/// The shape of a track mesh `mesh[polar, ke, axis, time]`, time innermost, positions in metres.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MeshShape {
    pub steps: usize,
    pub ke_bins: usize,
    pub polar_bins: usize,
}

impl MeshShape {
    /// Numbers in the mesh.
    pub fn len(&self) -> usize {
        self.steps * 3 * self.ke_bins * self.polar_bins
    }

    /// True when the mesh holds nothing.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of a node, as [`Placement::nodes`] takes it.
    pub fn node(&self, ke: usize, polar: usize) -> usize {
        polar * self.ke_bins + ke
    }
}

/// A measured point: position in metres and the weight of its distance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WeightedPoint {
    pub at: [f64; 3],
    pub weight: f64,
}

/// A model track for one set of parameters, and the measured track it is compared with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Placement {
    /// Number of the measured track.
    pub track: usize,
    /// Nodes of the mesh (see [`MeshShape::node`]) with their shares in the model.
    pub nodes: [usize; 4],
    pub shares: [f64; 4],
    /// Cosine and sine of the azimuth, about z.
    pub turn: [f64; 2],
    /// Metres.
    pub vertex: [f64; 3],
}

/// Measured tracks, one after the other.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TrackSet {
    /// x, y, z, weight of each point.
    pub(super) points: Vec<f64>,
    /// Where each track begins, and where the last one ends.
    starts: Vec<usize>,
}

impl TrackSet {
    /// Tracks in the order by which placements number them.
    ///
    /// # Errors
    /// More points than a launch can number.
    pub fn new<'t>(
        tracks: impl IntoIterator<Item = &'t [WeightedPoint]>,
    ) -> Result<TrackSet, GpuError> {
        let mut set = TrackSet { points: Vec::new(), starts: vec![0] };
        for track in tracks {
            if track.len() > DISTANCES_PER_LAUNCH {
                return Err(GpuError::ManyPoints { points: track.len() });
            }
            let numbers = track.iter().flat_map(|p| [p.at[0], p.at[1], p.at[2], p.weight]);
            set.points.extend(numbers);
            set.starts.push(set.points.len() / 4);
        }
        let points = set.points.len() / 4;
        if i32::try_from(points).is_err() { Err(GpuError::ManyPoints { points }) } else { Ok(set) }
    }

    /// Points of a track.
    pub fn points_of(&self, track: usize) -> usize {
        self.starts[track + 1] - self.starts[track]
    }
}

/// The arguments of one launch.
#[derive(Clone, Debug, Default)]
pub(super) struct Batch {
    pub whole: Vec<i32>,
    pub numbers: Vec<f64>,
    /// Distances of all placements together.
    pub distances: usize,
}

impl Batch {
    fn add(&mut self, tracks: &TrackSet, placement: &Placement) {
        let index =
            |n: usize| i32::try_from(n).expect("limits of sets and launches are below 2^31");
        let points = tracks.points_of(placement.track);
        let head = [tracks.starts[placement.track], points, self.distances];
        self.whole.extend(head.into_iter().chain(placement.nodes).map(index));
        self.numbers.extend(placement.shares);
        self.numbers.extend(placement.turn.into_iter().chain(placement.vertex));
        self.distances += points;
    }

    pub fn placements(&self) -> usize {
        self.whole.len() / WHOLE
    }
}

/// Splits placements into launches of bounded size.
pub(super) fn batches(tracks: &TrackSet, placements: &[Placement]) -> Vec<Batch> {
    let mut batches: Vec<Batch> = Vec::new();
    for placement in placements {
        let full = |batch: &Batch| {
            batch.placements() == PLACEMENTS_PER_LAUNCH
                || batch.distances + tracks.points_of(placement.track) > DISTANCES_PER_LAUNCH
        };
        if batches.last().is_none_or(full) {
            batches.push(Batch::default());
        }
        batches.last_mut().expect("one was pushed").add(tracks, placement);
    }
    batches
}

/// What is wanted of a launch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The sum of weighted distances of each placement.
    Sums,
    /// Each weighted distance, placement after placement.
    Distances,
}

/// The objective on a device, over one mesh that stays in its memory.
#[derive(Debug)]
pub struct TrackDistances {
    device: Device,
    function: Function,
    mesh: Buffer<f32>,
    shape: MeshShape,
    tracks: TrackSet,
    points: Buffer<f64>,
}

impl TrackDistances {
    /// Copies a mesh to the device.
    ///
    /// # Errors
    /// Too many time steps, no memory for the mesh, or the driver refuses the kernel.
    pub fn new(device: Device, shape: MeshShape, mesh: &[f32]) -> Result<TrackDistances, GpuError> {
        assert_eq!(mesh.len(), shape.len(), "the mesh has its shape");
        if shape.steps > STEPS_MAX {
            return Err(GpuError::ManySteps { steps: shape.steps, most: STEPS_MAX });
        }
        let function = device.load(PTX, "distances")?;
        let mesh = device.upload("the track mesh", mesh)?;
        let points = device.zeros("the measured points", 1)?;
        let tracks = TrackSet { points: Vec::new(), starts: vec![0] };
        Ok(TrackDistances { device, function, mesh, shape, tracks, points })
    }

    /// The device that computes.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Copies measured tracks to the device, in place of those before.
    ///
    /// # Errors
    /// No memory for them.
    pub fn load(&mut self, tracks: TrackSet) -> Result<(), GpuError> {
        if !tracks.points.is_empty() {
            self.points = self.device.upload("the measured points", &tracks.points)?;
        }
        self.tracks = tracks;
        Ok(())
    }

    /// What is wanted of each placement.
    ///
    /// # Errors
    /// Out of memory, or the device fails.
    pub fn evaluate(&self, placements: &[Placement], wanted: Wanted) -> Result<Vec<f64>, GpuError> {
        let nodes = self.shape.ke_bins * self.shape.polar_bins;
        let inside = |p: &Placement| p.nodes.iter().all(|&node| node < nodes);
        assert!(placements.iter().all(inside), "placements name nodes of the mesh");
        let mut found = Vec::new();
        for batch in batches(&self.tracks, placements) {
            found.extend(self.launch(&batch, wanted)?);
        }
        Ok(found)
    }

    #[expect(unsafe_code, reason = "a kernel is launched")]
    fn launch(&self, batch: &Batch, wanted: Wanted) -> Result<Vec<f64>, GpuError> {
        let whole = self.device.upload("the placements", &batch.whole)?;
        let numbers = self.device.upload("the placements", &batch.numbers)?;
        let sums = self.device.zeros::<f64>("the sums", batch.placements())?;
        let each = match wanted {
            Wanted::Sums => None,
            // One more, because a device has no empty buffers.
            Wanted::Distances => Some(self.device.zeros("distances", batch.distances + 1)?),
        };
        let grid = Grid {
            blocks: batch.placements() as u32,
            threads: THREADS,
            shared_bytes: (self.shape.steps * 3 * size_of::<f32>()) as u32,
        };
        let arguments = [
            Argument::Floats(&self.mesh),
            Argument::Int(self.shape.steps as i32),
            Argument::Reals(&self.points),
            Argument::Ints(&whole),
            Argument::Reals(&numbers),
            Argument::Reals(&sums),
            each.as_ref().map_or(Argument::Null, Argument::Reals),
        ];
        // SAFETY: the arguments are those of `distances` in objective.cu. `evaluate` checked that
        // the nodes lie in the mesh; `Batch::add` numbers points of the loaded tracks and places
        // for results below `batch.distances`. A block's positions fit what is asked for.
        unsafe { self.device.launch(&self.function, grid, &arguments) }?;
        let Some(each) = each else { return self.device.download(&sums) };
        let mut each = self.device.download(&each)?;
        each.truncate(batch.distances);
        Ok(each)
    }
}
