//! Removes the slow baseline of a trace.
//!
//! Peaks are masked out, what remains is low-pass filtered in the frequency domain with
//! `sinc(k / w)`, and the filtered trace is subtracted. Two steps of the peer truncate to integers,
//! because its arrays are integers; they do so here, because peak finding sees the result.

use std::f64::consts::PI;
use std::sync::Arc;

use realfft::num_complex::Complex64;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};

/// Samples this many standard deviations above the mean are taken for peaks.
const MASK_SIGMA: f64 = 1.5;

/// The filter for traces of one length; shared by all threads.
pub struct Baseline {
    length: usize,
    forward: Arc<dyn RealToComplex<f64>>,
    inverse: Arc<dyn ComplexToReal<f64>>,
    /// Filter value of each frequency, divided by the length because the transforms are not
    /// normalised.
    gain: Vec<f64>,
}

/// Buffers of one thread.
pub struct BaselineScratch {
    signal: Vec<f64>,
    spectrum: Vec<Complex64>,
    work: Vec<Complex64>,
}

impl Baseline {
    /// Plans the filter of scale `window_scale` for traces of an even length.
    pub fn new(length: usize, window_scale: f64) -> Baseline {
        let mut planner = RealFftPlanner::new();
        let sinc = |u: f64| if u == 0.0 { 1.0 } else { (PI * u).sin() / (PI * u) };
        Baseline {
            length,
            forward: planner.plan_fft_forward(length),
            inverse: planner.plan_fft_inverse(length),
            gain: (0..=length / 2).map(|k| sinc(k as f64 / window_scale) / length as f64).collect(),
        }
    }

    /// Samples of a trace.
    pub fn length(&self) -> usize {
        self.length
    }

    /// Buffers for one thread.
    pub fn scratch(&self) -> BaselineScratch {
        let work = self.forward.get_scratch_len().max(self.inverse.get_scratch_len());
        BaselineScratch {
            signal: vec![0.0; self.length],
            spectrum: vec![Complex64::default(); self.length / 2 + 1],
            work: vec![Complex64::default(); work],
        }
    }

    /// Replaces the samples of a trace, in ADC units, by what is above the baseline, truncated to
    /// whole numbers. The first and the last sample are known to be wrong in this electronics and
    /// take their neighbour's value.
    pub fn subtract(&self, trace: &mut [i32], scratch: &mut BaselineScratch) {
        let length = self.length;
        assert_eq!(trace.len(), length, "the filter is planned for one length");
        trace[0] = trace[1];
        trace[length - 1] = trace[length - 2];
        let (limit, fill) = mask(trace);
        for (value, &sample) in scratch.signal.iter_mut().zip(trace.iter()) {
            *value = f64::from(if sample >= limit { fill } else { sample });
        }
        self.forward
            .process_with_scratch(&mut scratch.signal, &mut scratch.spectrum, &mut scratch.work)
            .expect("the buffers have the planned lengths");
        for (bin, gain) in scratch.spectrum.iter_mut().zip(&self.gain) {
            *bin = bin.scale(*gain);
        }
        // The inverse transform demands real end bins; they are, up to rounding.
        scratch.spectrum[0].im = 0.0;
        scratch.spectrum[length / 2].im = 0.0;
        self.inverse
            .process_with_scratch(&mut scratch.spectrum, &mut scratch.signal, &mut scratch.work)
            .expect("the buffers have the planned lengths");
        for (sample, baseline) in trace.iter_mut().zip(&scratch.signal) {
            *sample = (f64::from(*sample) - baseline) as i32;
        }
    }
}

/// The smallest sample that counts as part of a peak, and what replaces such samples: the mean of
/// the others, truncated.
fn mask(trace: &[i32]) -> (i32, i32) {
    let count = trace.len() as i64;
    let sum: i64 = trace.iter().map(|&sample| i64::from(sample)).sum();
    let squares: i64 = trace.iter().map(|&sample| i64::from(sample) * i64::from(sample)).sum();
    let mean = sum as f64 / count as f64;
    // Exact in integers: 16-bit samples squared, 2048 of them, times 2048 again stay below 2^63.
    let spread = ((squares * count - sum * sum) as f64).sqrt() / count as f64;
    let mut limit = (mean + MASK_SIGMA * spread).floor() as i32 - 1;
    while f64::from(limit) - mean <= MASK_SIGMA * spread {
        limit += 1;
    }
    let (mut below, mut kept) = (0i64, 0i64);
    for &sample in trace {
        let keep = sample < limit;
        below += i64::from(if keep { sample } else { 0 });
        kept += i64::from(keep);
    }
    // At least one sample is not above the mean, so `kept` is not zero.
    (limit, (below as f64 / kept as f64) as i32)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition, term by term: discrete Fourier transforms as double loops.
    fn naive(trace: &[i32], window_scale: f64) -> Vec<f64> {
        let n = trace.len();
        let mut x: Vec<f64> = trace.iter().map(|&s| f64::from(s)).collect();
        (x[0], x[n - 1]) = (x[1], x[n - 2]);
        let mean = x.iter().sum::<f64>() / n as f64;
        let sigma = (x.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n as f64).sqrt();
        let others: Vec<f64> = x.iter().copied().filter(|v| v - mean <= 1.5 * sigma).collect();
        let fill = (others.iter().sum::<f64>() / others.len() as f64).trunc();
        let b: Vec<f64> =
            x.iter().map(|&v| if v - mean > 1.5 * sigma { fill } else { v }).collect();
        let kernel: Vec<f64> = (0..n)
            .map(|t| {
                (0..n)
                    .map(|k| {
                        let signed = if k < n / 2 { k as f64 } else { k as f64 - n as f64 };
                        let u = signed / window_scale;
                        let gain = if u == 0.0 { 1.0 } else { (PI * u).sin() / (PI * u) };
                        gain * (2.0 * PI * signed * t as f64 / n as f64).cos()
                    })
                    .sum::<f64>()
                    / n as f64
            })
            .collect();
        (0..n).map(|t| x[t] - (0..n).map(|s| b[s] * kernel[(t + n - s) % n]).sum::<f64>()).collect()
    }

    #[test]
    fn the_filter_is_the_definition() {
        let trace: Vec<i32> = (0..64)
            .map(|t| 300 + (t * 7919) % 5 + if (20..26).contains(&t) { 400 } else { 0 })
            .collect();
        let baseline = Baseline::new(64, 5.0);
        let mut found = trace.clone();
        baseline.subtract(&mut found, &mut baseline.scratch());
        let exact = naive(&trace, 5.0);
        for (found, exact) in found.iter().zip(&exact) {
            assert!((exact.trunc() - f64::from(*found)).abs() < 0.5, "{found} is not {exact}");
        }
    }

    #[test]
    fn a_constant_trace_has_nothing_above_its_baseline() {
        let baseline = Baseline::new(512, 20.0);
        let mut trace = vec![317; 512];
        baseline.subtract(&mut trace, &mut baseline.scratch());
        assert_eq!(trace, vec![0; 512]);
    }
}
