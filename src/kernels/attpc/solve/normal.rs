//! Symmetric systems of up to six unknowns.

/// Number of parameters of a track.
pub const COUNT: usize = 6;

/// A symmetric matrix.
pub type Matrix = [[f64; COUNT]; COUNT];

/// Lower triangle of the Cholesky decomposition; `None` for a matrix that is not positive.
fn decomposed(matrix: &Matrix) -> Option<Matrix> {
    let mut lower = [[0.0; COUNT]; COUNT];
    for i in 0..COUNT {
        for j in 0..=i {
            let sum: f64 = (0..j).map(|k| lower[i][k] * lower[j][k]).sum();
            let rest = matrix[i][j] - sum;
            if i != j {
                lower[i][j] = rest / lower[j][j];
            } else if rest > matrix[i][i] * 1e-14 {
                lower[i][i] = rest.sqrt();
            } else {
                return None;
            }
        }
    }
    Some(lower)
}

/// The matrix with rows and columns of parameters that are held replaced by those of the identity.
pub fn held(matrix: &Matrix, is_free: [bool; COUNT]) -> Matrix {
    let mut out = *matrix;
    for i in 0..COUNT {
        for j in 0..COUNT {
            if !(is_free[i] && is_free[j]) {
                out[i][j] = f64::from(i == j);
            }
        }
    }
    out
}

/// The solution of a positive system.
pub fn solved(matrix: &Matrix, right: [f64; COUNT]) -> Option<[f64; COUNT]> {
    let lower = decomposed(matrix)?;
    let mut x = right;
    for i in 0..COUNT {
        let sum: f64 = (0..i).map(|k| lower[i][k] * x[k]).sum();
        x[i] = (x[i] - sum) / lower[i][i];
    }
    for i in (0..COUNT).rev() {
        let sum: f64 = (i + 1..COUNT).map(|k| lower[k][i] * x[k]).sum();
        x[i] = (x[i] - sum) / lower[i][i];
    }
    Some(x)
}

/// The inverse of a positive matrix.
pub fn inverse(matrix: &Matrix) -> Option<Matrix> {
    let mut out = [[0.0; COUNT]; COUNT];
    for (k, row) in out.iter_mut().enumerate() {
        let mut unit = [0.0; COUNT];
        unit[k] = 1.0;
        *row = solved(matrix, unit)?;
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_positive_system_is_solved_and_inverted() {
        let mut matrix = [[0.0; COUNT]; COUNT];
        for (i, row) in matrix.iter_mut().enumerate() {
            for (j, value) in row.iter_mut().enumerate() {
                *value = 1.0 / (1.0 + (i as f64 - j as f64).abs());
            }
        }
        let right = [1.0, -2.0, 0.5, 3.0, 0.0, 1.0];
        let x = solved(&matrix, right).unwrap();
        let inverse = inverse(&matrix).unwrap();
        for i in 0..COUNT {
            let product: f64 = (0..COUNT).map(|j| matrix[i][j] * x[j]).sum();
            let other: f64 = (0..COUNT).map(|j| inverse[i][j] * right[j]).sum();
            assert!((product - right[i]).abs() < 1e-12 && (other - x[i]).abs() < 1e-12);
        }
    }

    #[test]
    fn a_held_parameter_stays_and_a_singular_matrix_is_refused() {
        let ones = [[1.0; COUNT]; COUNT];
        assert!(solved(&ones, [1.0; COUNT]).is_none());
        let mut only = [false; COUNT];
        only[2] = true;
        let x = solved(&held(&ones, only), [0.0, 0.0, 4.0, 0.0, 0.0, 0.0]).unwrap();
        assert_eq!(x, [0.0, 0.0, 4.0, 0.0, 0.0, 0.0]);
    }
}
