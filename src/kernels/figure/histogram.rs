//! Counts in bins of equal width, in value or in its logarithm.

/// A histogram with fixed bins, filled one value at a time.
#[derive(Clone, Debug, PartialEq)]
pub struct Histogram {
    low: f64,
    high: f64,
    logarithmic: bool,
    counts: Vec<u64>,
    /// Values below and above the bins.
    outside: [u64; 2],
}

impl Histogram {
    /// Bins of equal width between two values.
    pub fn linear(low: f64, high: f64, bins: usize) -> Self {
        let counts = vec![0; bins.max(1)];
        Histogram { low, high, logarithmic: false, counts, outside: [0, 0] }
    }

    /// Bins of equal ratio between two positive values.
    pub fn logarithmic(low: f64, high: f64, bins: usize) -> Self {
        let (low, high) = (low.log10(), high.log10());
        Histogram { low, high, logarithmic: true, ..Histogram::linear(0.0, 1.0, bins) }
    }

    /// Counts a value.
    pub fn add(&mut self, value: f64) {
        let place = if self.logarithmic { value.max(1e-300).log10() } else { value };
        let bin = (place - self.low) / (self.high - self.low) * self.counts.len() as f64;
        match bin {
            b if b < 0.0 => self.outside[0] += 1,
            b if b < self.counts.len() as f64 => self.counts[b as usize] += 1,
            // A value on the upper edge belongs to the last bin.
            b if b == self.counts.len() as f64 => self.counts[b as usize - 1] += 1,
            _ => self.outside[1] += 1,
        }
    }

    /// The counts, lowest bin first.
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// The bins as pairs of edges with their counts.
    pub fn bins(&self) -> Vec<([f64; 2], f64)> {
        let bin = |(at, count): (usize, &u64)| ([self.edge(at), self.edge(at + 1)], *count as f64);
        self.counts.iter().enumerate().map(bin).collect()
    }

    /// How many values fell below and above the bins.
    pub fn outside(&self) -> [u64; 2] {
        self.outside
    }

    /// How many values were counted in bins.
    pub fn inside(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The lower edge of a bin, or the upper end for the bin after the last.
    pub fn edge(&self, bin: usize) -> f64 {
        let place = self.low + (self.high - self.low) * bin as f64 / self.counts.len() as f64;
        if self.logarithmic { 10f64.powf(place) } else { place }
    }

    /// The filled range of values, widened to whole bins; all bins where nothing was counted.
    pub fn filled(&self) -> [f64; 2] {
        let first = self.counts.iter().position(|count| *count > 0).unwrap_or(0);
        let last = self.counts.iter().rposition(|count| *count > 0);
        [self.edge(first), self.edge(last.unwrap_or(self.counts.len() - 1) + 1)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_counted_once() {
        let mut histogram = Histogram::linear(0.0, 10.0, 5);
        for value in [-1.0, 0.0, 1.9, 2.0, 9.99, 10.0, 11.0] {
            histogram.add(value);
        }
        assert_eq!(histogram.counts(), [2, 1, 0, 0, 2]);
        assert_eq!(histogram.outside(), [1, 1]);
        assert_eq!(histogram.inside(), 5);
    }

    #[test]
    fn logarithmic_bins_have_equal_ratio() {
        let mut histogram = Histogram::logarithmic(1.0, 1e4, 4);
        histogram.add(150.0);
        histogram.add(0.0);
        assert_eq!(histogram.counts(), [0, 0, 1, 0]);
        assert_eq!(histogram.outside(), [1, 0]);
        assert!((histogram.filled()[0] - 100.0).abs() < 1e-9);
        assert!((histogram.filled()[1] - 1000.0).abs() < 1e-9);
    }
}
