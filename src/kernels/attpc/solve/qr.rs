//! QR decomposition with column pivots, and the least squares that stand on it.
//!
//! Householder reflections; the column that is longest in what is left comes next.
//!
//! The matrix is worked on by rows, with the right-hand side as the last number of each. A sum down
//! a column must wait for each addition before the next; those of all columns together fill the
//! wait, and each still adds in the order of its rows.

/// Numbers of a row: columns of the matrix and the right-hand side, at its end.
const LANES: usize = 8;
/// Where the right-hand side stands.
const RIGHT: usize = LANES - 1;

type Row = [f64; LANES];

/// A decomposed matrix of few columns, with the right-hand side it was decomposed for.
#[derive(Clone, Debug, Default)]
pub struct Qr {
    /// Upper triangle, by columns in the order of the pivots.
    r: Vec<Vec<f64>>,
    /// First components of the turned right-hand side.
    qtb: Vec<f64>,
    /// Which column stands at each place.
    pivots: Vec<usize>,
    /// Lengths of the columns.
    pub norms: Vec<f64>,
}

impl Qr {
    /// Decomposes a matrix given by its columns, of which there may be up to seven.
    pub fn of(columns: &[Vec<f64>], right: &[f64]) -> Qr {
        let n = columns.len();
        let first = RIGHT.checked_sub(n).expect("fits have six parameters at most");
        let mut rows = by_rows(columns, right);
        let mut left = squares::<0>(&rows).map(f64::sqrt);
        let norms = left[first..RIGHT].to_vec();
        let mut pivots: Vec<usize> = (0..n).collect();
        let mut axis = Vec::with_capacity(rows.len());
        for k in 0..n {
            let lane = first + k;
            let longest = |best, j| if left[j] > left[best] { j } else { best };
            let longest = (lane..RIGHT).fold(lane, longest);
            if longest != lane {
                rows.iter_mut().for_each(|row| row.swap(lane, longest));
                pivots.swap(k, longest - first);
                left.swap(lane, longest);
            }
            let rest = &mut rows[k.min(right.len())..];
            left = reflect(rest, lane, left[lane], &mut axis);
        }
        let r = (0..n).map(|k| rows[..=k].iter().map(|row| row[first + k]).collect()).collect();
        let qtb = rows.iter().take(n).map(|row| row[RIGHT]).collect();
        Qr { r, qtb, pivots, norms }
    }

    /// The largest cosine between the right-hand side of a given length and a column.
    pub fn largest_cosine(&self, length: f64) -> f64 {
        let cosine = |(column, place): (&Vec<f64>, &usize)| {
            let dot: f64 = column.iter().zip(&self.qtb).map(|(r, q)| r * q).sum();
            let norm = self.norms[*place];
            if norm == 0.0 { 0.0 } else { (dot / length / norm).abs() }
        };
        self.r.iter().zip(&self.pivots).map(cosine).fold(0.0, f64::max)
    }

    /// Length of the product of the matrix with a vector.
    pub fn product_norm(&self, x: &[f64]) -> f64 {
        let mut product = vec![0.0; self.r.len()];
        for (column, place) in self.r.iter().zip(&self.pivots) {
            column.iter().zip(&mut product).for_each(|(r, p)| *p += r * x[*place]);
        }
        norm(&product)
    }

    /// Inverse of the transposed matrix times itself; `None` when a column adds nothing.
    pub fn covariance(&self) -> Option<Vec<Vec<f64>>> {
        let n = self.r.len();
        if (0..n).any(|k| self.r[k][k] == 0.0) {
            return None;
        }
        let mut covariance = vec![vec![0.0; n]; n];
        let unit = |k: usize| (0..n).map(|i| f64::from(i == k)).collect::<Vec<f64>>();
        let inverse: Vec<Vec<f64>> = (0..n).map(|k| self.upper_solved(unit(k))).collect();
        for i in 0..n {
            for j in 0..n {
                let sum = inverse.iter().map(|column| column[i] * column[j]).sum();
                covariance[self.pivots[i]][self.pivots[j]] = sum;
            }
        }
        Some(covariance)
    }

    /// Solves R x = b; components behind the first zero of the diagonal are 0.
    fn upper_solved(&self, mut x: Vec<f64>) -> Vec<f64> {
        let n = self.r.len();
        let rank = (0..n).position(|k| self.r[k][k] == 0.0).unwrap_or(n);
        x[rank..].fill(0.0);
        for k in (0..rank).rev() {
            x[k] /= self.r[k][k];
            let value = x[k];
            x[..k].iter_mut().zip(&self.r[k]).for_each(|(x, r)| *x -= r * value);
        }
        x
    }

    /// Solves the transposed R x = b.
    fn lower_solved(&self, mut x: Vec<f64>) -> Vec<f64> {
        for k in 0..self.r.len() {
            let sum: f64 = self.r[k][..k].iter().zip(&x).map(|(r, x)| r * x).sum();
            x[k] = (x[k] - sum) / self.r[k][k];
        }
        x
    }

    fn is_full_rank(&self) -> bool {
        (0..self.r.len()).all(|k| self.r[k][k] != 0.0)
    }

    /// Brings a vector from the order of the pivots to that of the columns.
    fn unpivoted(&self, x: &[f64]) -> Vec<f64> {
        let mut out = vec![0.0; x.len()];
        self.pivots.iter().zip(x).for_each(|(place, x)| out[*place] = *x);
        out
    }

    fn pivoted(&self, x: &[f64]) -> Vec<f64> {
        self.pivots.iter().map(|place| x[*place]).collect()
    }

    /// The same least squares with a multiple of the scales added below the matrix.
    fn damped(&self, scale: &[f64], damping: f64) -> Qr {
        let n = self.r.len();
        let root = damping.sqrt();
        let below =
            |k: usize| (0..n).map(move |i| if i == k { root * scale[self.pivots[k]] } else { 0.0 });
        let columns: Vec<Vec<f64>> = (0..n)
            .map(|k| {
                let above = (0..n).map(|i| self.r[k].get(i).copied().unwrap_or(0.0));
                above.chain(below(k)).collect()
            })
            .collect();
        let mut right = self.qtb.clone();
        right.resize(2 * n, 0.0);
        Qr::of(&columns, &right)
    }

    /// The step whose scaled length is the radius within a tenth, or the whole step where that is
    /// shorter; with the damping that belongs to it.
    pub fn trusted_step(&self, scale: &[f64], radius: f64, damping: f64) -> (Vec<f64>, f64) {
        let mut x = self.unpivoted(&self.upper_solved(self.qtb.clone()));
        let mut length = scaled_norm(scale, &x);
        let mut excess = length - radius;
        if excess <= 0.1 * radius {
            return (x, 0.0);
        }
        let mut low = 0.0;
        if self.is_full_rank() {
            let w = self.lower_solved(self.pivoted(&squared(scale, &x, length)));
            low = excess / radius / dot(&w, &w);
        }
        let gradient: Vec<f64> = (self.r.iter().zip(&self.pivots))
            .map(|(column, place)| dot(column, &self.qtb) / scale[*place])
            .collect();
        let gradient = norm(&gradient);
        let mut high = gradient / radius;
        if high == 0.0 {
            high = f64::MIN_POSITIVE / radius.min(0.1);
        }
        let mut damping = damping.max(low).min(high);
        if damping == 0.0 {
            damping = gradient / length;
        }
        for round in 1.. {
            if damping == 0.0 {
                damping = f64::MIN_POSITIVE.max(0.001 * high);
            }
            let inner = self.damped(scale, damping);
            let y = inner.unpivoted(&inner.upper_solved(inner.qtb.clone()));
            x = self.unpivoted(&y);
            length = scaled_norm(scale, &x);
            let before = std::mem::replace(&mut excess, length - radius);
            let close = excess.abs() <= 0.1 * radius;
            if close || (low == 0.0 && excess <= before && before < 0.0) || round == ROUNDS {
                break;
            }
            let w = inner.lower_solved(inner.pivoted(&self.pivoted(&squared(scale, &x, length))));
            let correction = excess / radius / dot(&w, &w);
            if excess > 0.0 {
                low = low.max(damping);
            } else {
                high = high.min(damping);
            }
            damping = low.max(damping + correction);
        }
        (x, damping)
    }
}

/// Rounds in which the damping may be refined.
const ROUNDS: usize = 10;

/// The rows of a matrix given by its columns; lanes before the first column are 0.
fn by_rows(columns: &[Vec<f64>], right: &[f64]) -> Vec<Row> {
    let mut rows = vec![[0.0; LANES]; right.len()];
    let first = RIGHT - columns.len();
    for (lane, column) in columns.iter().map(Vec::as_slice).chain([right]).enumerate() {
        rows.iter_mut().zip(column).for_each(|(row, value)| row[first + lane] = *value);
    }
    rows
}

/// Turns what is right of a column as this column, of a given length, wants it. The first row is
/// that of the diagonal. Gives the lengths of what is left of the columns below that row.
fn reflect(rows: &mut [Row], lane: usize, length: f64, axis: &mut Vec<f64>) -> Row {
    // Lanes come in pairs, as the processor takes them; a lane too many costs nothing.
    match lane.div_ceil(2) {
        0 => reflect_from::<0>(rows, lane, length, axis),
        1 => reflect_from::<2>(rows, lane, length, axis),
        2 => reflect_from::<4>(rows, lane, length, axis),
        _ => reflect_from::<6>(rows, lane, length, axis),
    }
}

/// The same, where all that is to be turned stands in lanes from `FROM`.
fn reflect_from<const FROM: usize>(
    rows: &mut [Row],
    lane: usize,
    length: f64,
    axis: &mut Vec<f64>,
) -> Row {
    if rows.is_empty() || length == 0.0 {
        return squares::<FROM>(rows.get(1..).unwrap_or(&[])).map(f64::sqrt);
    }
    let length = if rows[0][lane] < 0.0 { -length } else { length };
    axis.clear();
    axis.extend(rows.iter().map(|row| row[lane] / length));
    axis[0] += 1.0;
    let mut shares = [-0.0; LANES];
    for (row, axis) in rows.iter().zip(axis.iter()) {
        (FROM..LANES).for_each(|at| shares[at] += axis * row[at]);
    }
    shares.iter_mut().for_each(|share| *share /= axis[0]);
    shares[..=lane].fill(0.0);
    let mut sums = [-0.0; LANES];
    (FROM..LANES).for_each(|at| rows[0][at] -= shares[at] * axis[0]);
    for (row, axis) in rows[1..].iter_mut().zip(&axis[1..]) {
        for at in FROM..LANES {
            row[at] -= shares[at] * axis;
            sums[at] += row[at] * row[at];
        }
    }
    rows[0][lane] = -length;
    sums.map(f64::sqrt)
}

/// The sum of squares down each lane from `FROM`.
fn squares<const FROM: usize>(rows: &[Row]) -> Row {
    let mut sums = [-0.0; LANES];
    for row in rows {
        (FROM..LANES).for_each(|at| sums[at] += row[at] * row[at]);
    }
    sums
}

/// Squared scales times a vector, over its scaled length.
fn squared(scale: &[f64], x: &[f64], length: f64) -> Vec<f64> {
    scale.iter().zip(x).map(|(scale, x)| scale * (scale * x / length)).collect()
}

/// Length of a vector whose components have scales.
pub fn scaled_norm(scale: &[f64], x: &[f64]) -> f64 {
    scale.iter().zip(x).map(|(scale, x)| (scale * x).powi(2)).sum::<f64>().sqrt()
}

/// Length of a vector.
pub fn norm(x: &[f64]) -> f64 {
    dot(x, x).sqrt()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns() -> Vec<Vec<f64>> {
        vec![vec![1.0, 2.0, 0.5, -1.0], vec![0.0, 1.0, 3.0, 2.0], vec![4.0, -1.0, 1.0, 1.0]]
    }

    fn product(columns: &[Vec<f64>], x: &[f64]) -> Vec<f64> {
        (0..4).map(|i| columns.iter().zip(x).map(|(c, x)| c[i] * x).sum()).collect()
    }

    #[test]
    fn a_step_within_the_radius_is_the_least_squares_solution() {
        let wanted = [0.3, -1.2, 0.7];
        let right = product(&columns(), &wanted);
        let qr = Qr::of(&columns(), &right);
        let (x, damping) = qr.trusted_step(&[1.0; 3], 10.0, 0.0);
        assert_eq!(damping, 0.0);
        assert!(x.iter().zip(wanted).all(|(x, w)| (x - w).abs() < 1e-12));
        assert!((qr.product_norm(&wanted) - norm(&right)).abs() < 1e-12);
    }

    #[test]
    fn a_damped_step_solves_the_damped_equations_and_keeps_the_radius() {
        let (columns, right, scale) = (columns(), [1.0, -2.0, 3.0, 0.5], [1.0, 2.0, 0.5]);
        let (x, damping) = Qr::of(&columns, &right).trusted_step(&scale, 0.3, 0.0);
        assert!((scaled_norm(&scale, &x) - 0.3).abs() <= 0.03 + 1e-12 && damping > 0.0);
        let rest: Vec<f64> = product(&columns, &x).iter().zip(right).map(|(p, r)| r - p).collect();
        for j in 0..3 {
            let gradient = dot(&columns[j], &rest) - damping * scale[j] * scale[j] * x[j];
            assert!(gradient.abs() < 1e-10, "{j} {gradient}");
        }
    }

    #[test]
    fn the_covariance_is_the_inverse_of_the_normal_matrix() {
        let columns = columns();
        let covariance = Qr::of(&columns, &[0.0; 4]).covariance().unwrap();
        for (i, row) in covariance.iter().enumerate() {
            for (j, column) in columns.iter().enumerate() {
                let sum: f64 = row.iter().zip(&columns).map(|(c, k)| c * dot(k, column)).sum();
                assert!((sum - f64::from(i == j)).abs() < 1e-12);
            }
        }
        let singular = [vec![1.0, 0.0], vec![0.0, 0.0]];
        assert!(Qr::of(&singular, &[1.0, 1.0]).covariance().is_none());
    }
}
