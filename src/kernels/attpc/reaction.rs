//! Relativistic kinematics of a reaction with two bodies in and two out.
//!
//! A projectile meets a target at rest; the ejectile is what the detector saw, the residual is
//! what is left. Energies and masses in MeV (c = 1), angles in radians from the beam's direction.
//! All follows from the conservation of energy and momentum; no approximation is made. Formulas:
//! Particle Data Group, Review of Particle Physics (2024), section 49, "Kinematics".

/// Nuclear masses of a reaction, MeV.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reaction {
    pub projectile: f64,
    pub target: f64,
    pub ejectile: f64,
    pub residual: f64,
}

/// A place on a kinematic line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LinePoint {
    /// Laboratory angle of the ejectile, radians.
    pub polar: f64,
    /// Kinetic energy of the ejectile, MeV.
    pub energy: f64,
}

impl Reaction {
    /// Energy set free when the residual is in its ground state.
    pub fn q_value(&self) -> f64 {
        // In this order elastic scattering gives zero without rounding.
        (self.projectile - self.ejectile) + (self.target - self.residual)
    }

    /// Excitation energy of the residual for a measured ejectile. NaN where no real residual mass
    /// balances energy and momentum.
    pub fn excitation(&self, beam_energy: f64, ejectile: LinePoint) -> f64 {
        let beam = momentum(beam_energy, self.projectile);
        let out = momentum(ejectile.energy, self.ejectile);
        let energy = beam_energy + self.projectile + self.target - ejectile.energy - self.ejectile;
        let carried = beam * beam + out * out - 2.0 * beam * out * ejectile.polar.cos();
        (energy * energy - carried).sqrt() - self.residual
    }

    /// The ejectile's energy against its angle for one excitation energy, at equal steps of the
    /// angle in the centre of mass. Empty when the beam cannot reach that excitation.
    pub fn line(&self, beam_energy: f64, excitation: f64, points: usize) -> Vec<LinePoint> {
        let residual = self.residual + excitation;
        let beam = momentum(beam_energy, self.projectile);
        let total = beam_energy + self.projectile + self.target;
        let invariant = (total * total - beam * beam).sqrt();
        if !(invariant >= self.ejectile + residual && residual >= 0.0 && points > 1) {
            return Vec::new();
        }
        let (square, light, heavy) =
            (invariant * invariant, self.ejectile.powi(2), residual.powi(2));
        let triangle = (square - light - heavy).powi(2) - 4.0 * light * heavy;
        let inside = triangle.max(0.0).sqrt() / (2.0 * invariant);
        let own = inside.hypot(self.ejectile);
        let (gamma, gamma_beta) = (total / invariant, beam / invariant);
        let at = |step: usize| {
            let angle = std::f64::consts::PI * step as f64 / (points - 1) as f64;
            let (across, along) = (inside * angle.sin(), inside * angle.cos());
            let forward = gamma * along + gamma_beta * own;
            let momentum = forward.hypot(across);
            // p^2 / (E + m) keeps digits that E - m loses for slow ejectiles.
            let energy = momentum * momentum / (momentum.hypot(self.ejectile) + self.ejectile);
            LinePoint { polar: across.atan2(forward), energy }
        };
        (0..points).map(at).collect()
    }
}

/// Momentum (MeV/c) of a particle with a kinetic energy and a mass.
fn momentum(energy: f64, mass: f64) -> f64 {
    (energy * (energy + 2.0 * mass)).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nuclear masses (AME 2020) of the reference data's two reactions.
    const MASS_1H: f64 = 938.272_089;
    const MASS_2H: f64 = 1_875.612_945;
    const MASS_16C: f64 = 14_914.531_5;
    const MASS_17C: f64 = 15_853.368_5;

    const SCATTERING: Reaction =
        Reaction { projectile: MASS_16C, target: MASS_2H, ejectile: MASS_2H, residual: MASS_16C };
    const TRANSFER: Reaction =
        Reaction { projectile: MASS_16C, target: MASS_2H, ejectile: MASS_1H, residual: MASS_17C };

    #[test]
    fn the_line_gives_back_its_excitation_energy() {
        for reaction in [SCATTERING, TRANSFER] {
            for excitation in [0.0, 1.766, 6.5] {
                let line = reaction.line(180.0, excitation, 50);
                assert_eq!(line.len(), 50);
                for point in line {
                    let found = reaction.excitation(180.0, point);
                    assert!((found - excitation).abs() < 1e-7, "{excitation}: {found}");
                }
            }
        }
    }

    #[test]
    fn elastic_recoils_follow_the_textbook() {
        // A target at rest leaves at up to 90 degrees; at zero degrees it takes
        // 2 m_t (E^2 + 2 m_p E) / ((m_p + m_t)^2 + 2 m_t E) of the beam's energy E.
        let (beam, line) = (180.0, SCATTERING.line(180.0, 0.0, 181));
        let most = 2.0 * MASS_2H * beam * (beam + 2.0 * MASS_16C)
            / ((MASS_16C + MASS_2H).powi(2) + 2.0 * MASS_2H * beam);
        assert!((line[0].energy - most).abs() < 1e-9, "{} {most}", line[0].energy);
        assert!(line[180].energy.abs() < 1e-9);
        assert!(line.iter().all(|point| point.polar <= std::f64::consts::FRAC_PI_2 + 1e-6));
        assert_eq!(SCATTERING.q_value(), 0.0);
    }

    #[test]
    fn slow_bodies_behave_as_newton_says() {
        // E_e = E_b m_p m_e / M^2 (cos t + sqrt(...))^2 of the classical elastic case with equal
        // masses is E_b cos^2 t.
        let equal = Reaction { projectile: 1e3, target: 1e3, ejectile: 1e3, residual: 1e3 };
        // The last point is at rest, where the angle means nothing.
        for point in &equal.line(1e-3, 0.0, 40)[..39] {
            let expected = 1e-3 * point.polar.cos().powi(2);
            assert!((point.energy - expected).abs() < 1e-8, "{point:?}");
        }
    }

    #[test]
    fn energy_and_momentum_that_no_residual_balances_are_not_a_number() {
        assert!(TRANSFER.line(180.0, 500.0, 10).is_empty());
        let impossible = LinePoint { polar: 3.0, energy: 30_000.0 };
        assert!(TRANSFER.excitation(180.0, impossible).is_nan());
    }
}
