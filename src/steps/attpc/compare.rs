//! Pairs the rows of two workspaces through their clusters, so that tests can compare tables whose
//! clusters are numbered in another way or hold slightly other points.

use std::collections::HashMap;
use std::path::Path;

use crate::data::cluster_reader::{ClusterFile, StoredCluster};
use crate::data::parquet::{Table, read_table};

/// Points of two workspaces are the same when they are of one pad and this close, mm: less than a
/// time bucket, more than the smear.
const SAME_POINT_MM: f64 = 1.0;
/// Clusters are the same when they share at least this part of all their points.
const SAME_CLUSTER: f64 = 0.8;

/// A cluster of a run: event and index within the event.
type Name = (i64, i64);

/// Which cluster of another workspace is which of the reference, with the part of points shared.
pub struct ClusterPairs {
    pairs: HashMap<Name, (Name, f64)>,
    /// Clusters of the reference, whether they have a partner or not.
    pub reference: usize,
}

impl ClusterPairs {
    /// Pairs the clusters of two files by their points.
    pub fn of_files(reference: &Path, found: &Path) -> ClusterPairs {
        let [reference, found] = [reference, found].map(|path| ClusterFile::open(path).unwrap());
        let mut result = ClusterPairs { pairs: HashMap::new(), reference: 0 };
        for &event in reference.events() {
            let wanted = reference.read(event).unwrap().clusters;
            result.reference += wanted.len();
            if !found.events().contains(&event) {
                continue;
            }
            let others = found.read(event).unwrap().clusters;
            for cluster in &wanted {
                let shares = others.iter().map(|other| (other.index, shared(cluster, other)));
                let best = shares.max_by(|a, b| a.1.total_cmp(&b.1));
                if let Some((index, share)) = best.filter(|(_, share)| *share > SAME_CLUSTER) {
                    result.pairs.insert((event, cluster.index), ((event, index), share));
                }
            }
        }
        result
    }

    /// Clusters that have a partner with which they share more than `least` of all points.
    pub fn count(&self, least: f64) -> usize {
        self.pairs.values().filter(|(_, share)| *share > least).count()
    }
}

/// Points that both clusters hold, as a part of the points that either holds.
fn shared(a: &StoredCluster, b: &StoredCluster) -> f64 {
    let pad = |row: &[f64; 5]| ((row[0] * 100.0).round() as i64, (row[1] * 100.0).round() as i64);
    let mut by_pad: HashMap<(i64, i64), Vec<f64>> = HashMap::new();
    for row in &b.rows {
        by_pad.entry(pad(row)).or_default().push(row[2]);
    }
    let mut both = 0;
    for row in &a.rows {
        let Some(left) = by_pad.get_mut(&pad(row)) else { continue };
        if let Some(at) = left.iter().position(|z| (z - row[2]).abs() < SAME_POINT_MM) {
            left.swap_remove(at);
            both += 1;
        }
    }
    both as f64 / (a.rows.len() + b.rows.len() - both).max(1) as f64
}

/// How two values of a column differ.
#[derive(Clone, Copy, Debug)]
pub enum Measure {
    Absolute,
    /// As a part of the reference.
    Relative,
    /// Around the circle.
    Angle,
}

/// Rows of two tables that belong together.
pub struct RowPairs<'t> {
    reference: &'t Table,
    found: &'t Table,
    pairs: Vec<(usize, usize)>,
    /// Rows of the reference whose cluster has no partner.
    pub without_cluster: usize,
    /// Rows of the reference whose cluster has a partner that has no row.
    pub missing: usize,
}

impl<'t> RowPairs<'t> {
    /// Pairs the rows of two tables through their clusters.
    pub fn of_tables(
        clusters: &ClusterPairs,
        reference: &'t Table,
        found: &'t Table,
    ) -> RowPairs<'t> {
        let rows: HashMap<Name, usize> = names(found).into_iter().zip(0..).collect();
        let mut result =
            RowPairs { reference, found, pairs: Vec::new(), without_cluster: 0, missing: 0 };
        for (at, name) in names(reference).into_iter().enumerate() {
            match clusters.pairs.get(&name).map(|(partner, _)| rows.get(partner)) {
                None => result.without_cluster += 1,
                Some(None) => result.missing += 1,
                Some(Some(&row)) => result.pairs.push((at, row)),
            }
        }
        result
    }

    /// Number of pairs.
    pub fn count(&self) -> usize {
        self.pairs.len()
    }

    /// Leaves only pairs for which a test on the reference's values of some columns holds.
    pub fn keep<const N: usize>(
        mut self,
        columns: [&str; N],
        test: impl Fn([f64; N]) -> bool,
    ) -> Self {
        let columns = columns.map(|name| self.reference.floats(name).unwrap());
        self.pairs.retain(|&(row, _)| test(std::array::from_fn(|at| columns[at][row])));
        self
    }

    /// Differences of all pairs in a column, smallest first.
    pub fn differences(&self, column: &str, measure: Measure) -> Differences {
        let [reference, found] = [self.reference, self.found].map(|t| t.floats(column).unwrap());
        let difference = |&(a, b): &(usize, usize)| {
            let (expected, off) = (reference[a], (found[b] - reference[a]).abs());
            match measure {
                Measure::Absolute => off,
                Measure::Relative => off / expected.abs().max(1e-12),
                Measure::Angle => off.min((off - std::f64::consts::TAU).abs()),
            }
        };
        let mut sorted: Vec<f64> = self.pairs.iter().map(difference).collect();
        sorted.sort_by(f64::total_cmp);
        Differences { column: column.to_owned(), sorted }
    }
}

fn names(table: &Table) -> Vec<Name> {
    let [events, indices] = ["event", "cluster_index"].map(|name| table.integers(name).unwrap());
    events.iter().copied().zip(indices.iter().copied()).collect()
}

/// Sorted differences of one column, NaN last.
#[derive(Clone, Debug)]
pub struct Differences {
    column: String,
    sorted: Vec<f64>,
}

impl Differences {
    /// Joins the differences of several runs.
    pub fn joined(all: impl IntoIterator<Item = Differences>) -> Differences {
        let mut result = Differences { column: String::new(), sorted: Vec::new() };
        for differences in all {
            result.column = differences.column;
            result.sorted.extend(differences.sorted);
        }
        result.sorted.sort_by(f64::total_cmp);
        result
    }

    /// The difference that a part of the pairs does not exceed.
    pub fn quantile(&self, part: f64) -> f64 {
        let last = self.sorted.len().checked_sub(1).expect("there are pairs to compare");
        self.sorted[(part * last as f64).ceil() as usize]
    }

    /// Asserts that at least a part of the pairs differ by no more than `most`.
    pub fn assert(&self, part: f64, most: f64) {
        let [half, found, largest] = [0.5, part, 1.0].map(|part| self.quantile(part));
        assert!(
            found <= most,
            "`{}` differs by {half:.2e} (half), {found:.2e} ({part}), {largest:.2e} (all) in {} \
             pairs, expected at most {most:.2e}",
            self.column,
            self.sorted.len(),
        );
    }
}

/// Energy relative to the truth, angle (degrees) and vertex z (mm) less the truth for every fit of
/// an ejectile, and the same in standard deviations.
pub fn deviations(fits: &[Table]) -> (Vec<[f64; 3]>, Vec<[f64; 3]>) {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/attpc");
    let truth = read_table(&data.join("truth.parquet")).unwrap();
    let integers = |name| truth.integers(name).unwrap().into_owned();
    let (runs, events, particles) = (integers("run"), integers("event"), integers("particle"));
    let floats = |name| truth.floats(name).unwrap().into_owned();
    let [ke, polar, z] = ["ke", "polar", "vertex_z"].map(floats);
    let ejectiles: HashMap<(i64, i64), usize> = (0..truth.rows())
        .filter(|row| particles[*row] == 2)
        .map(|row| ((runs[row], events[row]), row))
        .collect();
    let (mut values, mut pulls) = (Vec::new(), Vec::new());
    for table in fits {
        let column = |name| table.floats(name).unwrap().into_owned();
        let found = ["ke", "polar", "vertex_z"].map(column);
        let sigma = ["sigma_ke", "sigma_polar", "sigma_vz"].map(column);
        let (run, event) =
            (table.integers("orig_run").unwrap(), table.integers("orig_event").unwrap());
        for row in 0..table.rows() {
            let Some(&at) = ejectiles.get(&(run[row], event[row])) else { continue };
            let less = [found[0][row] - ke[at], found[1][row] - polar[at], found[2][row] - z[at]];
            values.push([less[0] / ke[at], less[1].to_degrees(), less[2] * 1e3]);
            pulls.push([0, 1, 2].map(|k: usize| less[k] / sigma[k][row]));
        }
    }
    (values, pulls)
}

/// The value below which a share of the values lies.
pub fn quantile(mut values: Vec<f64>, share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values[((values.len() - 1) as f64 * share).round() as usize]
}

/// Median and half of the central 68 %.
pub fn centre_and_spread(rows: &[[f64; 3]], column: usize) -> (f64, f64) {
    let of = |share| quantile(rows.iter().map(|row| row[column]).collect(), share);
    (of(0.5), 0.5 * (of(0.84) - of(0.16)))
}

#[test]
fn rows_are_paired_through_their_clusters() {
    use crate::data::cluster_reader::{NO_PULSE, StoredEvent};
    use crate::data::cluster_writer::ClusterWriter;
    use crate::data::parquet::{Column, read_table, write_table};

    let dir = tempfile::tempdir().unwrap();
    let track = |x: f64, shift: f64, count: i32| -> Vec<[f64; 5]> {
        (0..count).map(|i| [x, f64::from(i), f64::from(2 * i) + shift, 9.0, 1.0]).collect()
    };
    let write = |name: &str, clusters: [Vec<[f64; 5]>; 2], brho: [f64; 2]| {
        let cluster = |(index, rows)| StoredCluster { index, label: index, direction: 0, rows };
        let [clusters_path, table_path] =
            ["h5", "parquet"].map(|end| dir.path().join(format!("{name}.{end}")));
        let writer = ClusterWriter::create(&clusters_path, (4, 4)).unwrap();
        let clusters = (0..).zip(clusters).map(cluster).collect();
        let event =
            StoredEvent { event: 4, orig_run: 1, orig_event: 4, ion_chamber: NO_PULSE, clusters };
        writer.add(&event).unwrap();
        writer.finish().unwrap();
        let columns = [
            ("event", Column::I64(vec![4, 4])),
            ("cluster_index", Column::I64(vec![0, 1])),
            ("brho", Column::F64(brho.to_vec())),
        ];
        write_table(&table_path, &columns).unwrap();
        (clusters_path, read_table(&table_path).unwrap())
    };
    let (a, reference) = write("a", [track(0.0, 0.0, 20), track(50.0, 0.0, 20)], [1.0, 2.0]);
    // The other way around, smeared, and one of the tracks longer.
    let (b, found) = write("b", [track(50.0, 0.1, 20), track(0.0, 0.1, 24)], [2.1, 1.0]);
    let clusters = ClusterPairs::of_files(&a, &b);
    assert_eq!([0.8, 0.9].map(|least| clusters.count(least)), [2, 1]);
    let pairs = RowPairs::of_tables(&clusters, &reference, &found);
    assert_eq!((pairs.count(), pairs.missing, pairs.without_cluster), (2, 0, 0));
    let differences = pairs.differences("brho", Measure::Relative);
    assert_eq!(differences.quantile(0.5), differences.quantile(1.0));
    assert!((differences.quantile(1.0) - 0.05).abs() < 1e-12);
    assert_eq!(pairs.keep(["brho"], |[brho]| brho < 1.5).count(), 1);
}
