//! Finds the peaks of a trace, with the meaning of SciPy's `find_peaks`.
//!
//! SciPy applies its conditions one after the other: local maxima, distance, prominence, width; the
//! peer then keeps peaks above a threshold. Here maxima at or below the threshold are dropped
//! first. That changes nothing, because the distance condition visits peaks from the highest
//! down: a peak below the threshold can only remove peaks that are lower still. It makes the
//! search fast, because noise has some 170 maxima and the signal two.

use crate::kernels::attpc::pointcloud::params::PeakParams;

/// A peak of a baseline-subtracted trace.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Peak {
    /// Sample of the maximum, the middle one of a flat top.
    pub position: usize,
    /// Height in ADC units.
    pub amplitude: i32,
    /// Height above the higher of the two surrounding valleys, in ADC units.
    pub prominence: i32,
    /// Where the sides cross the width's level, in samples.
    pub ips: [f64; 2],
    /// Sum of absolute samples between the crossings, in ADC units times samples.
    pub integral: i64,
}

impl Peak {
    /// Width at the relative height, in samples.
    pub fn width(&self) -> f64 {
        self.ips[1] - self.ips[0]
    }
}

/// Peak finding with its buffers; one for each thread.
#[derive(Clone, Debug)]
pub struct PeakFinder {
    params: PeakParams,
    /// Positions of maxima, in time order.
    maxima: Vec<usize>,
    kept: Vec<bool>,
    /// Indices into `maxima`, in visiting order.
    order: Vec<usize>,
    peaks: Vec<Peak>,
}

impl PeakFinder {
    /// A finder for one kind of trace.
    pub fn new(params: PeakParams) -> PeakFinder {
        let (maxima, kept, order, peaks) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        PeakFinder { params, maxima, kept, order, peaks }
    }

    /// The peaks of a trace in time order.
    pub fn find(&mut self, trace: &[i32]) -> &[Peak] {
        self.peaks.clear();
        // The lowest whole number above the threshold.
        let lowest = (self.params.threshold.floor() + 1.0) as i32;
        find_maxima(trace, lowest, &mut self.maxima);
        if !self.maxima.is_empty() {
            self.apply_distance(trace);
            for (&position, &kept) in self.maxima.iter().zip(&self.kept) {
                if kept {
                    self.peaks.extend(measure(trace, position, &self.params));
                }
            }
        }
        &self.peaks
    }

    /// Marks the maxima that no higher one is too close to. Among equal heights the later one is
    /// visited first, which is what a stable sort by height, walked backwards, gives.
    fn apply_distance(&mut self, trace: &[i32]) {
        let distance = self.params.separation.ceil().max(1.0) as usize;
        let maxima = &self.maxima;
        self.kept.clear();
        self.kept.resize(maxima.len(), true);
        self.order.clear();
        self.order.extend(0..maxima.len());
        self.order.sort_unstable_by_key(|&at| std::cmp::Reverse((trace[maxima[at]], at)));
        for &at in &self.order {
            if !self.kept[at] {
                continue;
            }
            for other in (0..at).rev().take_while(|&k| maxima[at] - maxima[k] < distance) {
                self.kept[other] = false;
            }
            for other in (at + 1..maxima.len()).take_while(|&k| maxima[k] - maxima[at] < distance) {
                self.kept[other] = false;
            }
        }
    }
}

/// Collects the local maxima of at least `lowest`. The ends of the trace are none.
fn find_maxima(trace: &[i32], lowest: i32, maxima: &mut Vec<usize>) {
    maxima.clear();
    let last = trace.len().saturating_sub(1);
    let mut at = 1;
    while at < last {
        let height = trace[at];
        if height >= lowest && trace[at - 1] < height {
            let mut ahead = at + 1;
            while ahead < last && trace[ahead] == height {
                ahead += 1;
            }
            if trace[ahead] < height {
                maxima.push((at + ahead - 1) / 2);
                at = ahead;
            }
        }
        at += 1;
    }
}

/// A maximum with its prominence and width, `None` when one of them is out of bounds.
fn measure(trace: &[i32], position: usize, params: &PeakParams) -> Option<Peak> {
    let amplitude = trace[position];
    // Valleys are the lowest samples until a higher one or the end; the first met counts.
    let (mut left_base, mut left_low) = (position, amplitude);
    for (at, &sample) in trace[..position].iter().enumerate().rev() {
        if sample > amplitude {
            break;
        }
        if sample < left_low {
            (left_base, left_low) = (at, sample);
        }
    }
    let (mut right_base, mut right_low) = (position, amplitude);
    for (at, &sample) in trace.iter().enumerate().skip(position + 1) {
        if sample > amplitude {
            break;
        }
        if sample < right_low {
            (right_base, right_low) = (at, sample);
        }
    }
    let prominence = amplitude - left_low.max(right_low);
    if f64::from(prominence) < params.prominence {
        return None;
    }
    let level = f64::from(amplitude) - f64::from(prominence) * params.relative_height;
    let ips = crossings(trace, position, [left_base, right_base], level);
    let width = ips[1] - ips[0];
    if width < params.width[0] || width > params.width[1] {
        return None;
    }
    let (low, high) = (ips[0].floor() as usize, ips[1].ceil() as usize);
    let integral = trace[low..high].iter().map(|&sample| i64::from(sample.abs())).sum();
    Some(Peak { position, amplitude, prominence, ips, integral })
}

/// Where the trace falls to a level on both sides of a peak, between samples, not beyond `bases`.
fn crossings(trace: &[i32], position: usize, bases: [usize; 2], level: f64) -> [f64; 2] {
    let height = |at: usize| f64::from(trace[at]);
    let mut at = position;
    while at > bases[0] && level < height(at) {
        at -= 1;
    }
    let mut left = at as f64;
    if height(at) < level {
        left += (level - height(at)) / (height(at + 1) - height(at));
    }
    let mut at = position;
    while at < bases[1] && level < height(at) {
        at += 1;
    }
    let mut right = at as f64;
    if height(at) < level {
        right -= (level - height(at)) / (height(at - 1) - height(at));
    }
    [left, right]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// SciPy's conditions one after the other, as its documentation words them.
    fn naive(trace: &[i32], params: &PeakParams) -> Vec<Peak> {
        let n = trace.len();
        let mut peaks = Vec::new();
        for first in 1..n.saturating_sub(1) {
            let last = (first..n).take_while(|&at| trace[at] == trace[first]).last().unwrap();
            if trace[first - 1] < trace[first] && last + 1 < n && trace[last + 1] < trace[first] {
                peaks.push((first + last) / 2);
            }
        }
        let mut visits: Vec<usize> = peaks.clone();
        visits.sort_by_key(|&at| trace[at]);
        for at in visits.into_iter().rev() {
            if peaks.contains(&at) {
                peaks.retain(|&p| p == at || (p.abs_diff(at) as f64) >= params.separation.ceil());
            }
        }
        peaks.retain(|&at| f64::from(trace[at]) > params.threshold);
        peaks.into_iter().filter_map(|at| naive_measure(trace, at, params)).collect()
    }

    fn naive_measure(trace: &[i32], at: usize, params: &PeakParams) -> Option<Peak> {
        let height = trace[at];
        let from = (0..at).rev().find(|&i| trace[i] > height).map_or(0, |i| i + 1);
        let to = (at..trace.len()).find(|&i| trace[i] > height).unwrap_or(trace.len());
        let left = (from..=at).rev().min_by_key(|&i| trace[i]).unwrap();
        let right = (at..to).min_by_key(|&i| trace[i]).unwrap();
        let prominence = height - trace[left].max(trace[right]);
        if f64::from(prominence) < params.prominence {
            return None;
        }
        let level = f64::from(height) - params.relative_height * f64::from(prominence);
        let y = |i: usize| f64::from(trace[i]);
        let i = (left..=at).rev().find(|&i| y(i) <= level).unwrap_or(left);
        let lip =
            if y(i) < level { i as f64 + (level - y(i)) / (y(i + 1) - y(i)) } else { i as f64 };
        let i = (at..=right).find(|&i| y(i) <= level).unwrap_or(right);
        let rip =
            if y(i) < level { i as f64 - (level - y(i)) / (y(i - 1) - y(i)) } else { i as f64 };
        if rip - lip < params.width[0] || rip - lip > params.width[1] {
            return None;
        }
        let sum = |part: &[i32]| part.iter().map(|s| i64::from(s.abs())).sum();
        Some(Peak {
            position: at,
            amplitude: height,
            prominence,
            ips: [lip, rip],
            integral: sum(&trace[lip.floor() as usize..rip.ceil() as usize]),
        })
    }

    fn params() -> impl Strategy<Value = PeakParams> {
        (0.5f64..20.0, 0.0f64..12.0, 0.0f64..3.0, 3.0f64..40.0, 0.1f64..1.0, -5.0f64..15.0)
            .prop_map(|(separation, prominence, narrow, wide, relative_height, threshold)| {
                PeakParams {
                    baseline_window_scale: 20.0,
                    separation,
                    prominence,
                    width: [narrow, wide],
                    relative_height,
                    threshold,
                }
            })
    }

    proptest! {
        #[test]
        fn peaks_are_those_of_the_definition(
            trace in prop::collection::vec(-10i32..30, 0..120),
            params in params(),
        ) {
            let mut finder = PeakFinder::new(params);
            prop_assert_eq!(finder.find(&trace), &naive(&trace, &params)[..]);
        }

        #[test]
        fn flat_tops_and_repeated_heights_are_those_of_the_definition(
            trace in prop::collection::vec(0i32..4, 0..80),
            params in params(),
        ) {
            let mut finder = PeakFinder::new(params);
            prop_assert_eq!(finder.find(&trace), &naive(&trace, &params)[..]);
        }
    }

    #[test]
    fn a_flat_top_counts_once_in_its_middle() {
        let params = PeakParams {
            baseline_window_scale: 20.0,
            separation: 1.0,
            prominence: 1.0,
            width: [0.0, 50.0],
            relative_height: 0.5,
            threshold: 0.0,
        };
        let mut finder = PeakFinder::new(params);
        let peaks = finder.find(&[0, 0, 4, 4, 4, 4, 0, 0]);
        assert_eq!(peaks.len(), 1);
        assert_eq!(peaks[0].position, 3);
        assert_eq!(peaks[0].ips, [1.5, 5.5]);
        assert_eq!(peaks[0].integral, 16);
    }
}
