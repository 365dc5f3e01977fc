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

    /// Turns a track around the z axis and moves it, in place.
    pub fn place(&mut self, azimuthal: f64, [x, y, z]: [f64; 3]) {
        let (sin, cos) = azimuthal.sin_cos();
        for (a, b) in self.x.iter_mut().zip(&mut self.y) {
            (*a, *b) = (*a * cos - *b * sin + x, *a * sin + *b * cos + y);
        }
        self.z.iter_mut().for_each(|c| *c += z);
    }

    /// The longest way that a sample goes from here to the same sample of another track; infinite
    /// when the tracks differ in length.
    pub fn largest_move(&self, other: &Track) -> f64 {
        if self.len() != other.len() {
            return f64::INFINITY;
        }
        let mut most = 0.0;
        for at in 0..self.len() {
            let square = self.square(at, [other.x[at], other.y[at], other.z[at]]);
            most = if square > most { square } else { most };
        }
        most.sqrt()
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

    /// True when the sample stays the nearest though every sample moves by up to `moved`.
    pub fn holds_within(&self, moved: f64) -> bool {
        self.next_square.sqrt() - self.square.sqrt() > 2.0 * moved
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
        let mut best = Nearest::NONE;
        let home = (hint / BLOCK).min(self.sides.len() - 1);
        look(track, home, point, &mut best);
        for (group, sides) in self.groups.iter().enumerate() {
            if gap_square(sides, point) >= best.next_square {
                continue;
            }
            let first = group * GROUP;
            let blocks = &self.sides[first..(first + GROUP).min(self.sides.len())];
            for (at, sides) in blocks.iter().enumerate() {
                if first + at != home && gap_square(sides, point) < best.next_square {
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

/// Squared distance of a point from a box; 0 inside.
fn gap_square(&[a, b, c, d, e, f]: &[f64; 6], [x, y, z]: [f64; 3]) -> f64 {
    let dx = (a - x).max(x - b).max(0.0);
    let dy = (c - y).max(y - d).max(0.0);
    let dz = (e - z).max(z - f).max(0.0);
    dx * dx + dy * dy + dz * dz
}

fn look(track: &Track, block: usize, point: [f64; 3], best: &mut Nearest) {
    let range = block * BLOCK..((block + 1) * BLOCK).min(track.len());
    for sample in range {
        best.see(sample, track.square(sample, point));
    }
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
    fn a_track_is_turned_before_it_is_moved() {
        let mut track = Track { x: vec![1.0], y: vec![0.0], z: vec![2.0] };
        track.place(std::f64::consts::FRAC_PI_2, [10.0, 20.0, 30.0]);
        let moved = track.square(0, [10.0, 21.0, 32.0]);
        assert!(moved < 1e-30);
    }
}
