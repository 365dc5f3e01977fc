//! Parameters in which a fit walks: the centre of the track's first circle instead of its vertex.
//!
//! A track says where its circle lies much better than where on it the vertex is. With the centre as
//! parameter, moving the vertex along the circle is a change of the azimuthal angle alone, a straight
//! valley; with the vertex itself the valley is bent and a fit creeps along it.

use crate::kernels::attpc::solve::normal::{COUNT, Matrix};
use crate::kernels::attpc::solve::objective::Values;

/// How vertices and centres belong together: the magnetic field in tesla with the sign of the turn,
/// or nothing where vertices stay as they are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Centre {
    pub field: Option<f64>,
}

impl Centre {
    /// Centre for vertex, everything else as it is.
    pub fn inner(&self, values: &Values) -> Values {
        self.shifted(values, 1.0)
    }

    /// Vertex for centre, everything else as it is.
    pub fn outer(&self, inner: &Values) -> Values {
        self.shifted(inner, -1.0)
    }

    fn shifted(&self, values: &Values, sign: f64) -> Values {
        let Some(field) = self.field else {
            return *values;
        };
        let [brho, polar, a, b, azimuthal, z] = *values;
        let (sin, cos) = azimuthal.sin_cos();
        let radius = sign * brho * polar.sin() / field;
        [brho, polar, a - radius * sin, b + radius * cos, azimuthal, z]
    }

    /// Rows: how x and y of the vertex change with the inner parameters.
    fn slopes(&self, values: &Values) -> [[f64; COUNT]; 2] {
        let Some(field) = self.field else {
            return [[0.0, 0.0, 1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0, 0.0, 0.0]];
        };
        let [brho, polar, _, _, azimuthal, _] = *values;
        let (sin, cos) = azimuthal.sin_cos();
        let radius = brho * polar.sin() / field;
        let (by_brho, by_polar) = (polar.sin() / field, brho * polar.cos() / field);
        [
            [by_brho * sin, by_polar * sin, 1.0, 0.0, radius * cos, 0.0],
            [-by_brho * cos, -by_polar * cos, 0.0, 1.0, radius * sin, 0.0],
        ]
    }

    /// Derivatives by inner parameters from those by values.
    pub fn gradient(&self, values: &Values, gradient: &Values) -> Values {
        let [x, y] = self.slopes(values);
        std::array::from_fn(|k| {
            let own = if k == 2 || k == 3 { 0.0 } else { gradient[k] };
            own + gradient[2] * x[k] + gradient[3] * y[k]
        })
    }

    /// Second derivatives by inner parameters from those by values.
    pub fn hessian(&self, values: &Values, hessian: &Matrix) -> Matrix {
        // The gradient's rule, applied to the rows and then to the columns.
        let half: Matrix = std::array::from_fn(|k| self.gradient(values, &hessian[k]));
        let columns: Matrix =
            std::array::from_fn(|j| self.gradient(values, &std::array::from_fn(|k| half[k][j])));
        std::array::from_fn(|i| std::array::from_fn(|j| columns[j][i]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALUES: Values = [0.6, 1.1, 0.003, -0.004, 2.5, 0.4];

    #[test]
    fn there_and_back_is_where_one_was() {
        for field in [Some(2.85), Some(-2.85), None] {
            let centre = Centre { field };
            let back = centre.outer(&centre.inner(&VALUES));
            assert!(back.iter().zip(VALUES).all(|(a, b)| (a - b).abs() < 1e-15));
        }
    }

    #[test]
    fn derivatives_follow_the_change_of_parameters() {
        let centre = Centre { field: Some(2.85) };
        // A quadratic function of the values, whose second derivatives along straight lines of
        // values differ from those along inner parameters only by its gradient.
        let matrix: Matrix =
            std::array::from_fn(|i| std::array::from_fn(|j| 1.0 / (1.0 + i as f64 + j as f64)));
        let gradient: Values =
            std::array::from_fn(|i| (0..COUNT).map(|j| matrix[i][j] * VALUES[j]).sum());
        let at = |inner: &Values| {
            let v = centre.outer(inner);
            let product = |i: usize| (0..COUNT).map(|j| v[i] * matrix[i][j] * v[j]).sum::<f64>();
            0.5 * (0..COUNT).map(product).sum::<f64>()
        };
        let inner = centre.inner(&VALUES);
        let found = centre.gradient(&VALUES, &gradient);
        for k in 0..COUNT {
            let moved = |by: f64| {
                let mut inner = inner;
                inner[k] += by;
                at(&inner)
            };
            let slope = (moved(1e-6) - moved(-1e-6)) / 2e-6;
            assert!((slope - found[k]).abs() < 1e-7, "{k} {slope} {}", found[k]);
        }
        let hessian = centre.hessian(&VALUES, &matrix);
        assert!((0..COUNT).all(|i| (0..i).all(|j| (hessian[i][j] - hessian[j][i]).abs() < 1e-12)));
    }
}
