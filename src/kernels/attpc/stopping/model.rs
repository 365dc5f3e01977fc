//! Stopping power of ions in elements: Ziegler, Biersack and Littmark at low velocity, Bethe above.
//!
//! The two are joined as ATIMA joins them (H. Weick et al., GSI): the first up to 10 MeV/u, the second
//! from 30 MeV/u, between them a mean whose weights change linearly with energy.

use crate::kernels::attpc::particle::{ELECTRON_U, Particle, U_MEV};
use crate::kernels::attpc::stopping::coefficients::{BARKAS, ELEMENTS, Element};

/// Energies per mass unit in MeV between which the two models are mixed.
const JOINT: [f64; 2] = [10.0, 30.0];
/// Energy per mass unit in keV of a proton as fast as the electron in a hydrogen atom.
const BOHR_KEV: f64 = 25.0;
const ELECTRON_MEV: f64 = ELECTRON_U * U_MEV;
const FINE_STRUCTURE: f64 = 7.297_352_5643e-3;
/// 4 pi N_A r_e^2 m_e c^2 in MeV cm2/mol.
const BETHE_FACTOR: f64 = 0.307_075;
/// From eV per 1e15 atoms/cm2 times mol/g to MeV cm2/g.
const PER_MOL: f64 = 6.022_140_76e23 * 1e-21;

/// An element of the stopping medium.
#[derive(Clone, Copy, Debug)]
pub(super) struct Medium {
    pub(super) z: u32,
    /// Mass of its atoms in u.
    pub(super) mass_u: f64,
}

/// Electronic and nuclear stopping power in MeV cm2 per mole of atoms, at an energy per mass unit
/// of the projectile in MeV.
pub(super) fn per_mole(ion: &Particle, medium: Medium, energy: f64) -> f64 {
    let nuclear = nuclear(ion, medium, energy * 1000.0);
    let [low, high] = JOINT;
    let slow = || electronic(ion.z, medium.z, energy * 1000.0) * PER_MOL;
    let fast = || bethe(ion, medium.z, energy);
    let part = ((energy - low) / (high - low)).clamp(0.0, 1.0);
    let electronic = match part {
        0.0 => slow(),
        1.0 => fast(),
        _ => (1.0 - part) * slow() + part * fast(),
    };
    nuclear * PER_MOL + electronic
}

fn element(z: u32) -> &'static Element {
    &ELEMENTS[(z as usize).clamp(1, ELEMENTS.len()) - 1]
}

/// Stopping of ions by electrons, eV per 1e15 atoms/cm2, at `energy` keV per mass unit.
fn electronic(ion_z: u32, medium_z: u32, energy: f64) -> f64 {
    match ion_z {
        0 => 0.0,
        1 => proton(medium_z, energy),
        2 => helium(medium_z, energy),
        _ => heavy(ion_z, medium_z, energy),
    }
}

/// Protons, eV per 1e15 atoms/cm2.
fn proton(medium_z: u32, energy: f64) -> f64 {
    /// Below this many keV the stopping power is a power of the energy.
    const SLOWEST: f64 = 25.0;
    let [a, b, c, d, e, f, g, h] = element(medium_z).proton;
    let fast = energy.max(SLOWEST);
    let low = a * fast.powf(b) + c * fast.powf(d);
    let high = (g / fast + h * fast).ln() * e / fast.powf(f);
    let stopping = low * high / (low + high);
    let power = if medium_z <= 6 { 0.25 } else { 0.45 };
    if energy < SLOWEST { stopping * (energy / SLOWEST).powf(power) } else { stopping }
}

/// Helium by its effective charge, eV per 1e15 atoms/cm2.
fn helium(medium_z: u32, energy: f64) -> f64 {
    /// Below this many keV per mass unit the stopping power follows the velocity.
    const SLOWEST: f64 = 1.0;
    const CHARGE: [f64; 6] = [0.2865, 0.1266, -0.001_429, 0.024_02, -0.011_35, 0.001_475];
    let fast = energy.max(SLOWEST);
    let log = fast.ln();
    let exponent = CHARGE.iter().rev().fold(0.0, |sum, factor| sum * log + factor).min(30.0);
    let bump = 1.0 + (0.007 + 5e-5 * f64::from(medium_z)) * (-(7.6 - log).powi(2)).exp();
    let charge_squared = 4.0 * (1.0 - (-exponent).exp()) * bump * bump;
    let stopping = proton(medium_z, fast) * charge_squared;
    if energy < SLOWEST { stopping * (energy / SLOWEST).sqrt() } else { stopping }
}

/// Ions from lithium on by their effective charge, eV per 1e15 atoms/cm2.
fn heavy(ion_z: u32, medium_z: u32, energy: f64) -> f64 {
    /// The least velocity, in units of Bohr's velocity and relative to Z^(2/3), at which an ion is
    /// taken to be ionised.
    const RELATIVE_LEAST: f64 = 0.13;
    let z = f64::from(ion_z);
    let z23 = z.powf(0.6667);
    let fermi = element(medium_z).fermi_velocity;
    let velocity = (energy / BOHR_KEV).sqrt() / fermi;
    let square = velocity * velocity;
    let relative = if velocity >= 1.0 {
        velocity * fermi * (1.0 + 1.0 / (5.0 * square))
    } else {
        0.75 * fermi * (1.0 + 2.0 * square / 3.0 - square * square / 15.0)
    };
    let least = RELATIVE_LEAST.max(1.0 / z23);
    let reduced = least.max(relative / z23);
    let charge = effective_charge((ion_z, medium_z), reduced, energy);
    if reduced > least {
        return proton(medium_z, energy) * charge * charge;
    }
    // Slower than the least velocity the stopping power follows a power of the energy.
    let slowest = least * z23;
    let slowest = 0.5 * (slowest + (slowest * slowest - 0.8 * fermi * fermi).max(0.0).sqrt());
    let joint = BOHR_KEV * slowest * slowest;
    let semiconductor = (medium_z == 14 || medium_z == 32) && ion_z <= 19;
    let power = if medium_z == 6 || semiconductor { 0.35 } else { 0.5 };
    proton(medium_z, joint) * charge * charge * (energy / joint).powf(power)
}

/// Effective charge of an ion from its relative velocity, Brandt and Kitagawa's with the fits of
/// Ziegler, Biersack and Littmark.
fn effective_charge((ion_z, medium_z): (u32, u32), reduced: f64, energy: f64) -> f64 {
    let z = f64::from(ion_z);
    let z13 = z.powf(0.3333);
    let exponent = -0.803 * reduced.powf(0.3)
        + 1.3167 * reduced.powf(0.6)
        + 0.381_57 * reduced
        + 0.008_983 * reduced * reduced;
    let ionised = (1.0 - (-exponent.min(50.0)).exp()).clamp(0.0, 1.0);
    let plateau = (0.12 + 0.025 * z).clamp(0.32, 0.43) / z13;
    let rise = (0.9 - 0.025 * z).max(0.0);
    let fall = 0.025 * z.min(16.0);
    let outer = match ionised {
        q if q < 0.2 => 0.0,
        q if q < rise => plateau * (q - 0.2) / (rise - 0.2).abs(),
        q if q < (1.0 - fall).max(0.0) => plateau,
        q => plateau * (1.0 - q) / fall,
    };
    let inner = (0.8 - ionised * (0.6 + z / 30.0).min(1.2)) / z13;
    let length = outer.max(inner * element(ion_z).screening);
    let fermi = element(medium_z).fermi_velocity;
    let screened = 1.0 + (4.0 * length * fermi / 1.919).powi(2);
    let fraction = ionised + (1.0 - ionised) * screened.ln() / (2.0 * fermi * fermi);
    let log = energy.ln().max(0.0);
    let bump = (0.18 + 0.0015 * f64::from(medium_z)) * (-(7.6 - log).powi(2)).exp();
    z * fraction * (1.0 + bump / (z * z))
}

/// Nuclear stopping with the universal potential, eV per 1e15 atoms/cm2.
fn nuclear(ion: &Particle, medium: Medium, energy: f64) -> f64 {
    let [z1, z2] = [ion.z, medium.z].map(f64::from);
    let (m1, m2) = (ion.nuclear_mass_u(), medium.mass_u);
    let mass = (m1 + m2) * (z1.powf(0.23) + z2.powf(0.23));
    let reduced = 32.536 * m2 * energy * m1 / (z1 * z2 * mass);
    let stopping = if reduced <= 30.0 {
        let below = reduced + 0.013_21 * reduced.powf(0.212_26) + 0.195_93 * reduced.sqrt();
        0.5 * (1.138_3 * reduced).ln_1p() / below
    } else {
        0.5 * reduced.ln() / reduced
    };
    8.462 * z1 * z2 * m1 / mass * stopping
}

/// Bethe's formula with shell, Barkas, Bloch and Mott corrections, MeV cm2/mol, at `energy` MeV per
/// mass unit. Gases need no density correction at the energies in question.
fn bethe(ion: &Particle, medium_z: u32, energy: f64) -> f64 {
    let z1 = f64::from(ion.z);
    let z2 = f64::from(medium_z);
    let gamma = 1.0 + energy / U_MEV;
    let momentum_squared = gamma * gamma - 1.0;
    let beta_squared = momentum_squared / (gamma * gamma);
    let beta = beta_squared.sqrt();
    let excitation = element(medium_z).excitation_ev;
    let ratio = ELECTRON_U / ion.nuclear_mass_u();
    let recoil = 1.0 + 2.0 * gamma * ratio + ratio * ratio;
    let most = 2.0 * ELECTRON_MEV * momentum_squared;
    let basic = (most * 1e6 / excitation).ln() - beta_squared - 0.5 * recoil.ln();
    let shell = shell(momentum_squared, excitation) / z2;
    // Pierce and Blann, Phys. Rev. 173 (1968) 390.
    let speed = beta / FINE_STRUCTURE / z1.powf(2.0 / 3.0);
    let charge = z1 * (1.0 - (-0.95 * speed).exp());
    let bloch = bloch((charge * FINE_STRUCTURE / beta).powi(2));
    let mott = 0.5 * std::f64::consts::PI * FINE_STRUCTURE * beta * z1;
    let length = basic - shell + z1 * barkas(z2, beta_squared) + bloch + mott;
    BETHE_FACTOR * charge * charge * z2 / beta_squared * length
}

/// Bloch's correction, Ann. Physik 16 (1933) 285, for (z alpha / beta)^2.
fn bloch(square: f64) -> f64 {
    /// Terms that are summed; an integral stands for the others.
    const TERMS: i32 = 30;
    let term = |n: i32| {
        let n = f64::from(n);
        1.0 / (n * (n * n + square))
    };
    let middle = (f64::from(TERMS) + 0.5).powi(2);
    let rest = 0.5 * (square / middle).ln_1p() / square;
    -square * ((1..=TERMS).map(term).sum::<f64>() + rest)
}

/// Shell correction C, Barkas and Berger, NASA SP-3013 (1964).
fn shell(momentum_squared: f64, excitation_ev: f64) -> f64 {
    let x = 1.0 / momentum_squared;
    let second = x * (0.422_377 + x * (0.030_404_3 - x * 0.000_381_06));
    let third = x * (3.850_190 - x * (0.166_798_9 - x * 0.001_579_55));
    second * 1e-6 * excitation_ev.powi(2) + third * 1e-9 * excitation_ev.powi(3)
}

/// Barkas correction for charge 1, with the distances of closest approach of ICRU report 49.
fn barkas(z2: f64, beta_squared: f64) -> f64 {
    let x = beta_squared / (FINE_STRUCTURE * FINE_STRUCTURE * z2);
    let distance = match z2 as u32 {
        2 => 0.6,
        ..=10 | 18 => 1.8,
        ..=25 => 1.4,
        _ => 1.35,
    };
    let argument = distance / x.sqrt();
    let next = BARKAS.partition_point(|[at, _]| *at < argument);
    let value = match (next.checked_sub(1).map(|at| BARKAS[at]), BARKAS.get(next)) {
        (None, Some([_, first])) => *first,
        (Some([low, from]), Some([high, to])) => {
            from + (to - from) * (argument - low) / (high - low)
        }
        (Some([end, last]), None) => last * end / argument,
        (None, None) => 0.0,
    };
    value / (x * (z2 * x).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Mass stopping power in MeV cm2/g.
    fn of(ion: &str, (z, mass_u): (u32, f64), energy: f64) -> f64 {
        let ion = Particle::named(ion).unwrap();
        per_mole(&ion, Medium { z, mass_u }, energy) / mass_u
    }

    #[test]
    fn low_velocity_terms_are_those_of_the_authors_program() {
        // eV per 1e15 atoms/cm2 of the 1985 fits at 100 keV/u in H, He, C and Ar.
        let expected = [
            (1, [4.4041, 5.4896, 13.8451, 29.815]),
            (2, [11.9564, 14.9031, 37.5867, 80.9419]),
            (3, [17.3527, 21.6694, 54.5187, 117.4522]),
            (6, [39.3025, 49.14, 123.4781, 266.267]),
        ];
        for (ion, values) in expected {
            for (medium, value) in [1, 2, 6, 18].into_iter().zip(values) {
                let found = electronic(ion, medium, 100.0);
                assert!((found / value - 1.0).abs() < 3e-4, "{ion} in {medium}: {found}");
            }
        }
    }

    #[test]
    fn all_ions_and_media_give_positive_smooth_stopping() {
        for ion in ["1H", "4He", "7Li", "12C", "40Ar", "132Xe", "238U"] {
            for medium in [(1, 1.008), (2, 4.003), (6, 12.0), (18, 39.95), (54, 131.3), (92, 238.0)]
            {
                let mut last = of(ion, medium, 1e-5);
                for step in 1..=8000 {
                    let stopping = of(ion, medium, 1e-5 * 10f64.powf(f64::from(step) * 1e-3));
                    assert!(stopping > 0.0, "{ion} in {medium:?}");
                    assert!((stopping / last - 1.0).abs() < 0.02, "{ion} {medium:?} {step}");
                    last = stopping;
                }
            }
        }
    }
}
