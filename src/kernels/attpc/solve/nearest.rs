//! The nearest sample of a track to a point, found by boxes around blocks of the track.
//!
//! A track is an ordered curve, so a block of consecutive samples fills little space. A block whose
//! box lies farther away than the best sample so far cannot hold a better one; the sample that was
//! nearest the last time makes a good start. The result is that of the full search.

/// Samples in a block: as many as cost about as much to look at as the boxes of a whole track.
const BLOCK: usize = 8;
/// Blocks in a group with a box of its own.
const GROUP: usize = 8;

/// Positions of a track in metres.
#[derive(Clone, Debug, Default)]
pub struct Track {
    pub x: Vec<f64>,
    pub y: Vec<f64>,
    pub z: Vec<f64>,
}

impl Track {
    /// Number of samples.
    pub fn len(&self) -> usize {
        self.x.len()
    }

    /// True for a track without samples.
    pub fn is_empty(&self) -> bool {
        self.x.is_empty()
    }

    /// Becomes a track that was turned around the z axis and then moved.
    pub fn place(&mut self, from: &Track, azimuthal: f64, [x, y, z]: [f64; 3]) {
        let (sin, cos) = azimuthal.sin_cos();
        let flat = || from.x.iter().zip(&from.y);
        self.x.clear();
        self.x.extend(flat().map(|(a, b)| a * cos - b * sin + x));
        self.y.clear();
        self.y.extend(flat().map(|(a, b)| a * sin + b * cos + y));
        self.z.clear();
        self.z.extend(from.z.iter().map(|c| c + z));
    }

    /// The longest way that a sample goes from here to the same sample of another track; infinite
    /// when the tracks differ in length, or where there is no telling.
    pub fn largest_move(&self, other: &Track) -> f64 {
        if self.len() != other.len() {
            return f64::INFINITY;
        }
        let (mut most, mut sum) = (0.0, 0.0);
        let old = self.x.iter().zip(&self.y).zip(&self.z);
        let new = other.x.iter().zip(&other.y).zip(&other.z);
        for (((a, b), c), ((x, y), z)) in old.zip(new) {
            let (dx, dy, dz) = (a - x, b - y, c - z);
            let square = dx * dx + dy * dy + dz * dz;
            most = larger(square, most);
            sum += square;
        }
        // A sum shows what is no number, which no comparison does.
        if f64::is_finite(sum) { f64::sqrt(most) } else { f64::INFINITY }
    }

    /// Squared distance of a sample from a point.
    pub fn square(&self, sample: usize, [x, y, z]: [f64; 3]) -> f64 {
        let (dx, dy, dz) = (self.x[sample] - x, self.y[sample] - y, self.z[sample] - z);
        dx * dx + dy * dy + dz * dz
    }
}

/// The nearest sample and how far the next one is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Nearest {
    pub sample: usize,
    pub square: f64,
    /// Squared distance of the second nearest sample; infinite when there is only one.
    pub next_square: f64,
}

impl Nearest {
    /// Nothing was seen yet.
    pub const NONE: Nearest =
        Nearest { sample: 0, square: f64::INFINITY, next_square: f64::INFINITY };

    fn see(&mut self, sample: usize, square: f64) {
        if square < self.square {
            self.next_square = self.square;
            (self.sample, self.square) = (sample, square);
        } else if square < self.next_square {
            self.next_square = square;
        }
    }

    /// How much farther the second nearest sample is: the nearest one stays that though every
    /// sample moves by up to half of this.
    pub fn lead(&self) -> f64 {
        self.next_square.sqrt() - self.square.sqrt()
    }
}

/// Boxes around the blocks of a track.
#[derive(Default)]
pub struct Boxes {
    /// Lowest and highest x, y, z of each block, and of each group of blocks.
    sides: Vec<[f64; 6]>,
    groups: Vec<[f64; 6]>,
}

impl Boxes {
    /// Puts boxes around a track.
    pub fn fill(&mut self, track: &Track) {
        self.sides.clear();
        let blocks = track.x.chunks(BLOCK).zip(track.y.chunks(BLOCK)).zip(track.z.chunks(BLOCK));
        self.sides.extend(blocks.map(|((x, y), z)| {
            let ([a, b], [c, d], [e, f]) = (ends(x), ends(y), ends(z));
            [a, b, c, d, e, f]
        }));
        self.groups.clear();
        self.groups.extend(
            self.sides
                .chunks(GROUP)
                .map(|blocks| blocks.iter().copied().reduce(joined).expect("no chunk is empty")),
        );
    }

    /// Forgets the track.
    pub fn clear(&mut self) {
        self.sides.clear();
    }

    /// True when no track was filled in.
    pub fn is_empty(&self) -> bool {
        self.sides.is_empty()
    }

    /// The nearest sample of the track that the boxes were put around. `hint` may be any sample.
    pub fn nearest(&self, track: &Track, point: [f64; 3], hint: usize) -> Nearest {
        self.nearest_of_moved(track, point, hint, 0.0)
    }

    /// The nearest sample of a track none of whose samples is more than `reach` away from its
    /// place in the track that the boxes were put around.
    #[inline]
    pub fn nearest_of_moved(
        &self,
        track: &Track,
        point: [f64; 3],
        hint: usize,
        reach: f64,
    ) -> Nearest {
        let mut best = Nearest::NONE;
        let home = (hint / BLOCK).min(self.sides.len() - 1);
        look(track, home, point, &mut best);
        for (group, sides) in self.groups.iter().enumerate() {
            if gap_square(sides, point, reach) >= best.next_square {
                continue;
            }
            let first = group * GROUP;
            let blocks = &self.sides[first..(first + GROUP).min(self.sides.len())];
            for (at, sides) in blocks.iter().enumerate() {
                if first + at != home && gap_square(sides, point, reach) < best.next_square {
                    look(track, first + at, point, &mut best);
                }
            }
        }
        best
    }
}

/// The box around two boxes.
fn joined([a, b, c, d, e, f]: [f64; 6], [g, h, i, j, k, l]: [f64; 6]) -> [f64; 6] {
    [a.min(g), b.max(h), c.min(i), d.max(j), e.min(k), f.max(l)]
}

fn ends(values: &[f64]) -> [f64; 2] {
    values.iter().fold([f64::INFINITY, f64::NEG_INFINITY], |[a, b], v| [a.min(*v), b.max(*v)])
}

/// Squared distance of a point from a box that is widened by `reach`; 0 inside.
#[inline]
fn gap_square(&[a, b, c, d, e, f]: &[f64; 6], [x, y, z]: [f64; 3], reach: f64) -> f64 {
    let dx = larger(larger(a - x, x - b) - reach, 0.0);
    let dy = larger(larger(c - y, y - d) - reach, 0.0);
    let dz = larger(larger(e - z, z - f) - reach, 0.0);
    dx * dx + dy * dy + dz * dz
}

/// The larger of two numbers, in the one instruction that `f64::max` is not.
#[inline]
fn larger(a: f64, b: f64) -> f64 {
    if a > b { a } else { b }
}

fn look(track: &Track, block: usize, [x, y, z]: [f64; 3], best: &mut Nearest) {
    let first = block * BLOCK;
    let range = first..(first + BLOCK).min(track.len());
    let samples = track.x[range.clone()].iter().zip(&track.y[range.clone()]).zip(&track.z[range]);
    let mut squares = [f64::INFINITY; BLOCK];
    for (square, ((a, b), c)) in squares.iter_mut().zip(samples) {
        let (dx, dy, dz) = (a - x, b - y, c - z);
        *square = dx * dx + dy * dy + dz * dz;
    }
    squares.iter().enumerate().for_each(|(at, square)| best.see(first + at, *square));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A spiral of shrinking radius, with its end repeated as the mesh does it.
    fn spiral(samples: usize) -> Track {
        let mut track = Track::default();
        for i in 0..samples {
            let t = (i.min(samples - 10)) as f64 * 0.05;
            track.x.push((0.1 - 0.0004 * t) * t.cos());
            track.y.push((0.1 - 0.0004 * t) * t.sin());
            track.z.push(0.003 * t);
        }
        track
    }

    #[test]
    fn boxes_find_what_the_full_search_finds() {
        let track = spiral(501);
        let mut boxes = Boxes::default();
        boxes.fill(&track);
        let mut state = 1_u64;
        let mut random = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) as f64 / f64::from(1_u32 << 31) - 0.5
        };
        for _ in 0..2000 {
            let point = [0.3 * random(), 0.3 * random(), 0.2 * random()];
            let hint = ((random() + 0.5) * 600.0) as usize;
            let found = boxes.nearest(&track, point, hint);
            let mut all: Vec<f64> = (0..501).map(|sample| track.square(sample, point)).collect();
            assert_eq!(found.square, all[found.sample]);
            all.sort_by(f64::total_cmp);
            assert_eq!((found.square, found.next_square), (all[0], all[1]));
        }
    }

    #[test]
    fn boxes_of_a_track_find_what_is_nearest_in_one_that_moved_a_little() {
        let track = spiral(501);
        let mut boxes = Boxes::default();
        boxes.fill(&track);
        let mut moved = Track::default();
        moved.place(&track, 0.01, [2e-4, -1e-4, 3e-4]);
        let reach = track.largest_move(&moved) + 1e-12;
        assert!(reach > 1e-3 && reach < 2e-3, "{reach}");
        for at in 0..2000 {
            let t = f64::from(at) * 0.0123;
            let point = [0.15 * t.cos(), 0.12 * (1.7 * t).sin(), 0.004 * t];
            let found = boxes.nearest_of_moved(&moved, point, at as usize % 501, reach);
            let least = (0..501).map(|sample| moved.square(sample, point)).reduce(f64::min);
            assert_eq!(Some(found.square), least);
        }
    }

    #[test]
    fn no_move_is_told_of_where_a_track_is_no_number() {
        let (track, mut broken) = (spiral(20), spiral(20));
        assert_eq!(track.largest_move(&broken), 0.0);
        broken.y[7] = f64::NAN;
        assert_eq!(track.largest_move(&broken), f64::INFINITY);
        assert_eq!(track.largest_move(&spiral(21)), f64::INFINITY);
    }

    #[test]
    fn a_track_is_turned_before_it_is_moved() {
        let from = Track { x: vec![1.0], y: vec![0.0], z: vec![2.0] };
        let mut track = Track::default();
        track.place(&from, std::f64::consts::FRAC_PI_2, [10.0, 20.0, 30.0]);
        let moved = track.square(0, [10.0, 21.0, 32.0]);
        assert!(moved < 1e-30);
    }
}
