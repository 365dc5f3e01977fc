//! Gathers what became of the rows: tables, counts and warnings.

use std::collections::BTreeMap;
use std::path::Path;

use crate::data::error::DataError;
use crate::data::parquet::{Column, write_table};
use crate::kernels::attpc::pointcloud::Compat;
use crate::kernels::attpc::solve::{Fit, Measured, Refusal, TrackParticle};
use crate::model::step::Progress;
use crate::model::text::count;
use crate::steps::StepSummary;
use crate::steps::attpc::mesh::TrackMesh;
use crate::steps::attpc::solve::{Outcome, Row};

/// Why a cluster was not fitted, as the table of the rejected numbers it: the place in this list;
/// and the end of the sentence "clusters ...".
const REASONS: [(&str, &str); 8] = [
    ("ion_chamber", "with an ion chamber amplitude outside of its window"),
    ("energy_below_mesh", "with an energy below the mesh"),
    ("energy_above_mesh", "with an energy above the mesh"),
    ("angle_below_mesh", "with an angle below the mesh"),
    ("angle_above_mesh", "with an angle above the mesh"),
    ("too_few_points", "with too few points for a fit"),
    ("bad_point", "with a point, charge or pad size that is no usable number"),
    ("bad_guess", "with an estimate that is no number"),
];

/// A code of the table of the rejected in words that go after "clusters".
pub fn reason_words(code: i64) -> Option<&'static str> {
    Some(REASONS.get(usize::try_from(code).ok()?)?.1)
}

/// Everything that was found so far.
pub(super) struct Report {
    total: usize,
    particle: TrackParticle,
    /// Energies (MeV) and angles (degrees) of the mesh.
    mesh: [[f64; 2]; 2],
    lacks_clock: bool,
    fits: Vec<(Row, Fit)>,
    rejected: Vec<(Row, usize)>,
}

impl Report {
    pub fn new(total: usize, mesh: &TrackMesh, compat: Compat, is_clock_known: bool) -> Report {
        let info = mesh.info();
        Report {
            total,
            particle: TrackParticle {
                charge_number: f64::from(mesh.particle().z),
                mass_mev: mesh.particle().nuclear_mass_mev(),
            },
            mesh: [[info.ke_min, info.ke_max], [info.polar_min, info.polar_max]],
            lacks_clock: compat == Compat::Exact && !is_clock_known,
            fits: Vec::new(),
            rejected: Vec::new(),
        }
    }

    pub fn add(&mut self, row: &Row, outcome: Outcome) {
        let reason = match outcome {
            Outcome::Fitted(fit) => {
                self.fits.push((*row, fit));
                return;
            }
            Outcome::IonChamber => REASONS[0].0,
            Outcome::Refused(refusal) => refusal.name(),
        };
        let reason = REASONS.iter().position(|(name, _)| *name == reason);
        self.rejected.push((*row, reason.expect("every refusal has a number")));
    }

    pub fn progress(&self) -> Progress {
        let mut counts = BTreeMap::from([("fitted".to_owned(), self.fits.len() as f64)]);
        for (_, reason) in &self.rejected {
            *counts.entry(REASONS[*reason].0.to_owned()).or_default() += 1.0;
        }
        Progress {
            done: (self.fits.len() + self.rejected.len()) as u64,
            total: self.total as u64,
            unit: "clusters".to_owned(),
            counts,
        }
    }

    /// Writes the tables; an empty one has its columns all the same.
    pub fn write(&self, result: &Path, rejected: Option<&Path>) -> Result<(), DataError> {
        write_table(result, &self.result_columns())?;
        let Some(path) = rejected else {
            return Ok(());
        };
        let integers =
            |of: fn(&(Row, usize)) -> i64| Column::I64(self.rejected.iter().map(of).collect());
        let columns = [
            ("event", integers(|(row, _)| row.event)),
            ("cluster_index", integers(|(row, _)| row.cluster_index)),
            ("cluster_label", integers(|(row, _)| row.cluster_label)),
            ("orig_run", integers(|(row, _)| row.orig_run)),
            ("orig_event", integers(|(row, _)| row.orig_event)),
            ("reason", integers(|(_, reason)| *reason as i64)),
        ];
        write_table(path, &columns)
    }

    /// The published columns in their order.
    fn result_columns(&self) -> Vec<(&'static str, Column)> {
        let integers =
            |of: fn(&Row) -> i64| Column::I64(self.fits.iter().map(|(row, _)| of(row)).collect());
        let mut columns = vec![
            ("event", integers(|row| row.event)),
            ("cluster_index", integers(|row| row.cluster_index)),
            ("cluster_label", integers(|row| row.cluster_label)),
            ("orig_run", integers(|row| row.orig_run)),
            ("orig_event", integers(|row| row.orig_event)),
        ];
        type Pair = (&'static str, &'static str, fn(&Fit) -> Measured);
        let measured: [Pair; 7] = [
            ("vertex_x", "sigma_vx", |fit| fit.vertex[0]),
            ("vertex_y", "sigma_vy", |fit| fit.vertex[1]),
            ("vertex_z", "sigma_vz", |fit| fit.vertex[2]),
            ("brho", "sigma_brho", |fit| fit.brho),
            ("ke", "sigma_ke", |fit| fit.ke),
            ("polar", "sigma_polar", |fit| fit.polar),
            ("azimuthal", "sigma_azimuthal", |fit| fit.azimuthal),
        ];
        let floats = |of: &dyn Fn(&Fit) -> f64| {
            Column::F64(self.fits.iter().map(|(_, fit)| of(fit)).collect())
        };
        for (value, sigma, of) in measured {
            columns.push((value, floats(&|fit| of(fit).value)));
            columns.push((sigma, floats(&|fit| of(fit).sigma)));
        }
        columns.push(("redchisq", floats(&|fit| fit.redchisq)));
        columns
    }

    /// Warnings, one line each.
    pub fn summary(&self) -> StepSummary {
        let mut warnings = Vec::new();
        if self.total == 0 {
            warnings.push("the estimate has no rows, so the result is empty".to_owned());
        } else if self.fits.is_empty() {
            warnings.push(format!("none of {} clusters was fitted", self.total));
        }
        self.warn_of_mesh(&mut warnings);
        for (reason, words) in &REASONS[5..] {
            let found = self.rows_of(reason).count();
            if found > 0 {
                warnings.push(format!("left out {} {words}", count(found, "cluster")));
            }
        }
        let at_edge = self.fits.iter().filter(|(_, fit)| fit.at_edge).count();
        if at_edge > 0 {
            warnings.push(format!(
                "{at_edge} fits ended at an end of the mesh, their energy or angle is a bound only"
            ));
        }
        if self.lacks_clock {
            warnings.push(
                "the mesh's times do not grow by a constant factor, so its samples are joined by \
                 straight lines"
                    .to_owned(),
            );
        }
        StepSummary { warnings }
    }

    fn rows_of<'r>(&'r self, reason: &'r str) -> impl Iterator<Item = &'r Row> {
        self.rejected.iter().filter(move |(_, at)| REASONS[*at].0 == reason).map(|(row, _)| row)
    }

    /// Says how many estimates lie outside the mesh, on which side and how far.
    fn warn_of_mesh(&self, warnings: &mut Vec<String>) {
        let ke = |row: &Row| self.particle.ke(row.guess.brho);
        let polar = |row: &Row| row.guess.polar.to_degrees();
        type Side<'s> = (Refusal, &'s dyn Fn(&Row) -> f64, usize, usize);
        let sides: [Side<'_>; 4] = [
            (Refusal::EnergyBelowMesh, &ke, 0, 0),
            (Refusal::EnergyAboveMesh, &ke, 0, 1),
            (Refusal::AngleBelowMesh, &polar, 1, 0),
            (Refusal::AngleAboveMesh, &polar, 1, 1),
        ];
        for (refusal, of, axis, side) in sides {
            let values: Vec<f64> = self.rows_of(refusal.name()).map(of).collect();
            if values.is_empty() {
                continue;
            }
            let end = self.mesh[axis][side];
            let (what, unit) = [("energies", "MeV"), ("angles", "degrees")][axis];
            let farthest = if side == 0 {
                values.iter().fold(f64::INFINITY, |far: f64, value| far.min(*value))
            } else {
                values.iter().fold(f64::NEG_INFINITY, |far: f64, value| far.max(*value))
            };
            let (name, word) = [("min", "below"), ("max", "above")][side];
            let param = ["ke", "polar"][axis];
            warnings.push(format!(
                "left out {} with {what} {word} the mesh's {end} {unit}; \
                 `solver.interp_{param}_{name}` of {farthest:.3} {unit} would do",
                count(values.len(), "cluster")
            ));
        }
    }
}
