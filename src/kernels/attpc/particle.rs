//! Nuclides: names, charges and masses of the atomic mass evaluation 2020.
//!
//! Source of the masses: M. Wang et al., Chinese Phys. C 45 (2021) 030003, measured nuclides only.

use std::fmt;

/// An atomic mass unit in MeV (CODATA 2022).
pub const U_MEV: f64 = 931.494_103_72;
/// The electron's mass in atomic mass units (CODATA 2022).
pub const ELECTRON_U: f64 = 5.485_799_090_441e-4;

/// One line for each element: Z, symbol, first mass number, atomic masses in u or `-`.
const TABLE: &str = include_str!("ame2020.txt");

/// Why a nuclide cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParticleError {
    #[error("`{name}` is not a nuclide, expected mass number and symbol such as `2H`")]
    Name { name: String },
    #[error("no nuclide with Z = {z} and A = {a} in the mass table of 2020")]
    Unknown { z: i64, a: i64 },
}

/// A nuclide.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Particle {
    /// Number of protons.
    pub z: u32,
    /// Mass number.
    pub a: u32,
    /// Symbol of the element.
    pub symbol: &'static str,
    /// Mass of the neutral atom in u.
    pub atomic_mass_u: f64,
}

impl Particle {
    /// The nuclide with this charge and mass number.
    pub fn of(z: i64, a: i64) -> Result<Particle, ParticleError> {
        find(|element| i64::from(element.z) == z, a).ok_or(ParticleError::Unknown { z, a })
    }

    /// The nuclide with this name, such as `2H`.
    pub fn named(name: &str) -> Result<Particle, ParticleError> {
        let unknown = || ParticleError::Name { name: name.to_owned() };
        let letters = name.find(|c: char| !c.is_ascii_digit()).ok_or_else(unknown)?;
        let (mass, symbol) = name.split_at(letters);
        let a = mass.parse().map_err(|_| unknown())?;
        find(|element| element.symbol == symbol, a).ok_or_else(unknown)
    }

    /// Mass of the nucleus in MeV: electrons are taken off, their binding is not.
    pub fn nuclear_mass_mev(&self) -> f64 {
        (self.atomic_mass_u - f64::from(self.z) * ELECTRON_U) * U_MEV
    }

    /// Mass of the nucleus in u.
    pub fn nuclear_mass_u(&self) -> f64 {
        self.nuclear_mass_mev() / U_MEV
    }
}

impl fmt::Display for Particle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.a, self.symbol)
    }
}

/// A line of the table.
struct Element {
    z: u32,
    symbol: &'static str,
    first: i64,
    masses: &'static str,
}

fn elements() -> impl Iterator<Item = Element> {
    TABLE.lines().filter(|line| !line.starts_with('#')).map(|line| {
        let mut words = line.splitn(4, ' ');
        let mut word = || words.next().expect("a line of the mass table has four parts");
        Element {
            z: word().parse().expect("a line of the mass table begins with Z"),
            symbol: word(),
            first: word().parse().expect("the mass table gives first mass numbers"),
            masses: word(),
        }
    })
}

fn find(wanted: impl Fn(&Element) -> bool, a: i64) -> Option<Particle> {
    let element = elements().find(wanted)?;
    let at = usize::try_from(a.checked_sub(element.first)?).ok()?;
    let mass = element.masses.split(' ').nth(at)?.parse().ok()?;
    let a = u32::try_from(a).ok()?;
    Some(Particle { z: element.z, a, symbol: element.symbol, atomic_mass_u: mass })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masses_are_those_of_the_evaluation() {
        let masses = [
            ("1n", 939.565_421_9),
            ("1H", 938.272_075_8),
            ("2H", 1_875.612_931_4),
            ("3He", 2_808.391_532_2),
            ("4He", 3_727.379_332_9),
            ("12C", 11_174.863_250_9),
            ("238U", 221_695.892_513_3),
        ];
        for (name, mass) in masses {
            let found = Particle::named(name).unwrap();
            assert!((found.nuclear_mass_mev() - mass).abs() < 1e-6, "{name} {found:?}");
            assert_eq!(found.to_string(), name);
            assert_eq!(Particle::of(i64::from(found.z), i64::from(found.a)), Ok(found));
        }
    }

    #[test]
    fn every_line_of_the_table_can_be_read() {
        let masses = elements().flat_map(|element| element.masses.split(' '));
        let known = masses.filter(|mass| mass.parse::<f64>().is_ok()).count();
        assert_eq!((elements().count(), known), (111, 2550));
    }

    #[test]
    fn what_is_no_nuclide_is_refused() {
        for name in ["", "H", "2", "2h", "H2", "99H", "0H", "2 H", "99999999999999999999H"] {
            let error = Particle::named(name).unwrap_err().to_string();
            assert!(error.starts_with(&format!("`{name}` is not a nuclide")), "{error}");
        }
        assert_eq!(
            Particle::of(1, -3).unwrap_err().to_string(),
            "no nuclide with Z = 1 and A = -3 in the mass table of 2020"
        );
    }
}
