//! The line search of J. J. Moré and D. J. Thuente, ACM Trans. Math. Softw. 20 (1994) 286, with the
//! constants that L-BFGS-B gives it.

/// Decrease that is enough, as a share of what the slope promises.
const FTOL: f64 = 1e-3;
/// Share of the slope that may be left.
const GTOL: f64 = 0.9;
/// Relative width of the interval at which the search ends.
const XTOL: f64 = 0.1;
/// The interval must shrink by this factor in two steps.
const SHRINK: f64 = 0.66;
/// How far beyond the best step an extrapolation looks, at least and at most.
const REACH: [f64; 2] = [1.1, 4.0];

/// Steps that may be taken.
#[derive(Clone, Copy, Debug)]
pub struct StepRange {
    pub min: f64,
    pub max: f64,
}

/// What to do after an evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advice {
    /// The step is good, or no better one can be found.
    Done,
    /// Evaluate at the new step.
    Try,
}

/// A step with value and slope of the function there.
#[derive(Clone, Copy, Debug)]
struct Trial {
    step: f64,
    value: f64,
    slope: f64,
}

/// A search along one direction.
pub struct LineSearch {
    start: Trial,
    range: StepRange,
    step: f64,
    bracketed: bool,
    /// True while the auxiliary function (value minus what is enough) is what is minimised.
    first_stage: bool,
    best: Trial,
    other: Trial,
    width: f64,
    width_before: f64,
    bounds: [f64; 2],
}

impl LineSearch {
    /// A search from a point of known value and slope.
    pub fn new((value, slope): (f64, f64), step: f64, range: StepRange) -> LineSearch {
        let start = Trial { step: 0.0, value, slope };
        LineSearch {
            start,
            range,
            step,
            bracketed: false,
            first_stage: true,
            best: start,
            other: start,
            width: range.max - range.min,
            width_before: 2.0 * (range.max - range.min),
            bounds: [0.0, step + REACH[1] * step],
        }
    }

    /// The step to evaluate.
    pub fn step(&self) -> f64 {
        self.step
    }

    /// Takes value and slope at the step and says how to go on.
    pub fn advise(&mut self, value: f64, slope: f64) -> Advice {
        let here = Trial { step: self.step, value, slope };
        let enough = FTOL * self.start.slope;
        let wanted = self.start.value + self.step * enough;
        if self.first_stage && value <= wanted && slope >= 0.0 {
            self.first_stage = false;
        }
        if self.is_over(here, wanted) {
            return Advice::Done;
        }
        if self.first_stage && value <= self.best.value && value > wanted {
            self.best = lowered(self.best, enough);
            self.other = lowered(self.other, enough);
            self.update(lowered(here, enough));
            self.best = lowered(self.best, -enough);
            self.other = lowered(self.other, -enough);
        } else {
            self.update(here);
        }
        self.narrow();
        Advice::Try
    }

    fn is_over(&self, here: Trial, wanted: f64) -> bool {
        let Trial { step, value, slope } = here;
        let [low, high] = self.bounds;
        let rounding = self.bracketed && (step <= low || step >= high);
        let narrow = self.bracketed && high - low <= XTOL * high;
        let enough = FTOL * self.start.slope;
        let far = step == self.range.max && value <= wanted && slope <= enough;
        let near = step == self.range.min && (value > wanted || slope >= enough);
        let good = value <= wanted && slope.abs() <= -GTOL * self.start.slope;
        rounding || narrow || far || near || good
    }

    /// Bisects an interval that shrinks too slowly and sets the bounds of the next step.
    fn narrow(&mut self) {
        if self.bracketed {
            if (self.other.step - self.best.step).abs() >= SHRINK * self.width_before {
                self.step = self.best.step + 0.5 * (self.other.step - self.best.step);
            }
            self.width_before = self.width;
            self.width = (self.other.step - self.best.step).abs();
            let (a, b) = (self.best.step, self.other.step);
            self.bounds = [a.min(b), a.max(b)];
        } else {
            let ahead = self.step - self.best.step;
            self.bounds = REACH.map(|reach| self.step + reach * ahead);
        }
        self.step = self.step.max(self.range.min).min(self.range.max);
        let [low, high] = self.bounds;
        let outside = self.step <= low || self.step >= high;
        if self.bracketed && (outside || high - low <= XTOL * high) {
            self.step = self.best.step;
        }
    }

    /// Chooses the next step from the two ends of the interval and the trial, and updates the ends.
    fn update(&mut self, here: Trial) {
        let best = self.best;
        let turned = here.slope * best.slope.signum();
        let next = if here.value > best.value {
            self.bracketed = true;
            higher_value(best, here)
        } else if turned < 0.0 {
            self.bracketed = true;
            opposite_slope(best, here)
        } else if here.slope.abs() < best.slope.abs() {
            self.smaller_slope(here)
        } else if self.bracketed {
            let other = self.other;
            let (gamma, theta) = cubic(here, other, 1.0, here.step > other.step);
            let p = (gamma - here.slope) + theta;
            let q = ((gamma - here.slope) + gamma) + other.slope;
            here.step + p / q * (other.step - here.step)
        } else if here.step > best.step {
            self.bounds[1]
        } else {
            self.bounds[0]
        };
        if here.value > best.value {
            self.other = here;
        } else {
            if turned < 0.0 {
                self.other = best;
            }
            self.best = here;
        }
        self.step = next;
    }

    /// The slope has the same sign and is smaller: the cubic may have no minimum on this side.
    fn smaller_slope(&self, here: Trial) -> f64 {
        let best = self.best;
        let (gamma, theta) = cubic(here, best, 0.0, here.step > best.step);
        let p = (gamma - here.slope) + theta;
        let q = (gamma + (best.slope - here.slope)) + gamma;
        let r = p / q;
        let by_cubic = if r < 0.0 && gamma != 0.0 {
            here.step + r * (best.step - here.step)
        } else if here.step > best.step {
            self.bounds[1]
        } else {
            self.bounds[0]
        };
        let by_secant = secant(best, here);
        let is_cubic_nearer = (by_cubic - here.step).abs() < (by_secant - here.step).abs();
        if self.bracketed {
            let next = if is_cubic_nearer { by_cubic } else { by_secant };
            let limit = here.step + SHRINK * (self.other.step - here.step);
            if here.step > best.step { next.min(limit) } else { next.max(limit) }
        } else {
            let next = if is_cubic_nearer { by_secant } else { by_cubic };
            next.max(self.bounds[0]).min(self.bounds[1])
        }
    }
}

/// The same trial for the function less a line of the given slope.
fn lowered(trial: Trial, slope: f64) -> Trial {
    Trial { value: trial.value - trial.step * slope, slope: trial.slope - slope, ..trial }
}

/// Parts of the minimum of the cubic through two trials; `floor` 0 keeps the root real.
fn cubic(a: Trial, b: Trial, floor: f64, negative: bool) -> (f64, f64) {
    let theta = 3.0 * (a.value - b.value) / (b.step - a.step) + a.slope + b.slope;
    let scale = theta.abs().max(a.slope.abs()).max(b.slope.abs());
    let square = (theta / scale).powi(2) - a.slope / scale * (b.slope / scale);
    let gamma = scale * if floor == 0.0 { square.max(0.0) } else { square }.sqrt();
    (if negative { -gamma } else { gamma }, theta)
}

fn secant(best: Trial, here: Trial) -> f64 {
    here.step + here.slope / (here.slope - best.slope) * (best.step - here.step)
}

/// A higher value brackets the minimum: the cubic step, or the mean with the quadratic one.
fn higher_value(best: Trial, here: Trial) -> f64 {
    let (gamma, theta) = cubic(best, here, 1.0, here.step < best.step);
    let p = (gamma - best.slope) + theta;
    let q = ((gamma - best.slope) + gamma) + here.slope;
    let by_cubic = best.step + p / q * (here.step - best.step);
    let rise = (best.value - here.value) / (here.step - best.step) + best.slope;
    let by_quadratic = best.step + best.slope / rise / 2.0 * (here.step - best.step);
    if (by_cubic - best.step).abs() < (by_quadratic - best.step).abs() {
        by_cubic
    } else {
        by_cubic + (by_quadratic - by_cubic) / 2.0
    }
}

/// A slope of the other sign brackets the minimum: the farther of the cubic and the secant step.
fn opposite_slope(best: Trial, here: Trial) -> f64 {
    let (gamma, theta) = cubic(here, best, 1.0, here.step > best.step);
    let p = (gamma - here.slope) + theta;
    let q = ((gamma - here.slope) + gamma) + best.slope;
    let by_cubic = here.step + p / q * (best.step - here.step);
    let by_secant = secant(best, here);
    if (by_cubic - here.step).abs() > (by_secant - here.step).abs() { by_cubic } else { by_secant }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn searched(f: impl Fn(f64) -> (f64, f64), first: f64) -> (f64, usize) {
        let mut line = LineSearch::new(f(0.0), first, StepRange { min: 0.0, max: 1e10 });
        for count in 1..=20 {
            let (value, slope) = f(line.step());
            if line.advise(value, slope) == Advice::Done {
                return (line.step(), count);
            }
        }
        panic!("no step within 20 evaluations");
    }

    #[test]
    fn steps_too_short_and_too_long_are_mended() {
        let parabola = |x: f64| ((x - 3.0).powi(2), 2.0 * (x - 3.0));
        for first in [1e-3, 0.2, 3.0, 5.9, 100.0] {
            let (step, count) = searched(parabola, first);
            assert!((step - 3.0).abs() < 3.0 * 0.91 && count <= 8, "{first} {step} {count}");
        }
    }

    #[test]
    fn a_wavy_function_ends_below_its_start() {
        let wavy = |x: f64| (-x + 1.5 * (3.0 * x).sin(), -1.0 + 4.5 * (3.0 * x).cos());
        let shifted = |x: f64| (wavy(x + 0.6).0 + 0.1 * x * x, wavy(x + 0.6).1 + 0.2 * x);
        for first in [0.01, 0.5, 4.0, 30.0] {
            let (step, _) = searched(shifted, first);
            assert!(shifted(step).0 < shifted(0.0).0);
        }
    }
}
