//! Circle through points of the pad plane: the algebraic least-squares fit of centred coordinates.

/// A circle in the pad plane, mm; NaN throughout when the points do not define one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Circle {
    pub x: f64,
    pub y: f64,
    pub radius: f64,
}

impl Circle {
    const UNDEFINED: Circle = Circle { x: f64::NAN, y: f64::NAN, radius: f64::NAN };

    /// True when the points defined a circle.
    pub fn is_defined(&self) -> bool {
        self.radius.is_finite()
    }

    /// The point of the circle that is nearest to the origin; for a circle about the origin, where
    /// all points are equally near, the one on the positive x axis.
    pub fn nearest_to_origin(&self) -> [f64; 2] {
        let distance = self.x.hypot(self.y);
        if distance == 0.0 {
            return [self.radius, 0.0];
        }
        let part = 1.0 - self.radius / distance;
        [self.x * part, self.y * part]
    }
}

/// Points count as straight when their variance across is this small a part of that along them. For
/// 5 cm of a circle of 5 m, more than a track can have, it is 2e-6; rounding reaches 1e-14.
const STRAIGHT: f64 = 1e-12;

/// Points count as one place when their variance is this small a part of their distance from the
/// origin squared: a nanometre in a metre.
const ONE_PLACE: f64 = 1e-18;

/// Fits a circle: its centre solves the normal equations of the squared distances, its radius is
/// the mean distance of the points from the centre.
///
/// # Panics
/// When the coordinates differ in number.
pub fn fit(x: &[f64], y: &[f64]) -> Circle {
    assert_eq!(x.len(), y.len(), "every point has both coordinates");
    if x.is_empty() {
        return Circle::UNDEFINED;
    }
    let number = x.len() as f64;
    let mean_x = x.iter().sum::<f64>() / number;
    let mean_y = y.iter().sum::<f64>() / number;
    let [mut uu, mut uv, mut vv, mut right_u, mut right_v] = [0.0; 5];
    for (x, y) in x.iter().zip(y) {
        let (u, v) = (x - mean_x, y - mean_y);
        let square = u * u + v * v;
        uu += u * u;
        uv += u * v;
        vv += v * v;
        right_u += u * square;
        right_v += v * square;
    }
    let away = mean_x * mean_x + mean_y * mean_y;
    if uu + vv <= ONE_PLACE * away * number {
        return Circle::UNDEFINED;
    }
    let Some([u, v]) = solve([[uu, uv], [uv, vv]], [0.5 * right_u, 0.5 * right_v]) else {
        return Circle::UNDEFINED;
    };
    let (x_centre, y_centre) = (u + mean_x, v + mean_y);
    let distance = |(x, y): (&f64, &f64)| (x - x_centre).hypot(y - y_centre);
    let radius = x.iter().zip(y).map(distance).sum::<f64>() / number;
    Circle { x: x_centre, y: y_centre, radius }
}

/// Elimination with the larger pivot first; none for points on a line, whose circle would be
/// nothing but rounding.
fn solve(matrix: [[f64; 2]; 2], right: [f64; 2]) -> Option<[f64; 2]> {
    let [[uu, uv], [_, vv]] = matrix;
    // The variances across and along the points are to each other about as this is to one.
    let roundness = (uu * vv - uv * uv) / ((uu + vv) * (uu + vv));
    if roundness.is_nan() || roundness <= STRAIGHT {
        return None;
    }
    let (first, second) = if uu.abs() >= uv.abs() { (0, 1) } else { (1, 0) };
    let factor = matrix[second][0] / matrix[first][0];
    let pivot = matrix[second][1] - factor * matrix[first][1];
    let y = (right[second] - factor * right[first]) / pivot;
    let x = (right[first] - matrix[first][1] * y) / matrix[first][0];
    (x.is_finite() && y.is_finite()).then_some([x, y])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arc(from: f64, to: f64) -> (Vec<f64>, Vec<f64>) {
        let angles = (0..20).map(|i| from + (to - from) * f64::from(i) / 19.0);
        angles.map(|angle| (30.0 + 80.0 * angle.cos(), -12.0 + 80.0 * angle.sin())).unzip()
    }

    #[test]
    fn points_of_a_circle_give_it_back() {
        for (from, to) in [(0.0, 6.0), (1.0, 2.0), (3.0, 3.3)] {
            let (x, y) = arc(from, to);
            let circle = fit(&x, &y);
            assert!((circle.x - 30.0).abs() < 1e-7, "{circle:?}");
            assert!((circle.y + 12.0).abs() < 1e-7, "{circle:?}");
            assert!((circle.radius - 80.0).abs() < 1e-7, "{circle:?}");
        }
    }

    #[test]
    fn the_nearest_point_lies_on_the_circle_towards_the_origin() {
        let circle = Circle { x: 30.0, y: 40.0, radius: 45.0 };
        let [x, y] = circle.nearest_to_origin();
        assert!((x - 3.0).abs() < 1e-12 && (y - 4.0).abs() < 1e-12);
        let circle = Circle { x: 0.0, y: 0.0, radius: 45.0 };
        assert_eq!(circle.nearest_to_origin(), [45.0, 0.0]);
    }

    #[test]
    fn points_without_a_circle_give_none() {
        for (x, y) in [
            (vec![], vec![]),
            (vec![1.0], vec![2.0]),
            (vec![1.0, 1.0, 1.0], vec![2.0, 2.0, 2.0]),
            (vec![0.0, 1.0, 2.0], vec![3.0, 3.0, 3.0]),
            (vec![3.0, 3.0, 3.0], vec![0.0, 1.0, 2.0]),
            (vec![0.0, 1.0, f64::NAN], vec![0.0, 2.0, 1.0]),
            (vec![0.0, 0.1, 0.2, 0.3, 0.7], vec![0.0, 0.3, 0.6, 0.9, 2.1]),
        ] {
            let circle = fit(&x, &y);
            assert!(!circle.is_defined() && circle.x.is_nan() && circle.y.is_nan(), "{circle:?}");
        }
    }
}
