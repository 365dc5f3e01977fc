//! The CPU version, which defines the kernel.

use crate::kernels::attpc::cluster::direction::{Direction, Judge, Track};
use crate::kernels::attpc::cluster::params::{Method, Params};
use crate::kernels::attpc::cluster::tripclust::{self, Refused};
use crate::kernels::attpc::cluster::{hdbscan, joins, lof};
use crate::kernels::attpc::pointcloud::{Compat, Point};

/// Numbers beyond this cannot be squared; nothing in a detector comes near.
const LARGEST: f64 = 1e100;
/// Columns of a cloud that a cluster keeps: x, y, z, integral, scale.
const KEPT_COLUMNS: [usize; 5] = [0, 1, 2, 4, 7];

/// One point of a cluster: x, y, z in mm, integral in ADC units times TB, pad scale.
pub type ClusterPoint = [f64; 5];

/// A finished cluster.
#[derive(Clone, Debug, PartialEq)]
pub struct Cluster {
    pub label: i64,
    pub direction: Direction,
    /// Sorted by z.
    pub points: Vec<ClusterPoint>,
}

/// The clusters of a cloud.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Clusters {
    pub clusters: Vec<Cluster>,
    pub counts: ClusterCounts,
}

/// What became of a cloud.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClusterCounts {
    pub points: u64,
    /// Points that are not finite and were left out.
    pub undefined: u64,
    /// Points of no cluster.
    pub noise: u64,
    /// Points that were dropped because they are too far from the rest of their cluster.
    pub outliers: u64,
    /// Clusters that were joined to another.
    pub joined: u64,
    /// Clusters without a direction.
    pub undirected: u64,
    /// Clusters without a direction because two of their points have the same z.
    pub repeated_z: u64,
    /// Clouds of too few points for any cluster.
    pub small: u64,
    /// Clouds without a cluster because too many points are in one place with another, so that
    /// there is no length for triplets.
    pub coincident: u64,
    /// Clouds without a cluster because they have too many triplets.
    pub oversized: u64,
    pub clusters: u64,
}

impl ClusterCounts {
    /// Adds the counts of another cloud.
    pub fn add(&mut self, other: &ClusterCounts) {
        self.points += other.points;
        self.undefined += other.undefined;
        self.noise += other.noise;
        self.outliers += other.outliers;
        self.joined += other.joined;
        self.undirected += other.undirected;
        self.repeated_z += other.repeated_z;
        self.small += other.small;
        self.coincident += other.coincident;
        self.oversized += other.oversized;
        self.clusters += other.clusters;
    }
}

/// A cloud in which z decreases somewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("z decreases at point `{at}`")]
pub struct Unsorted {
    pub at: usize,
}

/// The finite points of a cloud, sorted by z.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SortedCloud {
    positions: Vec<[f64; 3]>,
    points: Vec<ClusterPoint>,
}

impl SortedCloud {
    /// Takes the finite points of a cloud.
    ///
    /// # Errors
    /// A cloud in which z decreases.
    pub fn new(cloud: &[Point]) -> Result<SortedCloud, Unsorted> {
        let kept = |point: &Point| KEPT_COLUMNS.map(|column| point[column]);
        let finite = |point: &ClusterPoint| point.iter().all(|value| value.abs() < LARGEST);
        let points: Vec<ClusterPoint> = cloud.iter().map(kept).filter(finite).collect();
        let positions: Vec<[f64; 3]> = points.iter().map(|[x, y, z, ..]| [*x, *y, *z]).collect();
        match positions.windows(2).position(|pair| pair[1][2] < pair[0][2]) {
            Some(at) => Err(Unsorted { at: at + 1 }),
            None => Ok(SortedCloud { positions, points }),
        }
    }

    /// Number of points.
    pub fn len(&self) -> usize {
        self.points.len()
    }

    /// True when there is no point.
    pub fn is_empty(&self) -> bool {
        self.points.is_empty()
    }

    fn positions_of(&self, members: &[u32]) -> Vec<[f64; 3]> {
        members.iter().map(|place| self.positions[*place as usize]).collect()
    }
}

/// Points of a cloud that belong together, while clusters are being made.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    pub label: i64,
    pub direction: Direction,
    /// Places in the cloud, in order of z.
    pub members: Vec<u32>,
    /// True when outliers were looked for and none found, so that none will be found again.
    pub clean: bool,
}

/// Finds the clusters of clouds.
#[derive(Clone, Debug)]
pub struct ClusterKernel {
    params: Params,
}

impl ClusterKernel {
    /// A kernel for these parameters.
    pub fn new(params: Params) -> ClusterKernel {
        ClusterKernel { params }
    }

    /// The clusters of a cloud in the order in which they are written.
    ///
    /// # Errors
    /// A cloud in which z decreases.
    pub fn cluster(&self, points: &[Point]) -> Result<Clusters, Unsorted> {
        let cloud = SortedCloud::new(points)?;
        let mut counts = ClusterCounts {
            points: points.len() as u64,
            undefined: (points.len() - cloud.len()) as u64,
            small: u64::from(self.is_small(&cloud)),
            ..ClusterCounts::default()
        };
        let mut groups = self.find_groups(&cloud).unwrap_or_else(|refused| {
            match refused {
                Refused::Coincident => counts.coincident = 1,
                Refused::Oversized => counts.oversized = 1,
            }
            Vec::new()
        });
        counts.noise = cloud.len() as u64 - members(&groups);
        self.clean(&cloud, &mut groups);
        counts.repeated_z = self.direct(&cloud, &mut groups);
        let before = groups.len();
        let mut groups = self.join(&cloud, groups);
        counts.joined = (before - groups.len()) as u64;
        self.clean(&cloud, &mut groups);
        counts.outliers = cloud.len() as u64 - counts.noise - members(&groups);
        counts.clusters = groups.len() as u64;
        let undirected = groups.iter().filter(|group| group.direction == Direction::None);
        counts.undirected = undirected.count() as u64;
        let finish = |group: &Group| Cluster {
            label: group.label,
            direction: group.direction,
            points: group.members.iter().map(|place| cloud.points[*place as usize]).collect(),
        };
        Ok(Clusters { clusters: groups.iter().map(finish).collect(), counts })
    }

    /// True when a cloud has too few points for any cluster.
    fn is_small(&self, cloud: &SortedCloud) -> bool {
        let least = match &self.params.method {
            Method::Hdbscan(params) => params.min_points,
            Method::Tripclust(_) => 0,
        };
        cloud.len() < self.params.min_cloud_size.max(least)
    }

    /// What the clustering finds, by ascending label. A single point is no cluster, and a cloud that
    /// cannot be clustered has none.
    pub fn groups(&self, cloud: &SortedCloud) -> Vec<Group> {
        self.find_groups(cloud).unwrap_or_default()
    }

    fn find_groups(&self, cloud: &SortedCloud) -> Result<Vec<Group>, Refused> {
        if self.is_small(cloud) {
            return Ok(Vec::new());
        }
        let labels = match &self.params.method {
            Method::Hdbscan(params) => hdbscan::labels(&cloud.positions, params),
            Method::Tripclust(params) => {
                tripclust::labels(&cloud.positions, params, self.params.compat)?
            }
        };
        let count = labels.iter().max().map_or(0, |last| (last + 1) as usize);
        let mut members = vec![Vec::new(); count];
        for (place, label) in labels.into_iter().enumerate() {
            if let Ok(label) = usize::try_from(label) {
                members[label].push(place as u32);
            }
        }
        let group = |(label, members)| {
            let direction = Direction::None;
            Group { label: label as i64, direction, members, clean: false }
        };
        let groups = members.into_iter().enumerate().map(group);
        Ok(groups.filter(|group| group.members.len() > 1).collect())
    }

    /// Drops the outliers of every group.
    pub fn clean(&self, cloud: &SortedCloud, groups: &mut [Group]) {
        for group in groups.iter_mut().filter(|group| !group.clean) {
            let positions = cloud.positions_of(&group.members);
            let outliers = lof::outliers(&positions, self.params.outlier_scale_factor);
            let before = group.members.len();
            let mut outliers = outliers.into_iter();
            group.members.retain(|_| !outliers.next().expect("every member was judged"));
            group.clean = group.members.len() == before;
        }
    }

    /// Gives every group its direction, and tells how many have none because z repeats.
    pub fn direct(&self, cloud: &SortedCloud, groups: &mut [Group]) -> u64 {
        let Params { compat, direction_threshold: threshold, .. } = self.params;
        // The peer asks for directions only in order to join.
        if self.params.join.is_none() && compat == Compat::Spyral11 {
            return 0;
        }
        let judge = Judge { threshold, compat };
        let mut repeated = 0;
        for group in groups {
            let mut track = Track::default();
            for [x, y, z] in cloud.positions_of(&group.members) {
                track.x.push(x);
                track.y.push(y);
                track.z.push(z);
            }
            let direction = judge.direction(&track);
            repeated += u64::from(direction.is_none());
            group.direction = direction.unwrap_or_default();
        }
        repeated
    }

    /// Joins groups, if a rule for that is given.
    pub fn join(&self, cloud: &SortedCloud, groups: Vec<Group>) -> Vec<Group> {
        match self.params.join {
            Some(rule) => joins::join(&cloud.positions, groups, rule),
            None => groups,
        }
    }
}

fn members(groups: &[Group]) -> u64 {
    groups.iter().map(|group| group.members.len() as u64).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::attpc::cluster::params::{HdbscanParams, Join};
    use crate::kernels::attpc::cluster::sample;

    fn hdbscan() -> HdbscanParams {
        HdbscanParams {
            min_points: 3,
            min_size_scale_factor: 0.05,
            min_size_lower_cutoff: 10,
            cluster_selection_epsilon: 10.0,
        }
    }

    fn params() -> Params {
        Params {
            min_cloud_size: 50,
            method: Method::Hdbscan(hdbscan()),
            join: Some(Join::Continuity { radius_fraction: 0.4, z_fraction: 0.2 }),
            direction_threshold: 0.5,
            outlier_scale_factor: 0.05,
            compat: Compat::Exact,
        }
    }

    fn cloud(positions: &[[f64; 3]]) -> Vec<Point> {
        let point = |[x, y, z]: &[f64; 3]| [*x, *y, *z, 100.0, 900.0, 7.0, 250.0, 0.5];
        positions.iter().map(point).collect()
    }

    fn clusters(cloud: &[Point]) -> Clusters {
        ClusterKernel::new(params()).cluster(cloud).unwrap()
    }

    #[test]
    fn two_tracks_are_two_clusters_with_their_directions() {
        let found = clusters(&cloud(&sample::tracks(1, 300)));
        assert_eq!(found.clusters.len(), 2, "{:?}", found.counts);
        let mut directions: Vec<i64> =
            found.clusters.iter().map(|cluster| cluster.direction.code()).collect();
        directions.sort_unstable();
        assert_eq!(directions, [0, 1]);
        for cluster in &found.clusters {
            assert!(cluster.points.len() > 120 && cluster.points.is_sorted_by(|a, b| a[2] <= b[2]));
            assert_eq!(cluster.points[0][3..], [900.0, 0.5]);
        }
        let ClusterCounts { points, noise, outliers, .. } = found.counts;
        let kept: usize = found.clusters.iter().map(|cluster| cluster.points.len()).sum();
        assert_eq!(points, noise + outliers + kept as u64);
    }

    #[test]
    fn a_cloud_without_points_or_with_few_has_no_cluster() {
        for count in [0, 1, 2, 49] {
            let found = clusters(&cloud(&sample::tracks(1, 300)[..count]));
            assert_eq!((found.clusters.len(), found.counts.small), (0, 1), "{count}");
        }
        // More neighbours than points are asked for.
        let method = Method::Hdbscan(HdbscanParams { min_points: 400, ..hdbscan() });
        let params = Params { method, ..params() };
        let found = ClusterKernel::new(params).cluster(&cloud(&sample::tracks(1, 300))).unwrap();
        assert_eq!((found.clusters.len(), found.counts.small), (0, 1));
    }

    #[test]
    fn a_cloud_that_is_not_sorted_is_refused() {
        let mut positions = sample::tracks(1, 100);
        positions.swap(40, 60);
        let error = ClusterKernel::new(params()).cluster(&cloud(&positions)).unwrap_err();
        assert_eq!(error.to_string(), "z decreases at point `41`");
    }

    #[test]
    fn points_that_are_no_numbers_are_left_out_and_counted() {
        let clean = cloud(&sample::tracks(1, 300));
        let mut spoilt = clean.clone();
        for (at, column, value) in [(0, 0, f64::NAN), (70, 2, f64::NAN), (300, 4, f64::INFINITY)] {
            let mut point = clean[at.min(299)];
            point[column] = value;
            spoilt.insert(at, point);
        }
        let found = clusters(&spoilt);
        assert_eq!((found.counts.points, found.counts.undefined), (303, 3));
        assert_eq!(found.clusters, clusters(&clean).clusters);
    }

    #[test]
    fn equal_points_make_no_trouble() {
        let found = clusters(&cloud(&[[10.0, 20.0, 30.0]; 200]));
        assert_eq!(found.counts.points, 200);
        for cluster in &found.clusters {
            assert_eq!(cluster.direction, Direction::None);
        }
    }

    #[test]
    fn one_track_alone_is_no_cluster_because_the_root_is_none() {
        let line: Vec<[f64; 3]> =
            (0..100).map(|at| [30.0 + 2.0 * f64::from(at), 10.0, 5.0 * f64::from(at)]).collect();
        let found = clusters(&cloud(&line));
        assert_eq!((found.clusters.len(), found.counts.noise), (0, 100));
    }

    #[test]
    fn a_cloud_of_many_points_takes_memory_in_proportion() {
        let found = clusters(&cloud(&sample::tracks(9, 20_000)));
        assert!(found.clusters.len() >= 2, "{:?}", found.counts);
    }

    #[test]
    fn without_a_join_directions_are_told_in_exact_mode_only() {
        let cloud = cloud(&sample::tracks(1, 300));
        for (compat, undirected) in [(Compat::Exact, 0), (Compat::Spyral11, 2)] {
            let params = Params { join: None, compat, ..params() };
            let found = ClusterKernel::new(params).cluster(&cloud).unwrap();
            assert_eq!(found.counts.undirected, undirected);
        }
    }
}
