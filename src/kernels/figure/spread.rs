//! Ranges for axes from values that may hold outliers, infinities and NaN.

/// Interquartile ranges beyond the quartiles after which a value no longer widens an axis. Five keep
/// all of a normal and 99.9 % of an exponential distribution, and cut only what is far away.
const FENCE: f64 = 5.0;

/// The finite values of a column, sorted, and how many were not finite.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Spread {
    sorted: Vec<f64>,
    strange: usize,
}

impl Spread {
    /// Sorts values.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Spread {
        let mut strange = 0;
        let finite = |value: &f64| {
            strange += usize::from(!value.is_finite());
            value.is_finite()
        };
        let mut sorted: Vec<f64> = values.into_iter().filter(finite).collect();
        sorted.sort_unstable_by(f64::total_cmp);
        Spread { sorted, strange }
    }

    /// How many finite values there are.
    pub fn count(&self) -> usize {
        self.sorted.len()
    }

    /// The finite values, ascending.
    pub fn each(&self) -> impl Iterator<Item = f64> + '_ {
        self.sorted.iter().copied()
    }

    /// How many values were infinite or not a number.
    pub fn strange(&self) -> usize {
        self.strange
    }

    /// The value below which this share of the values lies, linear between neighbours.
    pub fn quantile(&self, share: f64) -> Option<f64> {
        let last = self.sorted.len().checked_sub(1)?;
        let place = share.clamp(0.0, 1.0) * last as f64;
        let below = self.sorted[place as usize];
        let above = self.sorted[(place as usize + 1).min(last)];
        Some(below + (above - below) * place.fract())
    }

    /// Ends between which a picture of the values should run: all of them, but for far outliers.
    /// Nothing when there is no finite value.
    pub fn range(&self) -> Option<[f64; 2]> {
        let [first, last] = [*self.sorted.first()?, *self.sorted.last()?];
        let [low, high] = [self.quantile(0.25)?, self.quantile(0.75)?];
        let reach = FENCE * (high - low);
        // More than half of the values may be equal; then the quartiles say nothing of the width.
        let [from, to] = if reach > 0.0 {
            // Ends lie on values, because a fence alone would leave an empty stretch.
            let inside = |value: &&f64| (low - reach..=high + reach).contains(*value);
            let from = self.sorted.iter().find(inside).copied().unwrap_or(first);
            [from, self.sorted.iter().rev().find(inside).copied().unwrap_or(last)]
        } else {
            [first, last]
        };
        Some(widened(from, to))
    }

    /// How many finite values lie outside of two ends.
    pub fn outside(&self, [from, to]: [f64; 2]) -> usize {
        self.sorted.iter().filter(|value| !(from..=to).contains(*value)).count()
    }
}

/// Ends that differ, because an axis needs an extent.
fn widened(from: f64, to: f64) -> [f64; 2] {
    if to - from > 1e-9 * from.abs().max(to.abs()) {
        return [from, to];
    }
    let half = if from == 0.0 { 0.5 } else { 0.05 * from.abs() };
    [from - half, to + half]
}

/// Two ends moved outwards to round values, so that an axis begins and ends at a mark.
pub fn rounded([from, to]: [f64; 2]) -> [f64; 2] {
    let step = round_step((to - from) / 25.0);
    [(from / step + 1e-9).floor() * step, (to / step - 1e-9).ceil() * step]
}

/// The smallest of 1, 2, 5 times a power of ten that is not below a positive width.
pub fn round_step(width: f64) -> f64 {
    let power = 10f64.powf(width.log10().floor());
    let digit = [1.0, 2.0, 5.0].into_iter().find(|digit| digit * power >= width * 0.999);
    digit.unwrap_or(10.0) * power
}

/// The upper end of an axis of counts up to this one: a round value not far above.
pub fn round_up(value: f64) -> f64 {
    if value <= 0.0 {
        return 1.0;
    }
    let power = 10f64.powf(value.log10().floor());
    let digits = [1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0];
    digits.into_iter().find(|digit| digit * power >= value).unwrap_or(10.0) * power
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn far_outliers_do_not_widen_the_range() {
        let values = (0..100).map(f64::from).chain([1e9, -1e12, f64::NAN, f64::INFINITY]);
        let spread = Spread::of(values);
        assert_eq!(spread.range(), Some([0.0, 99.0]));
        assert_eq!(spread.outside([0.0, 99.0]), 2);
        assert_eq!((spread.count(), spread.strange()), (102, 2));
    }

    #[test]
    fn equal_values_and_none_still_have_an_answer() {
        assert_eq!(Spread::of([4.0, 4.0, 4.0]).range(), Some([3.8, 4.2]));
        assert_eq!(Spread::of([0.0]).range(), Some([-0.5, 0.5]));
        assert_eq!(Spread::of([f64::NAN]).range(), None);
        assert_eq!(Spread::of([5.0, 5.0, 5.0, 5.0, 9.0]).range(), Some([5.0, 9.0]));
    }

    #[test]
    fn quantiles_lie_between_neighbours() {
        let spread = Spread::of([3.0, 1.0, 2.0]);
        assert_eq!(spread.quantile(0.5), Some(2.0));
        assert_eq!(spread.quantile(0.25), Some(1.5));
        assert_eq!(spread.quantile(1.0), Some(3.0));
    }

    #[test]
    fn ends_move_to_round_values() {
        assert_eq!(rounded([0.13, 9.2]), [0.0, 9.5]);
        assert_eq!(rounded([0.0, 10.0]), [0.0, 10.0]);
        assert_eq!(round_up(0.0), 1.0);
        assert_eq!(round_up(13.0), 15.0);
    }
}
