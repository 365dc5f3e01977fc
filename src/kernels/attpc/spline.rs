//! Natural cubic smoothing splines.
//!
//! The function f that minimises `sum (y_i - f(x_i))^2 + lambda * integral f''(x)^2 dx` is a cubic
//! between neighbouring x, straight beyond the ends. The textbook way to it (C. H. Reinsch, Numer.
//! Math. 10 (1967) 177) divides by the distances of neighbours cubed, and so loses most digits
//! where two points of a track are a micrometre apart. Here value and slope are the state of a
//! walk along x (G. Wahba, J. R. Stat. Soc. B 40 (1978) 364): the step over a distance h adds
//! noise of covariance `[h^3 / 3, h^2 / 2; h^2 / 2, h] / lambda`, each y is a measurement of the
//! value. A square-root information smoother (G. J. Bierman, Factorization Methods for Discrete
//! Sequential Estimation, 1977) finds the states by rotations, without dividing by h at all.
//!
//! The rotations do not depend on y. They are found once for all coordinates of a track, and each
//! coordinate then takes a time proportional to the number of points.

/// Fewest points of a spline. The peer's library wants five, so clusters of four are rejected.
pub const FEWEST_POINTS: usize = 5;

/// Why points have no spline.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum SplineError {
    #[error("a spline needs {FEWEST_POINTS} points, found {found}")]
    TooFew { found: usize },
    #[error("x does not increase at point {at}")]
    NotIncreasing { at: usize },
    #[error("the smoothing factor is {lambda}, must be greater than zero")]
    NotPositive { lambda: f64 },
}

/// Smooths any number of functions of the same x.
#[derive(Clone, Debug)]
pub struct Smoother {
    x: Vec<f64>,
    /// One for each x after the first.
    steps: Vec<Step>,
    /// What all y together say of the last state.
    last: Information,
}

/// A smoothed function: its values and slopes at the x of its smoother.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Spline {
    pub values: Vec<f64>,
    pub slopes: Vec<f64>,
}

/// A rotation that moves what two rows have in one column into the first of them.
#[derive(Clone, Copy, Debug)]
struct Rotation {
    cos: f64,
    sin: f64,
}

impl Rotation {
    /// The rotation for the entries `a` and `b` of two rows, and what the first then holds.
    fn onto(a: f64, b: f64) -> (Rotation, f64) {
        let length = (a * a + b * b).sqrt();
        if length > 0.0 {
            (Rotation { cos: a / length, sin: b / length }, length)
        } else {
            (Rotation { cos: 1.0, sin: 0.0 }, 0.0)
        }
    }

    fn turn(self, a: f64, b: f64) -> (f64, f64) {
        (self.cos * a + self.sin * b, self.cos * b - self.sin * a)
    }
}

/// What is known of a state: `[value, cross; 0, slope]` times it is a vector that depends on y.
#[derive(Clone, Copy, Debug)]
struct Information {
    value: f64,
    cross: f64,
    slope: f64,
}

impl Information {
    /// The first y says what the value is and nothing about the slope.
    const FIRST: Information = Information { value: 1.0, cross: 0.0, slope: 0.0 };
}

/// How the noise of a step moves value and slope.
#[derive(Clone, Copy, Debug)]
struct Noise {
    slope_by_first: f64,
    value_by_first: f64,
    value_by_second: f64,
}

impl Noise {
    /// The Cholesky factor of the covariance of a step over `h`, but for lambda.
    fn of(h: f64) -> Noise {
        let root = h.sqrt();
        Noise {
            slope_by_first: root,
            value_by_first: 0.5 * h * root,
            value_by_second: h * root / 12.0_f64.sqrt(),
        }
    }
}

/// From one state to the next: rotations in the order in which they act on y, and the rows from
/// which the noise follows once the state after it is known.
#[derive(Clone, Copy, Debug)]
struct Step {
    h: f64,
    noise: Noise,
    rotations: [Rotation; 6],
    /// Entries of the row of the first noise: itself, value, slope.
    first: [f64; 3],
    /// Entries of the row of the second noise: itself, first noise, value, slope.
    second: [f64; 4],
}

impl Step {
    /// The step over `h` from a state of which something is known, the next y included.
    fn new(h: f64, root_lambda: f64, before: Information) -> (Step, Information) {
        let noise = Noise::of(h);
        let Information { value: a, cross: b, slope: c } = before;
        // What is known, in terms of noise and next state. The columns are the first noise, the
        // second noise, value and slope.
        let b = b - a * h;
        let mut upper = [
            -a * noise.value_by_first - b * noise.slope_by_first,
            -a * noise.value_by_second,
            a,
            b,
        ];
        let lower_first = -c * noise.slope_by_first;

        // The second noise, of which the lower row knows nothing.
        let (r0, pivot_second) = Rotation::onto(root_lambda, upper[1]);
        let mut second = [pivot_second, 0.0, 0.0, 0.0];
        (second[1], upper[0]) = r0.turn(0.0, upper[0]);
        (second[2], upper[2]) = r0.turn(0.0, upper[2]);
        (second[3], upper[3]) = r0.turn(0.0, upper[3]);

        // The first noise.
        let (r1, pivot) = Rotation::onto(root_lambda, upper[0]);
        let (first_value, upper_value) = r1.turn(0.0, upper[2]);
        let (first_slope, upper_slope) = r1.turn(0.0, upper[3]);
        let (r2, pivot) = Rotation::onto(pivot, lower_first);
        let (first_value, lower_value) = r2.turn(first_value, 0.0);
        let (first_slope, lower_slope) = r2.turn(first_slope, c);
        let first = [pivot, first_value, first_slope];

        // The next state: triangular again, then with the next y.
        let (r3, value) = Rotation::onto(upper_value, lower_value);
        let (cross, slope) = r3.turn(upper_slope, lower_slope);
        let (r4, value) = Rotation::onto(value, 1.0);
        let (cross, rest) = r4.turn(cross, 0.0);
        let (r5, slope) = Rotation::onto(slope, rest);

        let rotations = [r0, r1, r2, r3, r4, r5];
        let step = Step { h, noise, rotations, first, second };
        (step, Information { value, cross, slope })
    }

    /// Carries what is known on to the next state and adds y: gives the right sides of the rows of
    /// the noise and of the next state.
    fn forward(&self, known: [f64; 2], y: f64) -> ([f64; 2], [f64; 2]) {
        let [r0, r1, r2, r3, r4, r5] = self.rotations;
        let [upper, lower] = known;
        let (second, upper) = r0.turn(0.0, upper);
        let (first, upper) = r1.turn(0.0, upper);
        let (first, lower) = r2.turn(first, lower);
        let (upper, lower) = r3.turn(upper, lower);
        let (upper, rest) = r4.turn(upper, y);
        let (lower, _) = r5.turn(lower, rest);
        ([first, second], [upper, lower])
    }

    /// The state before from the state after.
    fn backward(&self, right: [f64; 2], [value, slope]: [f64; 2]) -> [f64; 2] {
        let [pivot, by_value, by_slope] = self.first;
        let first = (right[0] - by_value * value - by_slope * slope) / pivot;
        let [pivot, by_first, by_value, by_slope] = self.second;
        let second = (right[1] - by_first * first - by_value * value - by_slope * slope) / pivot;
        let slope_before = slope - self.noise.slope_by_first * first;
        let moved = self.noise.value_by_first * first + self.noise.value_by_second * second;
        [value - moved - self.h * slope_before, slope_before]
    }
}

impl Smoother {
    /// Prepares smoothing over `x`, which must increase strictly, with `lambda` above zero.
    ///
    /// # Errors
    /// Fewer than five points, or an x that is not greater than the one before (or NaN).
    pub fn new(x: &[f64], lambda: f64) -> Result<Smoother, SplineError> {
        if x.len() < FEWEST_POINTS {
            return Err(SplineError::TooFew { found: x.len() });
        }
        if lambda.is_nan() || lambda <= 0.0 {
            return Err(SplineError::NotPositive { lambda });
        }
        let increases = |pair: &[f64]| pair[1] > pair[0] && pair[1] - pair[0] < f64::INFINITY;
        if let Some(at) = x.windows(2).position(|pair| !increases(pair)) {
            return Err(SplineError::NotIncreasing { at: at + 1 });
        }
        let root_lambda = lambda.sqrt();
        let mut last = Information::FIRST;
        let mut steps = Vec::with_capacity(x.len() - 1);
        for pair in x.windows(2) {
            let (step, next) = Step::new(pair[1] - pair[0], root_lambda, last);
            steps.push(step);
            last = next;
        }
        Ok(Smoother { x: x.to_vec(), steps, last })
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
        // Until the states are known, the right sides of the noise are kept in their places.
        let (mut values, mut slopes) = (vec![0.0; y.len()], vec![0.0; y.len()]);
        let mut known = [y[0], 0.0];
        for (at, (step, y)) in self.steps.iter().zip(&y[1..]).enumerate() {
            ([values[at], slopes[at]], known) = step.forward(known, *y);
        }
        let slope = known[1] / self.last.slope;
        let mut state = [(known[0] - self.last.cross * slope) / self.last.value, slope];
        for (at, step) in self.steps.iter().enumerate().rev() {
            [values[at + 1], slopes[at + 1]] = state;
            state = step.backward([values[at], slopes[at]], state);
        }
        [values[0], slopes[0]] = state;
        Spline { values, slopes }
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
        let h = self.steps[i].h;
        let [left, right] = [spline.values[i], spline.values[i + 1]];
        let [slope_left, slope_right] = [spline.slopes[i], spline.slopes[i + 1]];
        let (after, before) = (x - self.x[i], x - self.x[i + 1]);
        if after < 0.0 {
            return left + after * slope_left;
        }
        if before > 0.0 {
            return right + before * slope_right;
        }
        let part = after / h;
        let rise = right - left;
        let rest = 1.0 - part;
        // The line, and a cubic that vanishes at both ends and has the slopes that are missing.
        let bend = rest * (h * slope_left - rise) - part * (h * slope_right - rise);
        left + part * (rise + rest * bend)
    }

    /// The value of a spline of this smoother anywhere.
    pub fn at(&self, spline: &Spline, x: f64) -> f64 {
        self.value(spline, self.interval(x), x)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const X: [f64; 8] = [0.0, 0.5, 0.5004, 2.0, 3.5, 7.0, 8.0, 11.0];
    const Y: [f64; 8] = [1.0, 3.0, -2.0, 4.0, 4.5, -1.0, 0.0, 2.0];

    /// Points a nanometre and less apart, in the manner of points of one time bucket.
    const CLOSE_X: [f64; 8] = [0.0, 1.0, 1.0000000005, 2.0, 3.5, 3.500001, 8.0, 11.0];

    fn smoothed(lambda: f64) -> (Smoother, Spline) {
        let smoother = Smoother::new(&X, lambda).unwrap();
        let spline = smoother.fit(&Y);
        (smoother, spline)
    }

    /// What the spline is meant to make small.
    fn cost(smoother: &Smoother, spline: &Spline, lambda: f64) -> f64 {
        let bending = smoother.steps.iter().enumerate().map(|(i, step)| {
            let [left, right] = [spline.slopes[i], spline.slopes[i + 1]];
            let rise = spline.values[i + 1] - spline.values[i];
            let [h, shear] = [step.h, rise - step.h * 0.5 * (left + right)];
            12.0 * shear * shear / (h * h * h) + (right - left).powi(2) / h
        });
        let misfit = spline.values.iter().zip(Y).map(|(value, y)| (value - y).powi(2));
        misfit.sum::<f64>() + lambda * bending.sum::<f64>()
    }

    #[test]
    fn values_are_those_of_many_digits() {
        // Reinsch's equations in arithmetic of 60 decimal digits.
        let first = [
            0.3918136449784609,
            1.0101848427651794,
            1.0107607286580764,
            3.6145205998055983,
            4.26161292195188,
            -0.4677740725647135,
            -0.3001201043488058,
            1.979001438754325,
        ];
        let close = [
            1.3692131223065618,
            1.420562995339439,
            1.4205629953644985,
            1.4651521938399619,
            1.4910205963921117,
            1.4910205967248764,
            1.408573182460752,
            1.4338943175717986,
        ];
        for (x, lambda, expected) in [(X, 0.25, first), (CLOSE_X, 100.0, close)] {
            let spline = Smoother::new(&x, lambda).unwrap().fit(&Y);
            for (value, expected) in spline.values.iter().zip(expected) {
                assert!((value - expected).abs() < 1e-13, "{value} {expected}");
            }
        }
    }

    #[test]
    fn values_between_are_those_of_scipy() {
        // scipy 1.15.1, `make_smoothing_spline`.
        for (lambda, expected) in [
            (0.25, [0.6819934202767458, 2.252226565704673, 1.8904455829443114]),
            (100.0, [1.6119912731947945, 1.478371780441519, 0.9918514188191434]),
        ] {
            let (smoother, spline) = smoothed(lambda);
            for (x, expected) in [0.25, 5.0, 10.9].into_iter().zip(expected) {
                let value = smoother.at(&spline, x);
                assert!((value - expected).abs() < 1e-9, "{value} {expected} at {x}");
            }
        }
    }

    #[test]
    fn nothing_else_costs_less() {
        let (smoother, spline) = smoothed(0.3);
        let best = cost(&smoother, &spline, 0.3);
        for at in 0..X.len() {
            for step in [1e-3, -1e-3] {
                let mut other = spline.clone();
                other.values[at] += step;
                assert!(cost(&smoother, &other, 0.3) > best, "value {at} {step}");
                let mut other = spline.clone();
                other.slopes[at] += step;
                assert!(cost(&smoother, &other, 0.3) > best, "slope {at} {step}");
            }
        }
    }

    #[test]
    fn straight_data_stay_and_little_smoothing_interpolates() {
        let line = X.map(|x| 3.0 - 0.5 * x);
        let spline = Smoother::new(&X, 100.0).unwrap().fit(&line);
        for (value, expected) in spline.values.iter().zip(line) {
            assert!((value - expected).abs() < 1e-13);
        }
        let (_, spline) = smoothed(1e-20);
        for (value, expected) in spline.values.iter().zip(Y) {
            assert!((value - expected).abs() < 1e-6);
        }
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
        let error = Smoother::new(&X, 0.0).unwrap_err();
        assert_eq!(error, SplineError::NotPositive { lambda: 0.0 });
    }
}
