//! A colour scale that is perceptually uniform and safe for colour-blind readers.

/// Ten stops of the viridis map (van der Walt and Smith, 2015, CC0), dark to bright. It keeps its
/// order in grey print and for all common colour vision deficiencies.
const VIRIDIS: [[u8; 3]; 10] = [
    [68, 1, 84],
    [72, 40, 120],
    [62, 73, 137],
    [49, 104, 142],
    [38, 130, 142],
    [31, 158, 137],
    [53, 183, 121],
    [110, 206, 88],
    [181, 222, 43],
    [253, 231, 37],
];

/// Steps into which a scale is cut, so that marks of one colour can share an element.
pub const LEVELS: usize = 40;

/// Brightest part of the map that is used: beyond it dots vanish on white paper.
const BRIGHTEST: f64 = 0.93;

/// A logarithmic scale from values to colours: dark is much.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LogScale {
    /// Decimal logarithms of the ends.
    from: f64,
    to: f64,
}

impl LogScale {
    /// A scale over positive values between two ends, widened where they are too close.
    pub fn new(low: f64, high: f64) -> Self {
        let from = low.max(1e-300).log10();
        let to = high.max(low).max(1e-300).log10();
        let missing = (0.3 - (to - from)).max(0.0);
        LogScale { from: from - missing / 2.0, to: to + missing / 2.0 }
    }

    /// The ends, as values.
    pub fn ends(&self) -> [f64; 2] {
        [10f64.powf(self.from), 10f64.powf(self.to)]
    }

    /// The level of a value, from 0 to [`LEVELS`] - 1; values beyond the ends take the end's.
    pub fn level(&self, value: f64) -> usize {
        let part = (value.max(1e-300).log10() - self.from) / (self.to - self.from);
        ((part * LEVELS as f64) as usize).min(LEVELS - 1)
    }
}

/// The colour of a level as `#rrggbb`.
pub fn colour(level: usize) -> String {
    let part = 1.0 - (level.min(LEVELS - 1) as f64 + 0.5) / LEVELS as f64;
    let place = part * BRIGHTEST * (VIRIDIS.len() - 1) as f64;
    let stop = (place as usize).min(VIRIDIS.len() - 2);
    let share = place - stop as f64;
    let mut text = String::from("#");
    for (a, b) in VIRIDIS[stop].iter().zip(VIRIDIS[stop + 1]) {
        let mixed = f64::from(*a) + share * (f64::from(b) - f64::from(*a));
        text.push_str(&format!("{:02x}", mixed.round() as u8));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_rise_with_values_and_hold_beyond_the_ends() {
        let scale = LogScale::new(10.0, 1000.0);
        assert_eq!(scale.level(1.0), 0);
        assert_eq!(scale.level(100.0), LEVELS / 2);
        assert_eq!(scale.level(1e9), LEVELS - 1);
    }

    #[test]
    fn a_single_value_still_makes_a_scale() {
        let [low, high] = LogScale::new(5.0, 5.0).ends();
        assert!(low < 5.0 && high > 5.0);
    }

    #[test]
    fn much_is_dark() {
        assert!(colour(LEVELS - 1) < colour(0));
    }
}
