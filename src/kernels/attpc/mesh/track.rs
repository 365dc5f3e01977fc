//! One track: motion in magnetic and electric field with the gas's brake.
//!
//! State and equation are those of Spyral 1.1 (position in m, gamma beta; fields along -z). The
//! method is the pair of Dormand and Prince, J. Comp. Appl. Math. 6 (1980) 19, with the continuous
//! extension of Hairer, Norsett and Wanner, Solving Ordinary Differential Equations I, for the
//! positions between the steps.

use crate::kernels::attpc::gas::Gas;
use crate::kernels::attpc::mesh::drag::{Drag, LIGHT, square_of};
use crate::kernels::attpc::particle::Particle;
use crate::kernels::attpc::stopping::Stopping;

/// A track ends where its range falls to this many metres.
pub const RANGE_LIMIT_M: f64 = 0.001;
/// A track ends at this distance from the vertex along the beam, in m.
pub const Z_LIMIT_M: f64 = 1.0;
/// A track ends at this distance from the vertex across the beam, in m.
pub const RHO_LIMIT_M: f64 = 0.332;
/// A track that does not end before is followed for this many seconds.
pub const TIME_LIMIT_S: f64 = 1e-6;

/// Error of one step in m, and of gamma beta relative to its value; a whole track is then good to
/// some micrometres.
const TOLERANCE: f64 = 1e-7;
/// Bounds of the change from one step to the next.
const STEP_CHANGE: [f64; 2] = [0.2, 5.0];
const SAFETY: f64 = 0.9;
/// A step of fewer seconds is taken whatever its error, so that a track always ends.
const STEP_LEAST: f64 = 1e-17;
/// The first step is the time for this many metres.
const FIRST_STEP_M: f64 = 0.002;
/// Relative difference of times that are the same but for rounding.
const SAME_TIME: f64 = 1e-9;
/// Steps of one track; many times what the longest one takes in a field of 10 T.
const MOST_STEPS: usize = 200_000;

type State = [f64; 6];

const A: [&[f64]; 6] = [
    &[1.0 / 5.0],
    &[3.0 / 40.0, 9.0 / 40.0],
    &[44.0 / 45.0, -56.0 / 15.0, 32.0 / 9.0],
    &[19372.0 / 6561.0, -25360.0 / 2187.0, 64448.0 / 6561.0, -212.0 / 729.0],
    &[9017.0 / 3168.0, -355.0 / 33.0, 46732.0 / 5247.0, 49.0 / 176.0, -5103.0 / 18656.0],
    &[35.0 / 384.0, 0.0, 500.0 / 1113.0, 125.0 / 192.0, -2187.0 / 6784.0, 11.0 / 84.0],
];
const ERROR: [f64; 7] = [
    71.0 / 57600.0,
    0.0,
    -71.0 / 16695.0,
    71.0 / 1920.0,
    -17253.0 / 339_200.0,
    22.0 / 525.0,
    -1.0 / 40.0,
];
const DENSE: [f64; 7] = [
    -12_715_105_075.0 / 11_282_082_432.0,
    0.0,
    87_487_479_700.0 / 32_700_410_799.0,
    -10_690_763_975.0 / 1_880_347_072.0,
    701_980_252_875.0 / 199_316_789_632.0,
    -1_453_857_185.0 / 822_651_844.0,
    69_997_945.0 / 29_380_423.0,
];

/// Magnetic field in T and electric field in V/m, both along -z.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fields {
    pub magnetic_t: f64,
    pub electric_v_per_m: f64,
}

/// A particle in a gas and in fields.
#[derive(Clone, Debug)]
pub struct Tracker {
    mass: f64,
    /// Charge over mass times the magnetic field along z, in 1/s.
    gyration: f64,
    /// Change of gamma beta by the electric field, in 1/s.
    push: f64,
    drag: Drag,
    /// (gamma beta)^2 below which a particle has stopped.
    stopped: f64,
    tolerance: f64,
}

impl Tracker {
    /// Brings particle, gas and fields together for energies up to `ke_most` MeV.
    pub fn new(
        particle: &Particle,
        (gas, stopping): (&Gas, &Stopping),
        fields: Fields,
        ke_most: f64,
    ) -> Tracker {
        let mass = particle.nuclear_mass_mev();
        let ke_stopped = stopping.ke_at_range(RANGE_LIMIT_M);
        // The electric field can add to the energy; a bit more than the highest start is enough
        // because tracks are short.
        let gain = f64::from(particle.z) * fields.electric_v_per_m.abs() * 2.0 * Z_LIMIT_M * 1e-6;
        let span = [0.5 * ke_stopped.min(ke_most), ke_most.max(ke_stopped) + gain];
        let drag = Drag::new(stopping, gas.density(), mass, span);
        Tracker::with_drag(particle, fields, (drag, square_of(ke_stopped, mass)))
    }

    fn with_drag(particle: &Particle, fields: Fields, (drag, stopped): (Drag, f64)) -> Tracker {
        let mass = particle.nuclear_mass_mev();
        let charge_over_mass = f64::from(particle.z) * LIGHT * LIGHT / (mass * 1e6);
        Tracker {
            mass,
            gyration: -charge_over_mass * fields.magnetic_t,
            push: -charge_over_mass * fields.electric_v_per_m / LIGHT,
            drag,
            stopped,
            tolerance: TOLERANCE,
        }
    }

    /// True where a particle has stopped before it starts.
    pub fn starts_stopped(&self, ke_mev: f64) -> bool {
        square_of(ke_mev, self.mass) <= self.stopped
    }

    /// The time in s at which a track ends, at most [`TIME_LIMIT_S`].
    pub fn end_time(&self, ke_mev: f64, polar: f64) -> f64 {
        self.follow((ke_mev, polar), TIME_LIMIT_S, |_| ())
    }

    /// The positions at rising times: x of all times, then y, then z, in m from the vertex. After
    /// the end of the track the last of them is repeated.
    ///
    /// # Panics
    /// When `out` does not hold three numbers for each time.
    pub fn positions(&self, start: (f64, f64), times: &[f64], out: &mut [f64]) {
        assert_eq!(out.len(), 3 * times.len(), "a position has three numbers");
        let (x, rest) = out.split_at_mut(times.len());
        let (y, z) = rest.split_at_mut(times.len());
        let mut next = 0;
        let last_time = times.last().copied().unwrap_or(0.0);
        self.follow(start, last_time, |step| {
            while next < times.len() && times[next] <= step.end {
                let at = step.fraction(times[next]);
                [x[next], y[next], z[next]] = [0, 1, 2].map(|part| step.value(part, at));
                next += 1;
            }
        });
        for part in [x, y, z] {
            let last = next.checked_sub(1).map_or(0.0, |at| part[at]);
            part[next..].fill(last);
        }
    }

    /// Follows a track to its end or to a time, whichever is first, and returns that time.
    fn follow(&self, (ke_mev, polar): (f64, f64), until: f64, mut visit: impl FnMut(&Step)) -> f64 {
        let square = square_of(ke_mev, self.mass);
        if square <= self.stopped {
            return 0.0;
        }
        let momentum = square.sqrt();
        let mut state = [0.0, 0.0, 0.0, momentum * polar.sin(), 0.0, momentum * polar.cos()];
        let mut rate = self.rate(&state);
        let speed = LIGHT * momentum / (1.0 + square).sqrt();
        let mut width = FIRST_STEP_M / speed;
        let mut time = 0.0;
        for _ in 0..MOST_STEPS {
            let left = until - time;
            let last = width >= left;
            let used = if last { left } else { width };
            let tried = self.try_step(&state, &rate, used);
            let [least, most] = STEP_CHANGE;
            let change = (SAFETY * tried.error.powf(-0.2)).clamp(least, most);
            if tried.error > 1.0 && used > STEP_LEAST {
                width = used * change.min(1.0);
                continue;
            }
            let end = if last { until } else { time + used };
            let mut step = Step::new((time, end, used), (&state, &tried));
            if let Some(fraction) = self.ends_within(&step, speed) {
                // The longest track defines the last of the common times and must reach it again.
                let found = time + fraction * used;
                step.end = if found > until * (1.0 - SAME_TIME) { until } else { found };
                visit(&step);
                return step.end;
            }
            visit(&step);
            if last {
                break;
            }
            (time, width) = (end, used * change);
            (state, rate) = (tried.state, tried.rates[6]);
        }
        until
    }

    /// The time derivative of a state.
    #[inline]
    fn rate(&self, state: &State) -> State {
        let [_, _, _, u, v, w] = *state;
        let square = u * u + v * v + w * w;
        let per_gamma = 1.0 / (1.0 + square).sqrt();
        let (speed, turn) = (LIGHT * per_gamma, self.gyration * per_gamma);
        let brake = self.drag.at(square);
        [
            speed * u,
            speed * v,
            speed * w,
            turn * v - brake * u,
            -turn * u - brake * v,
            self.push - brake * w,
        ]
    }

    fn try_step(&self, state: &State, rate: &State, width: f64) -> Tried {
        let mut rates = [[0.0; 6]; 7];
        rates[0] = *rate;
        let mut next = *state;
        for (stage, factors) in A.iter().enumerate() {
            next = *state;
            for (factor, rate) in factors.iter().zip(&rates) {
                let scaled = width * factor;
                for part in 0..6 {
                    next[part] += scaled * rate[part];
                }
            }
            rates[stage + 1] = self.rate(&next);
        }
        let mut wrong = [0.0; 6];
        for (factor, rate) in ERROR.iter().zip(&rates) {
            for part in 0..6 {
                wrong[part] += width * factor * rate[part];
            }
        }
        let square: f64 = state[3..].iter().map(|part| part * part).sum();
        let position: f64 = wrong[..3].iter().map(|part| part * part).sum();
        let momentum: f64 = wrong[3..].iter().map(|part| part * part).sum();
        let error = position.max(momentum / square).sqrt() / self.tolerance;
        Tried { state: next, rates, error }
    }

    /// The fraction of a step at which the track ends, if it ends within.
    fn ends_within(&self, step: &Step, speed: f64) -> Option<f64> {
        let ends = |fraction: f64| {
            let [x, y, z] = [0, 1, 2].map(|part| step.value(part, fraction));
            let square: f64 =
                [3, 4, 5].into_iter().map(|part| step.value(part, fraction).powi(2)).sum();
            square <= self.stopped
                || z.abs() >= Z_LIMIT_M
                || x * x + y * y >= RHO_LIMIT_M * RHO_LIMIT_M
        };
        // Only a step near the limit across the beam can leave and come back.
        let reach = step.start_rho() + speed * step.width;
        let looks: &[f64] = if reach >= RHO_LIMIT_M { &[0.25, 0.5, 0.75, 1.0] } else { &[1.0] };
        let mut high = looks.iter().copied().find(|fraction| ends(*fraction))?;
        let mut low = 0.0;
        // Halving a fraction often enough to reach the precision of the numbers.
        for _ in 0..50 {
            let middle = 0.5 * (low + high);
            if ends(middle) {
                high = middle;
            } else {
                low = middle;
            }
        }
        Some(high)
    }
}

/// A step that was taken on trial.
struct Tried {
    state: State,
    rates: [State; 7],
    /// Error in units of what is tolerated.
    error: f64,
}

/// A step with the curve between its ends.
struct Step {
    start: f64,
    /// The time at which the step or the track within it ends.
    end: f64,
    width: f64,
    curve: [[f64; 6]; 5],
}

impl Step {
    fn new((start, end, width): (f64, f64, f64), (state, tried): (&State, &Tried)) -> Step {
        let mut curve = [[0.0; 6]; 5];
        for part in 0..6 {
            let rise = tried.state[part] - state[part];
            let left = width * tried.rates[0][part] - rise;
            let right = rise - width * tried.rates[6][part] - left;
            let terms = DENSE.iter().zip(&tried.rates).map(|(factor, rate)| factor * rate[part]);
            let middle = width * terms.sum::<f64>();
            for (term, value) in [state[part], rise, left, right, middle].into_iter().enumerate() {
                curve[term][part] = value;
            }
        }
        Step { start, end, width, curve }
    }

    fn fraction(&self, time: f64) -> f64 {
        ((time - self.start) / self.width).clamp(0.0, 1.0)
    }

    #[inline]
    fn value(&self, part: usize, at: f64) -> f64 {
        let [a, b, c, d, e] = [0, 1, 2, 3, 4].map(|term| self.curve[term][part]);
        let rest = 1.0 - at;
        a + at * (b + rest * (c + at * (d + rest * e)))
    }

    fn start_rho(&self) -> f64 {
        self.curve[0][0].hypot(self.curve[0][1])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::attpc::mesh::time_steps;

    const NO_FIELDS: Fields = Fields { magnetic_t: 0.0, electric_v_per_m: 0.0 };

    fn proton() -> Particle {
        Particle::named("1H").unwrap()
    }

    fn in_vacuum(fields: Fields) -> Tracker {
        Tracker::with_drag(&proton(), fields, (Drag::none(), 0.0))
    }

    fn in_gas(fields: Fields) -> Tracker {
        let gas = Gas::parse(r#"{"compound": [[1, 2, 2]], "pressure(Torr)": 300}"#).unwrap();
        let stopping = Stopping::built_in(&proton(), &gas, 50.0);
        Tracker::new(&proton(), (&gas, &stopping), fields, 50.0)
    }

    /// x, y and z at times.
    fn points(tracker: &Tracker, start: (f64, f64), times: &[f64]) -> Vec<[f64; 3]> {
        let mut out = vec![0.0; 3 * times.len()];
        tracker.positions(start, times, &mut out);
        let count = times.len();
        (0..count).map(|at| [out[at], out[count + at], out[2 * count + at]]).collect()
    }

    fn speed_of(ke: f64) -> f64 {
        let square = square_of(ke, proton().nuclear_mass_mev());
        LIGHT * (square / (1.0 + square)).sqrt()
    }

    #[test]
    fn without_fields_and_gas_a_track_is_straight_and_ends_at_the_walls() {
        let tracker = in_vacuum(NO_FIELDS);
        let times: Vec<f64> = (1..20).map(|step| f64::from(step) * 1e-9).collect();
        let speed = speed_of(10.0);
        for polar in [0.0f64, 0.3, 1.2, 2.8] {
            let reach = (RHO_LIMIT_M / polar.sin().max(1e-9)).min(Z_LIMIT_M / polar.cos().abs());
            let end = tracker.end_time(10.0, polar);
            assert!((end * speed / reach - 1.0).abs() < 1e-12, "{polar}");
            let mut last = [0.0; 3];
            for ([x, y, z], time) in points(&tracker, (10.0, polar), &times).into_iter().zip(&times)
            {
                if *time > end {
                    assert_eq!([x, y, z], last);
                    continue;
                }
                let path = speed * time;
                assert!((x - path * polar.sin()).abs() < 1e-12 && y == 0.0);
                assert!((z - path * polar.cos()).abs() < 1e-12);
                last = [x, y, z];
            }
        }
    }

    #[test]
    fn in_a_magnetic_field_alone_a_track_is_a_helix() {
        let tracker = in_vacuum(Fields { magnetic_t: 2.85, electric_v_per_m: 0.0 });
        let times = time_steps(2e-7, 400);
        let polar = 1.4f64;
        let ke = 1.0;
        let square = square_of(ke, proton().nuclear_mass_mev());
        let momentum = square.sqrt() * proton().nuclear_mass_mev();
        let radius = momentum * polar.sin() / (299.792_458 * 2.85);
        // The force of a field along -z turns a positive charge from x towards +y.
        for [x, y, z] in points(&tracker, (ke, polar), &times) {
            assert!((x.hypot(y - radius) - radius).abs() < 2e-6, "{x} {y} {z}");
            assert!(y >= -1e-6 && z > 0.0);
        }
    }

    #[test]
    fn mirrored_fields_and_angles_give_mirrored_tracks() {
        let times = time_steps(1e-7, 100);
        let fields = Fields { magnetic_t: 2.85, electric_v_per_m: 45_000.0 };
        let mirrored = Fields { magnetic_t: -2.85, ..fields };
        let (one, other) = (in_gas(fields), in_gas(mirrored));
        let turned = in_gas(Fields { electric_v_per_m: -45_000.0, ..fields });
        for (ke, polar) in [(2.0, 1.0), (0.5, 0.1), (20.0, 1.5)] {
            let straight = points(&one, (ke, polar), &times);
            let back = points(&turned, (ke, std::f64::consts::PI - polar), &times);
            for (([x, y, z], [a, b, c]), [u, v, w]) in
                straight.into_iter().zip(points(&other, (ke, polar), &times)).zip(back)
            {
                assert!((x - a).abs() < 1e-9 && (y + b).abs() < 1e-9 && (z - c).abs() < 1e-9);
                assert!((x - u).abs() < 1e-9 && (y - v).abs() < 1e-9 && (z + w).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn a_particle_in_gas_only_slows_down_and_stops_one_millimetre_before_its_range() {
        let tracker = in_gas(NO_FIELDS);
        let gas = Gas::parse(r#"{"compound": [[1, 2, 2]], "pressure(Torr)": 300}"#).unwrap();
        let stopping = Stopping::built_in(&proton(), &gas, 50.0);
        let times: Vec<f64> = (1..400).map(|step| f64::from(step) * 5e-10).collect();
        let ke = 2.0;
        let track = points(&tracker, (ke, 0.2), &times);
        let steps = track.windows(2).map(|pair| (pair[1][2] - pair[0][2]).abs());
        let steps: Vec<f64> = steps.collect();
        assert!(steps.windows(2).all(|pair| pair[1] <= pair[0] * (1.0 + 1e-9)));
        let end = tracker.end_time(ke, 0.2);
        let [stop] = points(&tracker, (ke, 0.2), &[end]).try_into().unwrap();
        let path = stop[0].hypot(stop[2]);
        let expected = stopping.range_m(ke) - RANGE_LIMIT_M;
        assert!((path - expected).abs() < 1e-5, "{path} {expected}");
    }

    #[test]
    fn ten_times_smaller_errors_change_nothing_that_matters() {
        let fields = Fields { magnetic_t: 2.85, electric_v_per_m: 45_000.0 };
        let tracker = in_gas(fields);
        let finer = Tracker { tolerance: TOLERANCE * 1e-3, ..tracker.clone() };
        for (ke, polar) in [(0.2, 0.5), (3.0, 1.45), (8.0, 2.6), (45.0, 1.0)] {
            let times = time_steps(0.999 * finer.end_time(ke, polar), 300);
            let pairs = points(&tracker, (ke, polar), &times);
            for (a, b) in pairs.into_iter().zip(points(&finer, (ke, polar), &times)) {
                let apart: f64 = (0..3).map(|part| (a[part] - b[part]).powi(2)).sum();
                assert!(apart.sqrt() < 1e-5, "{ke} {polar} {}", apart.sqrt());
            }
        }
    }

    #[test]
    fn what_has_stopped_stays_at_the_vertex() {
        let tracker = in_gas(NO_FIELDS);
        assert!(tracker.starts_stopped(0.001) && !tracker.starts_stopped(0.1));
        assert_eq!(tracker.end_time(0.001, 1.0), 0.0);
        let track = points(&tracker, (0.001, 1.0), &[1e-11, 1e-9]);
        assert_eq!(track, [[0.0; 3]; 2]);
    }
}
