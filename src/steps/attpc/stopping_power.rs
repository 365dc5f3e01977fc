//! The kernel `attpc.stopping_power`: the built-in stopping power and range as a table that a user
//! can look at, compare and replace; and the reading of gas files and tables for whoever needs them.

use std::path::{Path, PathBuf};

use crate::data::error::DataError;
use crate::data::stopping_table::{StoppingSubject, read_stopping_table, write_stopping_table};
use crate::kernels::attpc::gas::{Gas, GasError};
use crate::kernels::attpc::particle::{Particle, ParticleError};
use crate::kernels::attpc::stopping::{Stopping, StoppingRow, TableError, model_rows};
use crate::model::step::{KernelInfo, ParamInfo, ParamKind, PortInfo};
use crate::model::value::Value;
use crate::steps::{Job, StepError, StepSummary};

/// How far mass and density of a table may be from those that are meant.
const SUBJECT_TOLERANCE: f64 = 1e-3;

/// Why stopping power cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum StoppingError {
    #[error("cannot use gas file `{}`", path.display())]
    Gas { path: PathBuf, source: GasError },
    #[error("cannot use stopping table `{}`", path.display())]
    Table { path: PathBuf, source: TableError },
    #[error("a stopping table of {quantity} {found}, expected {expected}: `{}`", path.display())]
    Subject { path: PathBuf, quantity: &'static str, found: f64, expected: f64 },
    #[error("cannot use `particle`")]
    Particle { source: ParticleError },
    #[error("`particle` is `{name}`, which has no charge")]
    Neutral { name: String },
    #[error("`{low}` is {from} MeV, must be less than `{high}` of {to} MeV")]
    Energies { low: &'static str, from: f64, high: &'static str, to: f64 },
}

impl StoppingError {
    /// What to write instead.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            StoppingError::Gas { source, .. } => source.hint().to_owned(),
            StoppingError::Table { .. } | StoppingError::Subject { .. } => {
                "`attpc.stopping_power` writes a table of the right form".to_owned()
            }
            StoppingError::Particle { .. } => {
                "mass number and symbol, such as `1H`, `2H`, `3He` or `12C`".to_owned()
            }
            StoppingError::Neutral { .. } | StoppingError::Energies { .. } => return None,
        })
    }
}

/// What the kernel says of itself.
pub fn info() -> KernelInfo {
    let energy = |name, default, doc| ParamInfo {
        name,
        kind: ParamKind::Float { min: 1e-6, max: 1e6 },
        default: Some(Value::Float(default)),
        unit: "MeV",
        doc,
    };
    KernelInfo {
        name: "attpc.stopping_power",
        version: 1,
        summary: "Writes stopping power and range of a particle in a gas as a table.",
        inputs: vec![gas_port()],
        outputs: vec![PortInfo {
            role: "table",
            required: true,
            many: false,
            directory: false,
            named: false,
            doc: "CSV: `ke_MeV`, `dedx_MeV_cm2_per_g`, `range_m`; a comment says what it is of.",
        }],
        params: vec![
            particle_param(),
            energy("ke_min", 1e-3, "Lowest kinetic energy."),
            energy("ke_max", 200.0, "Highest kinetic energy."),
            ParamInfo {
                name: "rows",
                kind: ParamKind::Int { min: 2, max: 1_000_000 },
                default: Some(Value::Int(400)),
                unit: "",
                doc: "Number of energies, which rise by a constant factor.",
            },
        ],
        item_names: &[],
    }
}

/// Writes the table.
pub fn run(job: &Job<'_>) -> Result<StepSummary, StepError> {
    let gas = read_gas(job)?;
    let particle = read_particle(job)?;
    let (low, high) = ("ke_min", "ke_max");
    let (from, to) = (job.float(low), job.float(high));
    if from >= to {
        return Err(StoppingError::Energies { low, from, high, to }.into());
    }
    let rows: Vec<[f64; 3]> = model_rows(&particle, &gas, [from, to], job.int("rows") as usize)
        .iter()
        .map(|row| [row.ke_mev, row.dedx, row.range_m])
        .collect();
    let subject = StoppingSubject {
        mass_mev: particle.nuclear_mass_mev(),
        z: particle.z,
        density_g_per_cm3: gas.density(),
    };
    let output = job.output("table").expect("the table is a required output");
    write_stopping_table(Path::new(output), &subject, &rows)?;
    Ok(StepSummary::default())
}

/// The port of the gas file.
pub(super) fn gas_port() -> PortInfo {
    PortInfo {
        role: "gas",
        required: true,
        many: false,
        directory: false,
        named: false,
        doc: "Gas or mixture, JSON as Spyral's: `compound` [[Z, A, atoms], ...] or `components` \
              with `volume_fractions`, and `pressure(Torr)`.",
    }
}

/// The parameter that names the particle.
pub(super) fn particle_param() -> ParamInfo {
    ParamInfo {
        name: "particle",
        kind: ParamKind::Text,
        default: None,
        unit: "",
        doc: "Mass number and symbol of the particle, such as `2H`.",
    }
}

/// The gas of a job.
pub(super) fn read_gas(job: &Job<'_>) -> Result<Gas, StepError> {
    let path = Path::new(job.input("gas").expect("the gas is a required input"));
    let text = std::fs::read_to_string(path)
        .map_err(|source| DataError::Open { path: path.to_owned(), source })?;
    let failed = |source| StoppingError::Gas { path: path.to_owned(), source };
    Ok(Gas::parse(&text).map_err(failed)?)
}

/// The particle of a job.
pub(super) fn read_particle(job: &Job<'_>) -> Result<Particle, StoppingError> {
    let name = job.text("particle").unwrap_or_default();
    let particle = Particle::named(name).map_err(|source| StoppingError::Particle { source })?;
    match particle.z {
        0 => Err(StoppingError::Neutral { name: name.to_owned() }),
        _ => Ok(particle),
    }
}

/// Stopping power from a table, which must be of this particle and gas where it says so.
pub(super) fn read_stopping(
    path: &Path,
    particle: &Particle,
    gas: &Gas,
) -> Result<Stopping, StepError> {
    let table = read_stopping_table(path)?;
    if let Some(subject) = table.subject {
        let quantities = [
            ("mass in MeV", subject.mass_mev, particle.nuclear_mass_mev()),
            ("charge", f64::from(subject.z), f64::from(particle.z)),
            ("density in g/cm3", subject.density_g_per_cm3, gas.density()),
        ];
        for (quantity, found, expected) in quantities {
            let apart = (found / expected - 1.0).abs();
            if apart.is_nan() || apart > SUBJECT_TOLERANCE {
                let path = path.to_owned();
                return Err(StoppingError::Subject { path, quantity, found, expected }.into());
            }
        }
    }
    let stopping = if table.has_ranges {
        let row = |[ke_mev, dedx, range_m]: &[f64; 3]| StoppingRow {
            ke_mev: *ke_mev,
            dedx: *dedx,
            range_m: *range_m,
        };
        Stopping::from_rows(&table.rows.iter().map(row).collect::<Vec<_>>())
    } else {
        let losses: Vec<[f64; 2]> = table.rows.iter().map(|row| [row[0], row[1]]).collect();
        Stopping::from_losses(&losses, gas.density())
    };
    let failed = |source| StoppingError::Table { path: path.to_owned(), source };
    Ok(stopping.map_err(failed)?)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::model::step::StepSpec;

    fn here(path: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
    }

    fn table(params: &[(&str, Value)], gas: &Path, out: &Path) -> Result<StepSummary, StepError> {
        let params = params.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
        let spec = StepSpec {
            kernel: "attpc.stopping_power".to_owned(),
            params: Value::Map(params.collect()),
            item: BTreeMap::new(),
            inputs: vec![("gas".to_owned(), gas.display().to_string())],
            outputs: vec![("table".to_owned(), out.display().to_string())],
            cores: 1,
            progress: None,
        };
        crate::steps::run(&spec, &|_| ())
    }

    /// Largest relative differences of stopping power and range from CATIMA, from an energy per
    /// mass unit on; ranges count as different beyond rounding, which is 10 um.
    fn differences(name: &str, a: f64, from: f64) -> [f64; 2] {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("table.csv");
        let gas = here("tests/data/attpc/config/gas_D2_300Torr.json");
        table(&[("particle", Value::Text(name.to_owned()))], &gas, &out).unwrap();
        let ours = read_stopping_table(&out).unwrap();
        let path = format!("tests/data/attpc/tables/energy_loss_{name}_in_2H2_300.0Torr.csv");
        let theirs = read_stopping_table(&here(&path)).unwrap();
        assert!((ours.subject.unwrap().density_g_per_cm3 / 6.567_773_654_2e-5 - 1.0).abs() < 1e-9);
        let stopping = Stopping::from_rows(
            &ours
                .rows
                .iter()
                .map(|row| StoppingRow { ke_mev: row[0], dedx: row[1], range_m: row[2] })
                .collect::<Vec<_>>(),
        )
        .unwrap();
        let mut worst = [0.0f64; 2];
        for [ke, dedx, range] in theirs.rows.into_iter().filter(|row| row[0] >= from * a) {
            worst[0] = worst[0].max((stopping.dedx(ke) / dedx - 1.0).abs());
            worst[1] = worst[1].max((stopping.range_m(ke) - range).abs() / (range + 1e-5));
        }
        worst
    }

    #[test]
    fn the_built_in_model_agrees_with_catima_in_deuterium() {
        for (name, a) in [("1H", 1.0), ("2H", 2.0), ("4He", 4.0)] {
            let [dedx, range] = differences(name, a, 1e-3);
            assert!(dedx < 5e-4 && range < 1e-3, "{name} {dedx} {range}");
        }
    }

    #[test]
    fn what_cannot_be_a_table_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("table.csv");
        let gas = here("tests/data/attpc/config/gas_D2_300Torr.json");
        let text = |name: &str| ("particle", Value::Text(name.to_owned()));
        let refused = |params: &[(&str, Value)]| table(params, &gas, &out).unwrap_err().to_string();
        assert_eq!(refused(&[text("H2")]), "cannot use `particle`");
        assert_eq!(refused(&[text("1n")]), "`particle` is `1n`, which has no charge");
        assert_eq!(refused(&[]), "`attpc.stopping_power` needs parameter `particle`");
        assert_eq!(
            refused(&[text("1H"), ("ke_max", Value::Float(1e-3))]),
            "`ke_min` is 0.001 MeV, must be less than `ke_max` of 0.001 MeV"
        );
        let solid = dir.path().join("solid.json");
        std::fs::write(&solid, r#"{"compound": [[6, 12, 1]], "thickness(ug/cm^2)": 40}"#).unwrap();
        let error = table(&[text("1H")], &solid, &out).unwrap_err();
        assert!(error.to_string().starts_with("cannot use gas file `"), "{error}");
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert!(cause.starts_with("`thickness(ug/cm^2)` makes this a solid"), "{cause}");
        assert!(error.hint().unwrap().contains("pressure(Torr)"));
        assert!(!out.exists());
    }
}
