//! The nearest place on a curve to a point, in a metric of its own for every point.
//!
//! Boxes around blocks of the curve leave out what cannot be nearest; the result is that of the full
//! search.

/// Lines in a block.
const BLOCK: usize = 8;
/// Blocks in a group with a box of its own.
const GROUP: usize = 8;

/// A curve of arcs between points, searched by the lines between them.
///
/// The arc of a line that turns by an angle a bulges to its right (for a > 0) by the line's length
/// times tan(a / 4) / 2 in the middle; in between it is taken for a parabola.
#[derive(Default)]
pub struct Curve {
    pub points: Vec<[f64; 3]>,
    /// Lowest and highest corner of each block of lines, and of each group of blocks.
    boxes: Vec<[[f64; 3]; 2]>,
    groups: Vec<[[f64; 3]; 2]>,
}

/// A place on a curve.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Foot {
    /// The line begins at this point of the curve.
    pub line: usize,
    /// Way along the line in 0 to 1.
    pub share: f64,
    /// From the curve to the point, in the point's metric.
    pub offset: [f64; 3],
    pub square: f64,
}

impl Foot {
    /// No place yet.
    pub const NONE: Foot =
        Foot { line: 0, share: 0.0, offset: [f64::INFINITY; 3], square: f64::INFINITY };
}

/// A place on an arc between two points, as linear functions of them: `from` and `to` may as well be
/// derivatives of the points.
pub fn on_arc(share: f64, bulge: f64, [from, to]: [[f64; 3]; 2]) -> [f64; 3] {
    let way = [to[0] - from[0], to[1] - from[1], to[2] - from[2]];
    let out = 2.0 * share * (1.0 - share) * bulge;
    [
        from[0] + share * way[0] + out * way[1],
        from[1] + share * way[1] - out * way[0],
        from[2] + share * way[2],
    ]
}

/// Derivative of the place by the share.
fn along_arc(share: f64, bulge: f64, [from, to]: [[f64; 3]; 2]) -> [f64; 3] {
    let way = [to[0] - from[0], to[1] - from[1], to[2] - from[2]];
    let out = 2.0 * (1.0 - 2.0 * share) * bulge;
    [way[0] + out * way[1], way[1] - out * way[0], way[2]]
}

impl Curve {
    /// Moves a foot from its line to the arc, and gives the direction of the arc there in the
    /// point's metric, of length 1; or zero at an end of the curve, where the point's distance
    /// along the curve counts too.
    pub fn refine(
        &self,
        foot: &mut Foot,
        (point, [across, along]): ([f64; 3], [f64; 2]),
        bulge: f64,
    ) -> [f64; 3] {
        let ends = [self.points[foot.line], self.points[foot.line + 1]];
        let is_start = foot.line == 0 && foot.share == 0.0;
        let is_end = foot.line + 2 == self.points.len() && foot.share == 1.0;
        let scaled = |[x, y, z]: [f64; 3]| [x * across, y * across, z * along];
        let offset = |share| {
            let place = on_arc(share, bulge, ends);
            scaled([0, 1, 2].map(|axis| point[axis] - place[axis]))
        };
        let tangent = |share| scaled(along_arc(share, bulge, ends));
        if is_start || is_end {
            return [0.0; 3];
        }
        // One step of Newton's method; a place just beyond the line's end is as good as on the
        // next line, because arcs join smoothly.
        let way = tangent(foot.share);
        foot.share += dot(offset(foot.share), way) / dot(way, way).max(f64::MIN_POSITIVE);
        foot.offset = offset(foot.share);
        foot.square = dot(foot.offset, foot.offset);
        let way = tangent(foot.share);
        let length = dot(way, way).sqrt().max(f64::MIN_POSITIVE);
        way.map(|way| way / length)
    }

    /// Puts boxes around the blocks, after the points were written.
    pub fn close(&mut self) {
        let lines = self.points.len().saturating_sub(1);
        self.boxes.clear();
        self.boxes.extend((0..lines).step_by(BLOCK).map(|start| {
            let points = &self.points[start..=(start + BLOCK).min(lines)];
            points.iter().fold(NO_BOX, |grown, point| joined(grown, [*point, *point]))
        }));
        self.groups.clear();
        let groups = self.boxes.chunks(GROUP);
        self.groups.extend(groups.map(|boxes| boxes.iter().copied().fold(NO_BOX, joined)));
    }

    /// The place nearest to a point, where x and y count with one weight and z with another.
    /// `hint` is any line, best one near the place.
    pub fn foot(&self, point: [f64; 3], weights: [f64; 2], hint: usize) -> Foot {
        let mut best = Foot::NONE;
        let home = (hint / BLOCK).min(self.boxes.len() - 1);
        self.look(home, point, weights, &mut best);
        for (group, corners) in self.groups.iter().enumerate() {
            if gap_square(corners, point, weights) >= best.square {
                continue;
            }
            let first = group * GROUP;
            let blocks = &self.boxes[first..(first + GROUP).min(self.boxes.len())];
            for (at, corners) in blocks.iter().enumerate() {
                let block = first + at;
                if block != home && gap_square(corners, point, weights) < best.square {
                    self.look(block, point, weights, &mut best);
                }
            }
        }
        best
    }

    fn look(&self, block: usize, point: [f64; 3], [across, along]: [f64; 2], best: &mut Foot) {
        let first = block * BLOCK;
        let last = (first + BLOCK).min(self.points.len() - 1);
        let scaled = |[x, y, z]: [f64; 3]| {
            [(point[0] - x) * across, (point[1] - y) * across, (point[2] - z) * along]
        };
        let mut from = scaled(self.points[first]);
        for line in first..last {
            let to = scaled(self.points[line + 1]);
            let way = [from[0] - to[0], from[1] - to[1], from[2] - to[2]];
            let length = dot(way, way);
            let share = if length > 0.0 { dot(from, way) / length } else { 0.0 };
            let share = share.clamp(0.0, 1.0);
            let offset = [0, 1, 2].map(|axis| from[axis] - share * way[axis]);
            let square = dot(offset, offset);
            if square < best.square {
                *best = Foot { line, share, offset, square };
            }
            from = to;
        }
    }
}

const NO_BOX: [[f64; 3]; 2] = [[f64::INFINITY; 3], [f64::NEG_INFINITY; 3]];

/// The box around two boxes.
fn joined([a, b]: [[f64; 3]; 2], [c, d]: [[f64; 3]; 2]) -> [[f64; 3]; 2] {
    let axes = [0, 1, 2];
    [axes.map(|axis| a[axis].min(c[axis])), axes.map(|axis| b[axis].max(d[axis]))]
}

fn gap_square([low, high]: &[[f64; 3]; 2], point: [f64; 3], [across, along]: [f64; 2]) -> f64 {
    let gap = |axis: usize| (low[axis] - point[axis]).max(point[axis] - high[axis]).max(0.0);
    let [x, y, z] = [gap(0) * across, gap(1) * across, gap(2) * along];
    x * x + y * y + z * z
}

/// Scalar product.
pub fn dot(a: [f64; 3], b: [f64; 3]) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_find_what_the_full_search_finds() {
        let points = (0..300)
            .map(|i| f64::from(i) * 0.1)
            .map(|t| [(0.1 - 0.002 * t) * t.cos(), (0.1 - 0.002 * t) * t.sin(), 0.003 * t])
            .collect();
        let mut curve = Curve { points, ..Curve::default() };
        curve.close();
        let mut state = 7_u64;
        let mut random = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) as f64 / f64::from(1_u32 << 31) - 0.5
        };
        for _ in 0..1000 {
            let point = [0.3 * random(), 0.3 * random(), 0.2 * random()];
            let weights = [1.0 + random(), 2.0 + random()];
            let found = curve.foot(point, weights, ((random() + 0.5) * 400.0) as usize);
            let mut all = Foot { line: 0, share: 0.0, offset: [0.0; 3], square: f64::INFINITY };
            (0..curve.boxes.len()).for_each(|block| curve.look(block, point, weights, &mut all));
            assert_eq!(found.square, all.square);
        }
    }

    #[test]
    fn beyond_an_end_the_end_is_nearest() {
        let mut curve = Curve { points: vec![[0.0; 3], [1.0, 0.0, 0.0]], ..Curve::default() };
        curve.close();
        let foot = curve.foot([2.0, 1.0, 0.0], [1.0, 3.0], 0);
        assert_eq!((foot.line, foot.share, foot.square), (0, 1.0, 2.0));
        let foot = curve.foot([0.25, 0.0, 1.0], [1.0, 3.0], 0);
        assert_eq!((foot.share, foot.offset), (0.25, [0.0, 0.0, 3.0]));
    }
}
