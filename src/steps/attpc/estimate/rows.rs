//! The rows of both tables, in the published order of columns.

use crate::data::cluster_reader::{StoredCluster, StoredEvent};
use crate::data::parquet::Column;
use crate::kernels::attpc::estimate::{Estimate, Rejection};

/// Columns that both tables begin with.
const IDENTITY: [&str; 5] = ["event", "cluster_index", "cluster_label", "orig_run", "orig_event"];

/// Columns of floats of the table of estimates.
const FLOATS: [&str; 17] = [
    "ic_amplitude",
    "ic_centroid",
    "ic_integral",
    "ic_multiplicity",
    "vertex_x",
    "vertex_y",
    "vertex_z",
    "center_x",
    "center_y",
    "center_z",
    "polar",
    "azimuthal",
    "brho",
    "dEdx",
    "sqrt_dEdx",
    "dE",
    "arclength",
];

/// Columns that say why a cluster was rejected.
const WHY: [&str; 3] = ["direction", "points", "reason"];

/// What became of a cluster.
#[derive(Clone, Copy, Debug)]
pub(super) struct Verdict {
    identity: [i64; 5],
    ion_chamber: [f64; 4],
    direction: i64,
    points: usize,
    pub result: Result<Estimate, Rejection>,
}

impl Verdict {
    pub fn new(
        event: &StoredEvent,
        cluster: &StoredCluster,
        result: Result<Estimate, Rejection>,
    ) -> Verdict {
        let pulse = &event.ion_chamber;
        Verdict {
            identity: [event.event, cluster.index, cluster.label, event.orig_run, event.orig_event],
            ion_chamber: [pulse.amplitude, pulse.centroid, pulse.integral, pulse.multiplicity],
            direction: cluster.direction,
            points: cluster.rows.len(),
            result,
        }
    }

    fn floats(&self, estimate: &Estimate) -> [f64; 17] {
        let [amplitude, centroid, integral, multiplicity] = self.ion_chamber;
        let [vertex_x, vertex_y, vertex_z] = estimate.vertex;
        let [center_x, center_y, center_z] = estimate.center;
        [
            amplitude,
            centroid,
            integral,
            multiplicity,
            vertex_x,
            vertex_y,
            vertex_z,
            center_x,
            center_y,
            center_z,
            estimate.polar,
            estimate.azimuthal,
            estimate.brho,
            estimate.de_dx,
            estimate.de_dx.abs().sqrt(),
            estimate.de,
            estimate.arclength,
        ]
    }
}

/// Both tables as they grow.
#[derive(Default)]
pub(super) struct Rows {
    accepted: Identified<17>,
    directions: Vec<i64>,
    rejected: Identified<0>,
    why: [Vec<i64>; 3],
}

/// Columns that begin with the identity of clusters and go on with floats.
struct Identified<const N: usize> {
    identity: [Vec<i64>; 5],
    floats: [Vec<f64>; N],
}

impl<const N: usize> Default for Identified<N> {
    fn default() -> Self {
        Identified { identity: Default::default(), floats: std::array::from_fn(|_| Vec::new()) }
    }
}

impl<const N: usize> Identified<N> {
    fn push(&mut self, identity: [i64; 5], floats: [f64; N]) {
        self.identity.iter_mut().zip(identity).for_each(|(column, value)| column.push(value));
        self.floats.iter_mut().zip(floats).for_each(|(column, value)| column.push(value));
    }

    fn columns(self, names: &[&'static str; N]) -> Vec<(&'static str, Column)> {
        let identity = IDENTITY.into_iter().zip(self.identity.map(Column::I64));
        let floats = names.iter().copied().zip(self.floats.map(Column::F64));
        identity.chain(floats).collect()
    }
}

impl Rows {
    /// Adds a cluster to the table in which it belongs.
    pub fn push(&mut self, verdict: &Verdict) {
        match &verdict.result {
            Ok(estimate) => {
                self.accepted.push(verdict.identity, verdict.floats(estimate));
                self.directions.push(estimate.direction.code());
            }
            Err(reason) => {
                self.rejected.push(verdict.identity, []);
                let why = [verdict.direction, verdict.points as i64, reason.code()];
                self.why.iter_mut().zip(why).for_each(|(column, value)| column.push(value));
            }
        }
    }

    /// The table of estimates and the table of rejected clusters.
    pub fn tables(self) -> [Vec<(&'static str, Column)>; 2] {
        let mut accepted = self.accepted.columns(&FLOATS);
        accepted.push(("direction", Column::I64(self.directions)));
        let mut rejected = self.rejected.columns(&[]);
        rejected.extend(WHY.into_iter().zip(self.why.map(Column::I64)));
        [accepted, rejected]
    }
}
