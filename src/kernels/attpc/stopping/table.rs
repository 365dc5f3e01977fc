//! Stopping power and range as functions of energy, between the rows of a table.

use crate::kernels::attpc::gas::Gas;
use crate::kernels::attpc::particle::Particle;
use crate::kernels::attpc::stopping::model::{Medium, per_mole};

/// Lowest energy of the built-in table in MeV.
const LOWEST: f64 = 1e-4;
/// Energy per mass unit in MeV from which ranges are counted, as in ATIMA: the model is not meant for
/// less, and the rest is a fraction of a millimetre in the gases in question.
const RANGE_BEGIN: f64 = 1e-3;
/// Energy per mass unit in MeV that the built-in table reaches at least, so that it has ranges.
const LEAST_SPAN: f64 = 0.1;
/// Rows of the built-in table in each decade.
const ROWS_PER_DECADE: f64 = 200.0;
const METRES_PER_CM: f64 = 0.01;

/// One row: kinetic energy (MeV), mass stopping power (MeV cm2/g), range (m).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StoppingRow {
    pub ke_mev: f64,
    pub dedx: f64,
    pub range_m: f64,
}

/// What is wrong with the rows of a table.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum TableError {
    #[error("a stopping table has at least 2 rows, found {found}")]
    Short { found: usize },
    #[error("row {row} has an energy of {ke_mev} MeV, expected more than 0 and than before")]
    Energy { row: usize, ke_mev: f64 },
    #[error("row {row} has a stopping power of {dedx} MeV cm2/g, expected more than 0")]
    Dedx { row: usize, dedx: f64 },
    #[error("row {row} has a range of {range_m} m, expected no less than before")]
    Range { row: usize, range_m: f64 },
}

/// Stopping power and range of one particle in one gas.
#[derive(Clone, Debug)]
pub struct Stopping {
    /// Lowest and highest energy of the rows in MeV.
    span: [f64; 2],
    dedx: LogCurve,
    range: LogCurve,
}

impl Stopping {
    /// Takes rows in order of energy; ranges may be 0 in the lowest rows.
    pub fn from_rows(rows: &[StoppingRow]) -> Result<Stopping, TableError> {
        check(rows)?;
        let (Some(first), Some(last)) = (rows.first(), rows.last()) else {
            return Err(TableError::Short { found: 0 });
        };
        // A range that stands still is rounded away and says nothing.
        let mut longest = 0.0;
        let rising = |row: &&StoppingRow| {
            let rises = row.range_m > longest;
            longest = row.range_m.max(longest);
            rises
        };
        let ranges: Vec<[f64; 2]> =
            rows.iter().filter(rising).map(|row| [row.ke_mev, row.range_m]).collect();
        if rows.len() < 2 || ranges.len() < 2 {
            return Err(TableError::Short { found: rows.len().min(ranges.len()) });
        }
        let losses: Vec<[f64; 2]> = rows.iter().map(|row| [row.ke_mev, row.dedx]).collect();
        let span = [first.ke_mev, last.ke_mev];
        Ok(Stopping { span, dedx: LogCurve::through(&losses), range: LogCurve::through(&ranges) })
    }

    /// Rows without ranges: these are integrated, for a gas of this density in g/cm3.
    pub fn from_losses(losses: &[[f64; 2]], density: f64) -> Result<Stopping, TableError> {
        let row = |range_m| move |&[ke_mev, dedx]: &[f64; 2]| StoppingRow { ke_mev, dedx, range_m };
        // Checks the rows before a curve is laid through them.
        let flat: Vec<StoppingRow> = losses.iter().map(row(0.0)).collect();
        check(&flat)?;
        if flat.len() < 2 {
            return Err(TableError::Short { found: flat.len() });
        }
        let curve = LogCurve::through(losses);
        let mut before = None;
        let mut area = 0.0;
        let rows: Vec<StoppingRow> = losses
            .iter()
            .map(|loss| {
                let [ke_mev, dedx] = *loss;
                area += match before {
                    // Below the first row the stopping power is taken to follow the velocity.
                    None => 2.0 * ke_mev / dedx,
                    Some(from) => path(from, ke_mev, |ke| curve.at(ke)),
                };
                before = Some(ke_mev);
                row(area * METRES_PER_CM / density)(loss)
            })
            .collect();
        Stopping::from_rows(&rows)
    }

    /// The built-in model, up to an energy in MeV.
    pub fn built_in(particle: &Particle, gas: &Gas, ke_most: f64) -> Stopping {
        let highest = ke_most.max(LEAST_SPAN * particle.nuclear_mass_u());
        let count = ((highest / LOWEST).log10() * ROWS_PER_DECADE).ceil() as usize + 1;
        let rows = model_rows(particle, gas, [LOWEST, highest], count);
        Stopping::from_rows(&rows).expect("the model's stopping power is positive")
    }

    /// Lowest and highest energy of the table in MeV.
    pub fn span(&self) -> [f64; 2] {
        self.span
    }

    /// Mass stopping power in MeV cm2/g. It follows the velocity below the table and its last slope
    /// above.
    pub fn dedx(&self, ke_mev: f64) -> f64 {
        let [low, _] = self.span;
        let below = (ke_mev / low).min(1.0).max(0.0);
        self.dedx.at(ke_mev.max(low)) * below.sqrt()
    }

    /// Range in m; 0 where the table's ranges have not begun.
    pub fn range_m(&self, ke_mev: f64) -> f64 {
        if self.range.begins_after(ke_mev) { 0.0 } else { self.range.at(ke_mev) }
    }

    /// The energy at which the range is `range_m`; the table's lowest energy where all are longer.
    pub fn ke_at_range(&self, range_m: f64) -> f64 {
        let [mut low, mut high] = self.span;
        if self.range_m(low) >= range_m {
            return low;
        }
        // Halving a span of logarithms often enough to reach the precision of the numbers.
        for _ in 0..80 {
            let middle = (low * high).sqrt();
            if self.range_m(middle) < range_m {
                low = middle;
            } else {
                high = middle;
            }
        }
        high
    }
}

/// Refuses rows that are no numbers of a table or not in order.
fn check(rows: &[StoppingRow]) -> Result<(), TableError> {
    let (mut ke_before, mut range_before) = (0.0, 0.0);
    for (at, StoppingRow { ke_mev, dedx, range_m }) in rows.iter().copied().enumerate() {
        let row = at + 1;
        if !(ke_mev > ke_before && ke_mev.is_finite()) {
            return Err(TableError::Energy { row, ke_mev });
        }
        if !(dedx > 0.0 && dedx.is_finite()) {
            return Err(TableError::Dedx { row, dedx });
        }
        if !(range_m >= range_before && range_m.is_finite()) {
            return Err(TableError::Range { row, range_m });
        }
        (ke_before, range_before) = (ke_mev, range_m);
    }
    Ok(())
}

/// Mass per area in g/cm2 in which the energy rises from one value to another, for a mass stopping
/// power in MeV cm2/g.
fn path(from: f64, to: f64, dedx: impl Fn(f64) -> f64) -> f64 {
    /// Widest step in the logarithm of the energy.
    const STEP: f64 = 0.02;
    let width = (to / from).ln();
    if width <= 0.0 {
        return 0.0;
    }
    let steps = (width / STEP).ceil() as usize;
    let step = width / steps as f64;
    let value = |log: f64| {
        let ke = from * log.exp();
        ke / dedx(ke)
    };
    let simpson = |at: usize| {
        let start = at as f64 * step;
        value(start) + 4.0 * value(start + 0.5 * step) + value(start + step)
    };
    (0..steps).map(simpson).sum::<f64>() * step / 6.0
}

/// Rows of the built-in model at energies that rise by a constant factor.
pub fn model_rows(
    particle: &Particle,
    gas: &Gas,
    [low, high]: [f64; 2],
    count: usize,
) -> Vec<StoppingRow> {
    let model = Model::new(particle, gas);
    let step = (high / low).ln() / (count.max(2) - 1) as f64;
    let energy = |at: usize| low * (step * at as f64).exp();
    let metres = METRES_PER_CM / gas.density();
    let begin = RANGE_BEGIN * model.mass_u;
    let mut reached = [begin, 0.0];
    (0..count)
        .map(|at| {
            let ke_mev = if at + 1 == count { high } else { energy(at) };
            if ke_mev <= begin {
                return StoppingRow { ke_mev, dedx: model.dedx(ke_mev), range_m: 0.0 };
            }
            reached = [ke_mev, reached[1] + path(reached[0], ke_mev, |ke| model.dedx(ke))];
            StoppingRow { ke_mev, dedx: model.dedx(ke_mev), range_m: reached[1] * metres }
        })
        .collect()
}

/// The built-in model for a particle in a gas, by Bragg's rule.
struct Model<'a> {
    particle: &'a Particle,
    gas: &'a Gas,
    mass_u: f64,
    molecule_u: f64,
}

impl<'a> Model<'a> {
    fn new(particle: &'a Particle, gas: &'a Gas) -> Model<'a> {
        let molecule_u = gas.molecular(|atoms| atoms.nuclide.atomic_mass_u);
        Model { particle, gas, mass_u: particle.nuclear_mass_u(), molecule_u }
    }

    /// MeV cm2/g
    fn dedx(&self, ke_mev: f64) -> f64 {
        let energy = ke_mev / self.mass_u;
        let per_molecule = self.gas.molecular(|atoms| {
            let medium = Medium { z: atoms.nuclide.z, mass_u: atoms.nuclide.atomic_mass_u };
            per_mole(self.particle, medium, energy)
        });
        per_molecule / self.molecule_u
    }
}

/// A curve through points in logarithms of both, cubic and without overshoot.
///
/// Slopes are those of M. Steffen, Astron. Astrophys. 239 (1990) 443.
#[derive(Clone, Debug)]
struct LogCurve {
    x: Vec<f64>,
    y: Vec<f64>,
    slope: Vec<f64>,
}

impl LogCurve {
    /// At least two points of positive numbers, in order of the first.
    fn through(points: &[[f64; 2]]) -> LogCurve {
        let x: Vec<f64> = points.iter().map(|point| point[0].ln()).collect();
        let y: Vec<f64> = points.iter().map(|point| point[1].ln()).collect();
        let last = points.len() - 1;
        let secant = |at: usize| (y[at + 1] - y[at]) / (x[at + 1] - x[at]);
        let slope = (0..=last)
            .map(|at| match at {
                0 => secant(0),
                _ if at == last => secant(last - 1),
                _ => {
                    let (before, after) = (x[at] - x[at - 1], x[at + 1] - x[at]);
                    let (left, right) = (secant(at - 1), secant(at));
                    let mean = (left * after + right * before) / (before + after);
                    let least = left.abs().min(right.abs()).min(0.5 * mean.abs());
                    (left.signum() + right.signum()) * least
                }
            })
            .collect();
        LogCurve { x, y, slope }
    }

    fn begins_after(&self, value: f64) -> bool {
        value.ln() < self.x[0]
    }

    /// The curve, and straight lines beyond its ends.
    fn at(&self, value: f64) -> f64 {
        let x = value.ln();
        let last = self.x.len() - 1;
        if x <= self.x[0] || x >= self.x[last] {
            let end = if x <= self.x[0] { 0 } else { last };
            return (self.y[end] + self.slope[end] * (x - self.x[end])).exp();
        }
        let cell = self.x.partition_point(|at| *at <= x) - 1;
        let width = self.x[cell + 1] - self.x[cell];
        let t = (x - self.x[cell]) / width;
        let rise = self.y[cell + 1] - self.y[cell];
        let (left, right) = (self.slope[cell] * width, self.slope[cell + 1] * width);
        let curve = (1.0 - t) * (left - rise) + t * (rise - right);
        (self.y[cell] + t * rise + t * (1.0 - t) * curve).exp()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(cells: &[[f64; 3]]) -> Vec<StoppingRow> {
        let row = |[ke_mev, dedx, range_m]: [f64; 3]| StoppingRow { ke_mev, dedx, range_m };
        cells.iter().copied().map(row).collect()
    }

    #[test]
    fn a_power_law_is_met_everywhere() {
        let law = |ke: f64| [ke, 3.0 * ke.powf(-0.8), 0.5 * ke.powf(1.8)];
        let cells: Vec<[f64; 3]> = (0..30).map(|at| law(0.01 * 1.4f64.powi(at))).collect();
        let stopping = Stopping::from_rows(&rows(&cells)).unwrap();
        for ke in [0.0101, 0.5, 3.3, 170.0] {
            let [_, dedx, range] = law(ke);
            assert!((stopping.dedx(ke) / dedx - 1.0).abs() < 1e-12);
            assert!((stopping.range_m(ke) / range - 1.0).abs() < 1e-12);
            assert!((stopping.ke_at_range(range) / ke - 1.0).abs() < 1e-12);
        }
        assert_eq!(stopping.ke_at_range(0.0), 0.01);
        assert!((stopping.dedx(0.0025) / stopping.dedx(0.01) - 0.5).abs() < 1e-12);
    }

    #[test]
    fn rows_that_make_no_table_are_refused() {
        let refused = |cells: &[[f64; 3]]| Stopping::from_rows(&rows(cells)).unwrap_err();
        let good = [1.0, 2.0, 3.0];
        assert_eq!(refused(&[]), TableError::Short { found: 0 });
        assert_eq!(refused(&[good]), TableError::Short { found: 1 });
        let energy = TableError::Energy { row: 2, ke_mev: 1.0 };
        assert_eq!(refused(&[good, good]), energy);
        let dedx = TableError::Dedx { row: 1, dedx: 0.0 };
        assert_eq!(refused(&[[1.0, 0.0, 0.0], good]), dedx);
        let range = TableError::Range { row: 2, range_m: 2.5 };
        assert_eq!(refused(&[good, [2.0, 1.0, 2.5]]), range);
        assert_eq!(
            refused(&[[1.0, 2.0, 0.0], [2.0, 2.0, 0.0], [3.0, 2.0, 0.1]]),
            TableError::Short { found: 1 }
        );
    }

    #[test]
    fn ranges_are_integrated_where_a_table_has_none() {
        let cells: Vec<[f64; 2]> =
            (0..300).map(|at| 1e-3 * 1.04f64.powi(at)).map(|ke| [ke, 3.0 * ke.powf(0.5)]).collect();
        let stopping = Stopping::from_losses(&cells, 0.01).unwrap();
        for ke in [1e-3, 0.02, 1.0] {
            let range = 2.0 / 3.0 * f64::sqrt(ke) / 0.01 * METRES_PER_CM;
            assert!((stopping.range_m(ke) / range - 1.0).abs() < 1e-6);
        }
        assert_eq!(
            Stopping::from_losses(&[[1.0, -1.0]], 0.01).unwrap_err(),
            TableError::Dedx { row: 1, dedx: -1.0 }
        );
    }

    #[test]
    fn the_range_is_the_integral_of_the_inverse_stopping_power() {
        let gas = Gas::parse(r#"{"compound": [[1, 2, 2]], "pressure(Torr)": 300}"#).unwrap();
        let proton = Particle::named("1H").unwrap();
        let stopping = Stopping::built_in(&proton, &gas, 100.0);
        let mut range = stopping.range_m(0.5);
        let count = 20_000;
        for step in 0..count {
            let ke = 0.5 + 9.5 * (f64::from(step) + 0.5) / f64::from(count);
            range += 9.5 / f64::from(count) / stopping.dedx(ke) / gas.density() * METRES_PER_CM;
        }
        assert!((range / stopping.range_m(10.0) - 1.0).abs() < 1e-5);
    }
}
