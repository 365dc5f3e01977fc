//! Natural cubic smoothing splines.
//!
//! The function f that minimises `sum (y_i - f(x_i))^2 + lambda * integral f''(x)^2 dx` is a cubic
//! between neighbouring x, straight beyond the ends. With its second derivatives c at the inner
//! x, `(R + lambda Q^T Q) c = Q^T y` and `f = y - lambda Q c` (C. H. Reinsch, Numer. Math. 10
//! (1967) 177), where Q holds second divided differences and R is tridiagonal. The matrix has five
//! bands and does not depend on y, so it is factored once for all coordinates of a track and each
//! of them takes a time proportional to the number of points.

/// Fewest points of a spline. The peer's library wants five, so clusters of four are rejected.
pub const FEWEST_POINTS: usize = 5;

/// Why points have no spline.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum SplineError {
    #[error("a spline needs {FEWEST_POINTS} points, found {found}")]
    TooFew { found: usize },
    #[error("x does not increase at point {at}")]
    NotIncreasing { at: usize },
}

/// Smooths any number of functions of the same x.
#[derive(Clone, Debug)]
pub struct Smoother {
    x: Vec<f64>,
    lambda: f64,
    /// 1 / (x_{i+1} - x_i).
    inverse_steps: Vec<f64>,
    /// Rows of the factor L and the diagonal D of L D L^T, one for each inner point.
    factor: Vec<FactorRow>,
}

#[derive(Clone, Copy, Debug, Default)]
struct FactorRow {
    /// 1 / D_i.
    inverse_diagonal: f64,
    /// L_{i+1,i}.
    next: f64,
    /// L_{i+2,i}.
    second: f64,
}

/// A smoothed function: its values and second derivatives at the x of its smoother.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Spline {
    pub values: Vec<f64>,
    pub curvatures: Vec<f64>,
}

impl Smoother {
    /// Prepares smoothing over `x`, which must increase strictly; `lambda` is not negative.
    ///
    /// # Errors
    /// Fewer than five points, or an x that is not greater than the one before (or NaN).
    pub fn new(x: &[f64], lambda: f64) -> Result<Smoother, SplineError> {
        if x.len() < FEWEST_POINTS {
            return Err(SplineError::TooFew { found: x.len() });
        }
        let increases = |pair: &[f64]| pair[1] > pair[0] && pair[1] - pair[0] < f64::INFINITY;
        if let Some(at) = x.windows(2).position(|pair| !increases(pair)) {
            return Err(SplineError::NotIncreasing { at: at + 1 });
        }
        let inverse_steps: Vec<f64> = x.windows(2).map(|pair| 1.0 / (pair[1] - pair[0])).collect();
        let factor = factor(x, &inverse_steps, lambda);
        Ok(Smoother { x: x.to_vec(), lambda, inverse_steps, factor })
    }

    /// The points over which is smoothed.
    pub fn x(&self) -> &[f64] {
        &self.x
    }

    /// Smooths a function given at each x.
    ///
    /// # Panics
    /// When there is not one y for each x.
    pub fn fit(&self, y: &[f64]) -> Spline {
        assert_eq!(y.len(), self.x.len(), "every x has one y");
        let inner = self.factor.len();
        let inverse = &self.inverse_steps;
        let mut curvatures = vec![0.0; y.len()];
        let solution = &mut curvatures[1..=inner];
        for (i, value) in solution.iter_mut().enumerate() {
            *value = (y[i + 2] - y[i + 1]) * inverse[i + 1] - (y[i + 1] - y[i]) * inverse[i];
        }
        self.solve(solution);
        // Q c is the difference of neighbouring slopes of c.
        let mut values = y.to_vec();
        let mut before = 0.0;
        for (i, value) in values.iter_mut().enumerate() {
            let slope = match inverse.get(i) {
                Some(inverse) => (curvatures[i + 1] - curvatures[i]) * inverse,
                None => 0.0,
            };
            *value -= self.lambda * (slope - before);
            before = slope;
        }
        Spline { values, curvatures }
    }

    /// Solves the factored system in place.
    fn solve(&self, values: &mut [f64]) {
        let factor = &self.factor;
        for i in 0..values.len() {
            let value = values[i];
            if let Some(next) = values.get_mut(i + 1) {
                *next -= factor[i].next * value;
            }
            if let Some(second) = values.get_mut(i + 2) {
                *second -= factor[i].second * value;
            }
        }
        for i in (0..values.len()).rev() {
            let next = values.get(i + 1).copied().unwrap_or(0.0);
            let second = values.get(i + 2).copied().unwrap_or(0.0);
            let row = factor[i];
            values[i] = values[i] * row.inverse_diagonal - row.next * next - row.second * second;
        }
    }

    /// The interval in which `x` lies; the first or the last one beyond the ends.
    pub fn interval(&self, x: f64) -> usize {
        let last = self.x.len() - 2;
        self.x.partition_point(|&knot| knot <= x).saturating_sub(1).min(last)
    }

    /// The value of a spline of this smoother at `x` in an interval that [`Self::interval`] gave.
    /// Beyond the ends the spline goes on straight.
    pub fn value(&self, spline: &Spline, interval: usize, x: f64) -> f64 {
        let i = interval;
        let (inverse, step) = (self.inverse_steps[i], self.x[i + 1] - self.x[i]);
        let part = (x - self.x[i]) * inverse;
        let rest = 1.0 - part;
        let [left, right] = [spline.values[i], spline.values[i + 1]];
        let [bend_left, bend_right] = [spline.curvatures[i], spline.curvatures[i + 1]];
        let line = left * rest + right * part;
        let sixth = step * step / 6.0;
        if part < 0.0 {
            return line - sixth * part * (2.0 * bend_left + bend_right);
        }
        if rest < 0.0 {
            return line - sixth * rest * (bend_left + 2.0 * bend_right);
        }
        line - sixth * part * rest * ((1.0 + rest) * bend_left + (1.0 + part) * bend_right)
    }

    /// The value of a spline of this smoother anywhere.
    pub fn at(&self, spline: &Spline, x: f64) -> f64 {
        self.value(spline, self.interval(x), x)
    }
}

/// Factors R + lambda Q^T Q into L D L^T.
fn factor(x: &[f64], inverse: &[f64], lambda: f64) -> Vec<FactorRow> {
    let inner = x.len() - 2;
    let mut rows = vec![FactorRow::default(); inner];
    // D_i times its factors, for the two rows before.
    let [mut before, mut second_before] = [(0.0, FactorRow::default()); 2];
    for i in 0..inner {
        let [a, b] = [inverse[i], inverse[i + 1]];
        let step = x[i + 2] - x[i];
        let diagonal = step / 3.0 + lambda * (a * a + (a + b) * (a + b) + b * b);
        let (last, far): ((f64, FactorRow), (f64, FactorRow)) = (before, second_before);
        let pivot =
            diagonal - last.0 * last.1.next * last.1.next - far.0 * far.1.second * far.1.second;
        let mut row = FactorRow { inverse_diagonal: 1.0 / pivot, next: 0.0, second: 0.0 };
        if i + 1 < inner {
            let c = inverse[i + 2];
            let gap = x[i + 2] - x[i + 1];
            let next = gap / 6.0 - lambda * b * ((a + b) + (b + c));
            row.next = (next - last.0 * last.1.second * last.1.next) / pivot;
            if i + 2 < inner {
                row.second = lambda * b * c / pivot;
            }
        }
        rows[i] = row;
        (second_before, before) = (last, (pivot, row));
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    const X: [f64; 8] = [0.0, 0.5, 0.5004, 2.0, 3.5, 7.0, 8.0, 11.0];
    const Y: [f64; 8] = [1.0, 3.0, -2.0, 4.0, 4.5, -1.0, 0.0, 2.0];

    /// lambda, then values at X and at 0.25, 5.0, 10.9: scipy 1.15.1, `make_smoothing_spline`.
    const SCIPY: [(f64, [f64; 8], [f64; 3]); 2] = [
        (
            0.25,
            [
                0.3918136449779142,
                1.0101848427644577,
                1.0107607286573548,
                3.6145205998053185,
                4.261612921951913,
                -0.467774072564701,
                -0.3001201043488093,
                1.9790014387543242,
            ],
            [0.6819934202767458, 2.252226565704673, 1.8904455829443114],
        ),
        (
            100.0,
            [
                1.6008769629090762,
                1.6230116964550576,
                1.6230292037093055,
                1.6692872542707249,
                1.6258623347921648,
                1.2322351921587393,
                1.1372931958384687,
                0.9884041586828637,
            ],
            [1.6119912731947945, 1.478371780441519, 0.9918514188191434],
        ),
    ];

    fn smoothed(lambda: f64) -> (Smoother, Spline) {
        let smoother = Smoother::new(&X, lambda).unwrap();
        let spline = smoother.fit(&Y);
        (smoother, spline)
    }

    /// What the spline is meant to make small.
    fn cost(smoother: &Smoother, values: &[f64]) -> f64 {
        let exact = Smoother::new(smoother.x(), 0.0).unwrap().fit(values);
        let bends = exact.curvatures.windows(2).zip(smoother.x().windows(2));
        let bending =
            bends.map(|(c, x)| (x[1] - x[0]) * (c[0] * c[0] + c[0] * c[1] + c[1] * c[1]) / 3.0);
        let misfit = values.iter().zip(Y).map(|(value, y)| (value - y).powi(2));
        misfit.sum::<f64>() + smoother.lambda * bending.sum::<f64>()
    }

    #[test]
    fn values_are_those_of_scipy() {
        for (lambda, at_x, between) in SCIPY {
            let (smoother, spline) = smoothed(lambda);
            for (value, expected) in spline.values.iter().zip(at_x) {
                assert!((value - expected).abs() < 1e-9, "{value} {expected}");
            }
            for (x, expected) in [0.25, 5.0, 10.9].into_iter().zip(between) {
                let value = smoother.at(&spline, x);
                assert!((value - expected).abs() < 1e-9, "{value} {expected} at {x}");
            }
        }
    }

    #[test]
    fn no_other_values_cost_less() {
        let (smoother, spline) = smoothed(0.3);
        let best = cost(&smoother, &spline.values);
        for at in 0..X.len() {
            for step in [1e-3, -1e-3] {
                let mut values = spline.values.clone();
                values[at] += step;
                assert!(cost(&smoother, &values) > best, "{at} {step}");
            }
        }
    }

    #[test]
    fn straight_data_stay_and_no_smoothing_interpolates() {
        let line = X.map(|x| 3.0 - 0.5 * x);
        let spline = Smoother::new(&X, 100.0).unwrap().fit(&line);
        for (value, expected) in spline.values.iter().zip(line) {
            assert!((value - expected).abs() < 1e-10);
        }
        let (_, spline) = smoothed(0.0);
        assert_eq!(spline.values, Y);
    }

    #[test]
    fn it_is_smooth_at_its_knots_and_straight_beyond_the_ends() {
        let (smoother, spline) = smoothed(0.25);
        let at = |x: f64| smoother.at(&spline, x);
        for x in X {
            let (left, right) = (at(x - 1e-7), at(x + 1e-7));
            assert!((left - right).abs() < 1e-5 && (at(x) - right).abs() < 1e-5, "{x}");
        }
        for (end, outward) in [(0.0, -1.0), (11.0, 1.0)] {
            let slope = (at(end) - at(end - outward * 1e-5)) / 1e-5;
            let beyond = (at(end + outward * 7.0) - at(end)) / 7.0;
            assert!((slope - beyond).abs() < 1e-4, "{slope} {beyond}");
        }
    }

    #[test]
    fn points_without_a_spline_are_refused() {
        let error = |x: &[f64]| Smoother::new(x, 1.0).unwrap_err();
        assert_eq!(error(&[0.0, 1.0, 2.0, 3.0]), SplineError::TooFew { found: 4 });
        assert_eq!(error(&[0.0, 1.0, 1.0, 3.0, 4.0]), SplineError::NotIncreasing { at: 2 });
        assert_eq!(error(&[0.0, 2.0, 1.0, 3.0, 4.0]), SplineError::NotIncreasing { at: 2 });
        assert_eq!(error(&[0.0, 1.0, 2.0, f64::NAN, 4.0]), SplineError::NotIncreasing { at: 3 });
        let endless = [0.0, 1.0, 2.0, 3.0, f64::INFINITY];
        assert_eq!(error(&endless), SplineError::NotIncreasing { at: 4 });
    }
}
