//! The gas of the detector, as Spyral's gas files describe it.
//!
//! Density follows the peer: ideal gas of 293 K, molar mass from mass numbers.

use serde_json::{Map, Value};

use crate::kernels::attpc::particle::{Particle, ParticleError};

/// Temperature of the gas in K.
const TEMPERATURE_K: f64 = 293.0;
/// Gas constant in cm3 Torr / (K mol).
const GAS_CONSTANT: f64 = 8.314_462_618_153_24 * 0.0075e6;
/// How far the sum of volume fractions may be from 1.
const FRACTION_TOLERANCE: f64 = 1e-4;

const COMPOUND: &str = "compound";
const COMPONENTS: &str = "components";
const FRACTIONS: &str = "volume_fractions";
const PRESSURE: &str = "pressure(Torr)";
const THICKNESS: &str = "thickness(ug/cm^2)";

/// What is wrong with the content of a gas file.
#[derive(Debug, thiserror::Error)]
pub enum GasError {
    #[error("not a JSON document")]
    Json { source: serde_json::Error },
    #[error("a gas is a JSON object, found {found}")]
    NotObject { found: &'static str },
    #[error("`{PRESSURE}` is missing")]
    NoPressure,
    #[error("`{key}` has the wrong unit, expected `{PRESSURE}`")]
    PressureUnit { key: String },
    #[error("`{key}` is not a key of a gas file")]
    UnknownKey { key: String },
    #[error("`{THICKNESS}` makes this a solid, which is no gas to track in")]
    Solid,
    #[error("needs either `{COMPOUND}` or `{COMPONENTS}` with `{FRACTIONS}`")]
    NoCompound,
    #[error("`{key}` is {found}, expected {expected}")]
    Field { key: String, expected: &'static str, found: String },
    #[error("`{FRACTIONS}` sum to {sum}, expected 1")]
    Fractions { sum: f64 },
    #[error("`{key}` names an unknown nuclide")]
    Nuclide { key: String, source: ParticleError },
}

impl GasError {
    /// What to write instead.
    pub fn hint(&self) -> &'static str {
        match self {
            GasError::PressureUnit { .. } | GasError::NoPressure => {
                "give the pressure in Torr: 1 mbar is 0.750062 Torr, 1 atm is 760 Torr"
            }
            GasError::Solid => "give a gas file with `compound` and `pressure(Torr)`",
            _ => "a gas is {\"compound\": [[Z, A, atoms], ...], \"pressure(Torr)\": P}",
        }
    }
}

/// Atoms of one nuclide in a molecule.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Atoms {
    pub nuclide: Particle,
    pub count: u32,
}

/// A pure gas within a mixture.
#[derive(Clone, Debug, PartialEq)]
struct Component {
    volume_fraction: f64,
    molecule: Vec<Atoms>,
}

/// A gas or a mixture of gases at some pressure.
#[derive(Clone, Debug, PartialEq)]
pub struct Gas {
    components: Vec<Component>,
    mixture: bool,
    pressure_torr: f64,
}

impl Gas {
    /// Reads the text of a gas file.
    pub fn parse(text: &str) -> Result<Gas, GasError> {
        let value = serde_json::from_str(text).map_err(|source| GasError::Json { source })?;
        let Value::Object(map) = &value else {
            return Err(GasError::NotObject { found: kind(&value) });
        };
        check_keys(map)?;
        let pressure = map.get(PRESSURE).ok_or(GasError::NoPressure)?;
        let pressure_torr = positive(PRESSURE, pressure)?;
        let (components, mixture) = match (map.get(COMPOUND), map.get(COMPONENTS)) {
            (Some(compound), None) if !map.contains_key(FRACTIONS) => {
                let molecule = molecule(COMPOUND, compound)?;
                (vec![Component { volume_fraction: 1.0, molecule }], false)
            }
            (None, Some(components)) => (mixture(components, map.get(FRACTIONS))?, true),
            _ => return Err(GasError::NoCompound),
        };
        Ok(Gas { components, mixture, pressure_torr })
    }

    /// Pressure in Torr.
    pub fn pressure_torr(&self) -> f64 {
        self.pressure_torr
    }

    /// Density in g/cm3, from mass numbers as in Spyral.
    pub fn density(&self) -> f64 {
        let molar = self.molecular(|atoms| f64::from(atoms.nuclide.a));
        molar * self.pressure_torr / (GAS_CONSTANT * TEMPERATURE_K)
    }

    /// A property of atoms summed over the mean molecule.
    pub fn molecular(&self, property: impl Fn(&Atoms) -> f64) -> f64 {
        let of_molecule = |molecule: &[Atoms]| -> f64 {
            molecule.iter().map(|atoms| f64::from(atoms.count) * property(atoms)).sum()
        };
        let parts = self.components.iter();
        parts.map(|part| part.volume_fraction * of_molecule(&part.molecule)).sum()
    }

    /// Symbols and numbers one after the other, such as `2H2`, as in Spyral's file names.
    pub fn name(&self) -> String {
        let text = self.text(|nuclide| nuclide.to_string(), |count| count.to_string());
        if self.mixture { format!("(GasMix){text}") } else { text }
    }

    /// The text by which Spyral tells gases apart in a mesh's description.
    pub fn description(&self) -> String {
        let kind = if self.mixture { "(GasMix)" } else { "(Gas)" };
        let text = self.text(
            |nuclide| format!("<sup>{}</sup>{}", nuclide.a, nuclide.symbol),
            |count| format!("<sub>{count}</sub>"),
        );
        format!("{kind}{text}")
    }

    fn text(&self, symbol: fn(&Particle) -> String, number: fn(u32) -> String) -> String {
        let of_molecule = |molecule: &[Atoms]| -> String {
            let words = molecule.iter();
            words.map(|atoms| symbol(&atoms.nuclide) + number(atoms.count).as_str()).collect()
        };
        let of_part = |part: &Component| {
            let percent = one_digit(part.volume_fraction * 100.0);
            format!("[{percent}%-{}]", of_molecule(&part.molecule))
        };
        match self.components.as_slice() {
            [one] if !self.mixture => of_molecule(&one.molecule),
            parts => parts.iter().map(of_part).collect(),
        }
    }
}

/// A number as Python formats it with `.0`, which is how Spyral writes percentages: one digit.
fn one_digit(number: f64) -> String {
    let text = format!("{number:.0e}");
    let (digit, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digit}e{sign}{:02}", exponent.abs())
}

fn check_keys(map: &Map<String, Value>) -> Result<(), GasError> {
    for key in map.keys() {
        match key.as_str() {
            COMPOUND | COMPONENTS | FRACTIONS | PRESSURE => {}
            THICKNESS => return Err(GasError::Solid),
            other if other.to_ascii_lowercase().starts_with("pressure") => {
                return Err(GasError::PressureUnit { key: key.clone() });
            }
            _ => return Err(GasError::UnknownKey { key: key.clone() }),
        }
    }
    Ok(())
}

fn mixture(components: &Value, fractions: Option<&Value>) -> Result<Vec<Component>, GasError> {
    let list = |key: &str, value: Option<&Value>| match value {
        Some(Value::Array(items)) if !items.is_empty() => Ok(items.clone()),
        other => Err(field(key, "a list", other)),
    };
    let molecules = list(COMPONENTS, Some(components))?;
    let fractions = list(FRACTIONS, fractions)?;
    if molecules.len() != fractions.len() {
        let (expected, found) = ("one number for each component", fractions.len().to_string());
        return Err(GasError::Field { key: FRACTIONS.to_owned(), expected, found });
    }
    let mut parts = Vec::new();
    for (at, (item, fraction)) in molecules.iter().zip(&fractions).enumerate() {
        let volume_fraction = positive(&format!("{FRACTIONS}[{at}]"), fraction)?;
        let molecule = molecule(&format!("{COMPONENTS}[{at}]"), item)?;
        parts.push(Component { volume_fraction, molecule });
    }
    let sum: f64 = parts.iter().map(|part| part.volume_fraction).sum();
    if (sum - 1.0).abs() > FRACTION_TOLERANCE {
        return Err(GasError::Fractions { sum });
    }
    Ok(parts)
}

fn molecule(key: &str, value: &Value) -> Result<Vec<Atoms>, GasError> {
    let expected = "a list of [Z, A, atoms]";
    let Some(items) = value.as_array().filter(|items| !items.is_empty()) else {
        return Err(field(key, expected, Some(value)));
    };
    let mut atoms = Vec::new();
    for (at, item) in items.iter().enumerate() {
        let key = format!("{key}[{at}]");
        let numbers = item.as_array().map(|numbers| numbers.iter().map(Value::as_i64));
        let numbers: Option<Vec<i64>> = numbers.and_then(Iterator::collect);
        let Some([z, a, count]) = numbers.as_deref() else {
            return Err(field(&key, "three whole numbers [Z, A, atoms]", Some(item)));
        };
        let count = u32::try_from(*count).ok().filter(|count| *count > 0);
        let count = count.ok_or_else(|| field(&key, "at least one atom", Some(item)))?;
        if *z < 1 {
            return Err(field(&key, "Z of at least 1", Some(item)));
        }
        let nuclide = Particle::of(*z, *a).map_err(|source| GasError::Nuclide { key, source })?;
        atoms.push(Atoms { nuclide, count });
    }
    Ok(atoms)
}

fn positive(key: &str, value: &Value) -> Result<f64, GasError> {
    let number = value.as_f64().filter(|number| number.is_finite() && *number > 0.0);
    number.ok_or_else(|| field(key, "a positive number", Some(value)))
}

/// Longest part of a bad value that a message shows.
const SHOWN: usize = 40;

fn field(key: &str, expected: &'static str, found: Option<&Value>) -> GasError {
    let found = found.map_or("missing".to_owned(), Value::to_string);
    let found = found.chars().take(SHOWN).collect();
    GasError::Field { key: key.to_owned(), expected, found }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        Gas::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn a_gas_has_the_peers_density_and_names() {
        let gas = Gas::parse(r#"{"compound": [[1, 2, 2]], "pressure(Torr)": 300.0}"#).unwrap();
        assert!((gas.density() / 6.567_773_654_2e-5 - 1.0).abs() < 1e-10);
        assert_eq!((gas.name(), gas.pressure_torr()), ("2H2".to_owned(), 300.0));
        assert_eq!(gas.description(), "(Gas)<sup>2</sup>H<sub>2</sub>");
    }

    #[test]
    fn a_mixture_counts_by_volume() {
        let text = r#"{"components": [[[2, 4, 1]], [[6, 12, 1], [8, 16, 2]]],
            "volume_fractions": [0.9, 0.1], "pressure(Torr)": 600}"#;
        let gas = Gas::parse(text).unwrap();
        assert!((gas.molecular(|atoms| f64::from(atoms.nuclide.a)) - 8.0).abs() < 1e-12);
        assert_eq!(gas.name(), "(GasMix)[9e+01%-4He1][1e+01%-12C116O2]");
        assert_eq!(one_digit(2.5), "2e+00");
        assert_eq!(one_digit(100.0), "1e+02");
    }

    #[test]
    fn what_is_wrong_with_a_gas_is_named() {
        let compound = r#""compound": [[1, 2, 2]]"#;
        let pressure = r#""pressure(Torr)": 300"#;
        let cases = [
            ("[]".to_owned(), "a gas is a JSON object, found a list"),
            (format!("{{{compound}}}"), "`pressure(Torr)` is missing"),
            (
                format!("{{{compound}, \"pressure(mbar)\": 400}}"),
                "`pressure(mbar)` has the wrong unit, expected `pressure(Torr)`",
            ),
            (
                format!("{{{compound}, \"thickness(ug/cm^2)\": 100}}"),
                "`thickness(ug/cm^2)` makes this a solid, which is no gas to track in",
            ),
            (format!("{{{pressure}, \"compund\": []}}"), "`compund` is not a key of a gas file"),
            (
                format!("{{{pressure}}}"),
                "needs either `compound` or `components` with `volume_fractions`",
            ),
            (
                format!("{{{pressure}, \"compound\": []}}"),
                "`compound` is [], expected a list of [Z, A, atoms]",
            ),
            (
                format!("{{{pressure}, \"compound\": [[1, 2.5, 2]]}}"),
                "`compound[0]` is [1,2.5,2], expected three whole numbers [Z, A, atoms]",
            ),
            (
                format!("{{{pressure}, \"compound\": [[1, 2, 0]]}}"),
                "`compound[0]` is [1,2,0], expected at least one atom",
            ),
            (
                format!("{{{pressure}, \"compound\": [[2, 1, 1]]}}"),
                "`compound[0]` names an unknown nuclide",
            ),
            (
                format!("{{{compound}, \"pressure(Torr)\": -3}}"),
                "`pressure(Torr)` is -3, expected a positive number",
            ),
            (
                format!(
                    "{{{pressure}, \"components\": [[[2, 4, 1]]], \"volume_fractions\": [0.9]}}"
                ),
                "`volume_fractions` sum to 0.9, expected 1",
            ),
            (
                format!("{{{pressure}, \"components\": [[[2, 4, 1]]]}}"),
                "`volume_fractions` is missing, expected a list",
            ),
            (
                format!(
                    "{{{pressure}, \"components\": [[[2, 4, 1]]], \"volume_fractions\": [1, 2]}}"
                ),
                "`volume_fractions` is 2, expected one number for each component",
            ),
        ];
        for (text, message) in cases {
            assert_eq!(refused(&text), message);
        }
        assert_eq!(refused("{"), "not a JSON document");
    }
}
