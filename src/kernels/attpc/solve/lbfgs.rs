//! Limited-memory BFGS as the code L-BFGS-B 3.0 does it where nothing is bounded.
//!
//! Source: R. H. Byrd, P. Lu, J. Nocedal and C. Zhu, SIAM J. Sci. Comput. 16 (1995) 1190; C. Zhu et
//! al., ACM Trans. Math. Softw. 23 (1997) 550. Without bounds its subspace step is the product of
//! the inverse matrix with the gradient, which the two loops of J. Nocedal, Math. Comp. 35 (1980)
//! 773, give. First step, restarts, skipped updates and tests of convergence are those of the code,
//! because a rough function stops where they stop it.

use std::collections::VecDeque;

use crate::kernels::attpc::solve::line_search::{Advice, LineSearch, StepRange};

/// Corrections that are remembered.
const MEMORY: usize = 10;
/// Most evaluations of one line search.
const SEARCH_EVALUATIONS: usize = 20;
/// Longest step, in units of the direction.
const STEP_MAX: f64 = 1e10;

/// When a minimisation ends.
#[derive(Clone, Copy, Debug)]
pub struct Stop {
    /// Decrease of the function in an iteration, relative to the larger of 1 and its value.
    pub decrease: f64,
    /// Largest component of the gradient.
    pub gradient: f64,
    pub evaluations: usize,
}

/// Where a minimisation ended.
#[derive(Clone, Debug)]
pub struct Minimum {
    pub x: Vec<f64>,
    pub value: f64,
    pub evaluations: usize,
}

/// A step and the change of the gradient along it.
struct Correction {
    step: Vec<f64>,
    change: Vec<f64>,
    /// Inverse of their product.
    rho: f64,
}

#[derive(Default)]
struct Memory {
    corrections: VecDeque<Correction>,
    /// Scale of the first guess of the matrix.
    theta: f64,
}

impl Memory {
    fn direction(&self, gradient: &[f64]) -> Vec<f64> {
        let mut d: Vec<f64> = gradient.iter().map(|g| -g).collect();
        if self.corrections.is_empty() {
            return d;
        }
        let mut alphas = Vec::with_capacity(MEMORY);
        for c in self.corrections.iter().rev() {
            let alpha = c.rho * dot(&c.step, &d);
            add(&mut d, -alpha, &c.change);
            alphas.push(alpha);
        }
        d.iter_mut().for_each(|d| *d /= self.theta);
        for (c, alpha) in self.corrections.iter().zip(alphas.iter().rev()) {
            let beta = c.rho * dot(&c.change, &d);
            add(&mut d, alpha - beta, &c.step);
        }
        d
    }

    fn learn(&mut self, step: Vec<f64>, change: Vec<f64>) {
        let product = dot(&step, &change);
        self.theta = dot(&change, &change) / product;
        if self.corrections.len() == MEMORY {
            self.corrections.pop_front();
        }
        self.corrections.push_back(Correction { step, change, rho: 1.0 / product });
    }
}

/// A point with the function's value and gradient there.
#[derive(Clone)]
struct Point {
    x: Vec<f64>,
    value: f64,
    gradient: Vec<f64>,
}

/// Minimises a function; `evaluate` gives its value and writes its gradient.
pub fn minimize(
    start: &[f64],
    stop: Stop,
    mut evaluate: impl FnMut(&[f64], &mut [f64]) -> f64,
) -> Minimum {
    let mut evaluations = 0;
    let mut at = |x: Vec<f64>| {
        let mut gradient = vec![0.0; x.len()];
        let value = evaluate(&x, &mut gradient);
        Point { x, value, gradient }
    };
    let mut point = at(start.to_vec());
    let mut memory = Memory::default();
    let mut is_first = true;
    while largest(&point.gradient) > stop.gradient && evaluations < stop.evaluations {
        let direction = memory.direction(&point.gradient);
        let first = if is_first { 1.0 / dot(&direction, &direction).sqrt() } else { 1.0 };
        let Some((next, step)) = search(&point, &direction, first, &mut |x| {
            evaluations += 1;
            at(x)
        }) else {
            // A failed search forgets what was learned; one along the gradient itself is the end.
            if memory.corrections.is_empty() {
                break;
            }
            memory = Memory::default();
            continue;
        };
        is_first = false;
        let slope = dot(&direction, &point.gradient);
        let curvature = (dot(&direction, &next.gradient) - slope) * step;
        let decrease = point.value - next.value;
        let scale = point.value.abs().max(next.value.abs()).max(1.0);
        let before = std::mem::replace(&mut point, next);
        if decrease <= stop.decrease * scale {
            break;
        }
        if curvature > -f64::EPSILON * slope * step {
            let change = point.gradient.iter().zip(&before.gradient).map(|(a, b)| a - b).collect();
            memory.learn(direction.iter().map(|d| d * step).collect(), change);
        }
    }
    Minimum { x: point.x, value: point.value, evaluations }
}

/// Goes along a direction; `None` when no step is good enough.
fn search(
    from: &Point,
    direction: &[f64],
    first: f64,
    at: &mut impl FnMut(Vec<f64>) -> Point,
) -> Option<(Point, f64)> {
    let slope = dot(direction, &from.gradient);
    if slope >= 0.0 || !slope.is_finite() {
        return None;
    }
    let range = StepRange { min: 0.0, max: STEP_MAX };
    let mut line = LineSearch::new((from.value, slope), first.min(STEP_MAX), range);
    for _ in 0..SEARCH_EVALUATIONS {
        let step = line.step();
        let there = from.x.iter().zip(direction).map(|(x, d)| x + step * d).collect();
        let point = at(there);
        let slope = dot(direction, &point.gradient);
        match line.advise(point.value, slope) {
            Advice::Done => return Some((point, step)),
            Advice::Try => (),
        }
    }
    None
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn add(to: &mut [f64], factor: f64, what: &[f64]) {
    to.iter_mut().zip(what).for_each(|(to, what)| *to += factor * what);
}

fn largest(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |most: f64, value| most.max(value.abs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const STOP: Stop =
        Stop { decrease: 2.220_446_049_250_313e-9, gradient: 1e-5, evaluations: 500 };

    fn rosenbrock(x: &[f64], gradient: &mut [f64]) -> f64 {
        gradient.fill(0.0);
        let mut sum = 0.0;
        for i in 0..x.len() - 1 {
            let (a, b) = (1.0 - x[i], x[i + 1] - x[i] * x[i]);
            sum += a * a + 100.0 * b * b;
            gradient[i] += -2.0 * a - 400.0 * x[i] * b;
            gradient[i + 1] += 200.0 * b;
        }
        sum
    }

    #[test]
    fn the_valley_of_rosenbrock_is_left_at_the_same_place_as_by_the_original() {
        // SciPy 1.15.1, `minimize(rosen, [-1.2, 1.0, 0.3, -0.5], jac=rosen_der, method="L-BFGS-B")`.
        let found = minimize(&[-1.2, 1.0, 0.3, -0.5], STOP, rosenbrock);
        assert!(found.value < 1e-9, "{found:?}");
        assert!(found.x.iter().all(|x| (x - 1.0).abs() < 1e-4));
    }

    #[test]
    fn a_start_at_the_minimum_costs_nothing() {
        let found = minimize(&[1.0, 1.0], STOP, rosenbrock);
        assert_eq!((found.value, found.evaluations), (0.0, 0));
    }

    #[test]
    fn a_function_without_a_way_down_ends_the_search() {
        let found = minimize(&[1.0], STOP, |x, gradient| {
            // The gradient lies: the function grows where it promises to fall.
            gradient[0] = 1.0;
            -x[0]
        });
        assert!(found.x[0] >= 1.0 && found.evaluations <= 40);
    }
}
