//! Levenberg-Marquardt as MINPACK's `lmdif` and `lmder` do it.
//!
//! Source: J. J. Moré, The Levenberg-Marquardt algorithm, Lecture Notes in Mathematics 630 (1978)
//! 105, and J. J. Moré, B. S. Garbow and K. E. Hillstrom, User guide for MINPACK-1, ANL-80-74
//! (1980). Scaling by the columns' norms, a trust region of 100 scaled lengths at the start, QR
//! with column pivots. Only six columns are ever needed, so matrices are kept as columns.

use crate::kernels::attpc::solve::qr::{Qr, norm, scaled_norm};

/// Size of the first trust region, in scaled lengths of the start.
const FACTOR: f64 = 100.0;
/// Share of the predicted gain that makes a step good.
const GOOD: f64 = 1e-4;

/// When the iteration ends.
#[derive(Clone, Copy, Debug)]
pub struct Stop {
    /// Relative decrease of the sum of squares.
    pub ftol: f64,
    /// Relative change of the parameters.
    pub xtol: f64,
    /// Evaluations of the residuals, those for the Jacobian included.
    pub evaluations: usize,
}

/// Where the iteration ended.
#[derive(Clone, Debug)]
pub struct Solution {
    pub x: Vec<f64>,
    pub residuals: Vec<f64>,
    /// Inverse of the product of the last Jacobian with itself; `None` when it is singular.
    pub covariance: Option<Vec<Vec<f64>>>,
    pub evaluations: usize,
}

/// A vector of residuals with its derivatives.
pub trait Residuals {
    /// Writes the residuals at `x`.
    fn residuals(&mut self, x: &[f64], out: &mut Vec<f64>);
    /// Writes the columns of the Jacobian at `x`, where the residuals were just evaluated.
    fn jacobian(&mut self, x: &[f64], residuals: &[f64], columns: &mut [Vec<f64>]);
}

/// Minimises the sum of squares.
pub fn minimize(start: &[f64], stop: Stop, problem: &mut impl Residuals) -> Solution {
    let n = start.len();
    let mut state = State::new(start, problem);
    let mut columns = vec![Vec::new(); n];
    loop {
        problem.jacobian(&state.x, &state.residuals, &mut columns);
        state.evaluations += n;
        state.open(&columns);
        if state.is_stationary() || state.inner(stop, problem) {
            break;
        }
    }
    let covariance = state.qr.covariance();
    Solution { x: state.x, residuals: state.residuals, covariance, evaluations: state.evaluations }
}

/// What a step gained, relative to the sum of squares.
struct Gain {
    actual: f64,
    predicted: f64,
    slope: f64,
    ratio: f64,
    /// True when the residuals grew ten times.
    is_worse: bool,
}

struct State {
    x: Vec<f64>,
    residuals: Vec<f64>,
    norm: f64,
    qr: Qr,
    /// Scales of the parameters.
    scale: Vec<f64>,
    radius: f64,
    damping: f64,
    scaled_length: f64,
    evaluations: usize,
    is_first: bool,
}

impl State {
    fn new(start: &[f64], problem: &mut impl Residuals) -> State {
        let mut residuals = Vec::new();
        problem.residuals(start, &mut residuals);
        State {
            x: start.to_vec(),
            norm: norm(&residuals),
            residuals,
            qr: Qr::default(),
            scale: Vec::new(),
            radius: 0.0,
            damping: 0.0,
            scaled_length: 0.0,
            evaluations: 1,
            is_first: true,
        }
    }

    /// Factors a new Jacobian and widens the scales.
    fn open(&mut self, columns: &[Vec<f64>]) {
        self.qr = Qr::of(columns, &self.residuals);
        let norms = &self.qr.norms;
        if self.is_first {
            self.scale = norms.iter().map(|norm| if *norm == 0.0 { 1.0 } else { *norm }).collect();
            self.scaled_length = scaled_norm(&self.scale, &self.x);
            self.radius = FACTOR * self.scaled_length;
            if self.radius == 0.0 {
                self.radius = FACTOR;
            }
        }
        self.scale.iter_mut().zip(norms).for_each(|(scale, norm)| *scale = scale.max(*norm));
    }

    fn is_stationary(&self) -> bool {
        self.norm == 0.0 || self.qr.largest_cosine(self.norm) <= 0.0
    }

    /// Tries steps until one is good; true when the iteration ends.
    fn inner(&mut self, stop: Stop, problem: &mut impl Residuals) -> bool {
        let mut residuals = Vec::new();
        loop {
            let (step, damping) = self.qr.trusted_step(&self.scale, self.radius, self.damping);
            self.damping = damping;
            let x: Vec<f64> = self.x.iter().zip(&step).map(|(x, p)| x - p).collect();
            let length = scaled_norm(&self.scale, &step);
            if self.is_first {
                self.radius = self.radius.min(length);
            }
            problem.residuals(&x, &mut residuals);
            self.evaluations += 1;
            let norm = norm(&residuals);
            let gain = self.gain(&step, norm, length);
            self.adapt(&gain, length);
            if gain.ratio >= GOOD {
                self.scaled_length = scaled_norm(&self.scale, &x);
                self.x = x;
                std::mem::swap(&mut self.residuals, &mut residuals);
                self.norm = norm;
                self.is_first = false;
            }
            if self.is_done(&gain, stop) {
                return true;
            }
            if gain.ratio >= GOOD {
                return false;
            }
        }
    }

    fn gain(&self, step: &[f64], norm: f64, length: f64) -> Gain {
        let is_worse = 0.1 * norm >= self.norm;
        let actual = if is_worse { -1.0 } else { 1.0 - (norm / self.norm).powi(2) };
        let linear = (self.qr.product_norm(step) / self.norm).powi(2);
        let damped = self.damping * (length / self.norm).powi(2);
        let predicted = linear + damped / 0.5;
        let ratio = if predicted == 0.0 { 0.0 } else { actual / predicted };
        Gain { actual, predicted, slope: -(linear + damped), ratio, is_worse }
    }

    /// Narrows or widens the trust region by what the step gained.
    fn adapt(&mut self, gain: &Gain, length: f64) {
        if gain.ratio <= 0.25 {
            let curved = 0.5 * gain.slope / (gain.slope + 0.5 * gain.actual);
            let factor = if gain.actual >= 0.0 { 0.5 } else { curved };
            let factor = if gain.is_worse || factor < 0.1 { 0.1 } else { factor };
            self.radius = factor * self.radius.min(length / 0.1);
            self.damping /= factor;
        } else if self.damping == 0.0 || gain.ratio >= 0.75 {
            self.radius = length / 0.5;
            self.damping *= 0.5;
        }
    }

    fn is_done(&self, gain: &Gain, stop: Stop) -> bool {
        let small = |limit: f64| {
            gain.actual.abs() <= limit && gain.predicted <= limit && 0.5 * gain.ratio <= 1.0
        };
        let eps = f64::EPSILON;
        small(stop.ftol)
            || self.radius <= stop.xtol * self.scaled_length
            || self.evaluations >= stop.evaluations
            || small(eps)
            || self.radius <= eps * self.scaled_length
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A function of parameters at whole times, with differences as MINPACK takes them.
    struct Model<F>(F, Vec<f64>);

    impl<F: Fn(&[f64], f64) -> f64> Residuals for Model<F> {
        fn residuals(&mut self, x: &[f64], out: &mut Vec<f64>) {
            out.clear();
            out.extend(self.1.iter().enumerate().map(|(t, y)| y - (self.0)(x, t as f64)));
        }

        fn jacobian(&mut self, x: &[f64], residuals: &[f64], columns: &mut [Vec<f64>]) {
            for (k, column) in columns.iter_mut().enumerate() {
                let mut moved = x.to_vec();
                let step = 1.5e-8 * moved[k].abs().max(1e-300);
                moved[k] += step;
                self.residuals(&moved, column);
                column.iter_mut().zip(residuals).for_each(|(new, old)| *new = (*new - old) / step);
            }
        }
    }

    const STOP: Stop = Stop { ftol: 1.5e-8, xtol: 1.5e-8, evaluations: 1000 };

    #[test]
    fn a_decay_is_found_from_afar_with_its_covariance() {
        let decay = |x: &[f64], t: f64| x[0] * (-x[1] * t).exp() + x[2];
        let data: Vec<f64> = (0..20).map(|t| decay(&[5.0, 0.3, 1.0], f64::from(t))).collect();
        let found = minimize(&[1.0, 0.05, 0.1], STOP, &mut Model(decay, data));
        let wanted = [5.0, 0.3, 1.0];
        assert!(found.x.iter().zip(wanted).all(|(x, w)| (x - w).abs() < 1e-6), "{found:?}");
        assert_eq!(found.covariance.unwrap().len(), 3);
    }

    #[test]
    fn a_parameter_without_influence_has_no_covariance() {
        let line = |x: &[f64], t: f64| x[0] * t;
        let data: Vec<f64> = (0..5).map(|t| 2.0 * f64::from(t) + f64::from(t % 2)).collect();
        let found = minimize(&[1.0, 7.0], STOP, &mut Model(line, data));
        assert!(found.covariance.is_none() && found.x[1] == 7.0);
    }
}
