//! The gas's brake on a particle, for quick look-up.
//!
//! A track asks for it at every stage of every step, so that logarithms would take most of the
//! time. Nodes stand at equal distances within every power of two of the squared momentum; then the
//! bits of that number are already the place in the table.

use crate::kernels::attpc::stopping::Stopping;

/// Bits of the mantissa that choose a cell: 256 nodes in each power of two make the error of a
/// straight line less than 1e-5 even where the brake falls with the second power.
const CELL_BITS: u32 = 8;
const SHIFT: u32 = f64::MANTISSA_DIGITS - 1 - CELL_BITS;
const METRES_PER_CM: f64 = 0.01;
/// Speed of light in m/s.
pub(super) const LIGHT: f64 = 299_792_458.0;

/// The rate in 1/s at which momentum is lost, relative to the momentum, over (gamma beta)^2.
#[derive(Clone, Debug)]
pub(super) struct Drag {
    first: u64,
    /// Rate at the lower end of each cell and how much it changes across.
    cells: Vec<[f64; 2]>,
}

impl Drag {
    /// Tabulates the brake between two energies in MeV; beyond them the last rates hold.
    pub(super) fn new(stopping: &Stopping, density: f64, mass: f64, [low, high]: [f64; 2]) -> Drag {
        let first = square_of(low, mass).to_bits() >> SHIFT;
        let last = square_of(high, mass).to_bits() >> SHIFT;
        let rate = |cell: u64| {
            let square = f64::from_bits(cell << SHIFT);
            let loss = stopping.dedx(energy_of(square, mass)) * density / METRES_PER_CM;
            loss / mass * LIGHT / square.sqrt()
        };
        let mut cells = Vec::new();
        let mut left = rate(first);
        for cell in first..=last {
            let right = rate(cell + 1);
            cells.push([left, right - left]);
            left = right;
        }
        Drag { first, cells }
    }

    /// No brake at all, as in a vacuum.
    #[cfg(test)]
    pub(super) fn none() -> Drag {
        Drag { first: 0, cells: vec![[0.0; 2]] }
    }

    /// The rate at a squared momentum.
    #[inline]
    pub(super) fn at(&self, square: f64) -> f64 {
        let bits = square.to_bits();
        let cell = (bits >> SHIFT).saturating_sub(self.first) as usize;
        let [rate, change] = self.cells[cell.min(self.cells.len() - 1)];
        let within = (bits & ((1 << SHIFT) - 1)) as f64 * (1.0 / (1u64 << SHIFT) as f64);
        rate + change * within
    }
}

/// (gamma beta)^2 of a kinetic energy, both in units of a mass.
pub(super) fn square_of(energy: f64, mass: f64) -> f64 {
    let ratio = energy / mass;
    ratio * (ratio + 2.0)
}

/// The kinetic energy of a (gamma beta)^2.
pub(super) fn energy_of(square: f64, mass: f64) -> f64 {
    mass * square / ((1.0 + square).sqrt() + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::attpc::gas::Gas;
    use crate::kernels::attpc::particle::Particle;

    #[test]
    fn the_table_follows_the_stopping_power() {
        let gas = Gas::parse(r#"{"compound": [[2, 4, 1]], "pressure(Torr)": 600}"#).unwrap();
        let particle = Particle::named("4He").unwrap();
        let mass = particle.nuclear_mass_mev();
        let stopping = Stopping::built_in(&particle, &gas, 100.0);
        let drag = Drag::new(&stopping, gas.density(), mass, [0.01, 90.0]);
        for step in 0..1000 {
            let energy = 0.011 * 8000f64.powf(f64::from(step) / 1000.0);
            let square = square_of(energy, mass);
            assert!((energy_of(square, mass) / energy - 1.0).abs() < 1e-12);
            let loss = drag.at(square) * mass * square.sqrt() / LIGHT * METRES_PER_CM;
            let wanted = stopping.dedx(energy) * gas.density();
            assert!((loss / wanted - 1.0).abs() < 2e-5, "{energy} {loss} {wanted}");
        }
        assert!(drag.at(0.0) > 0.0 && drag.at(1e9) > 0.0);
    }
}
