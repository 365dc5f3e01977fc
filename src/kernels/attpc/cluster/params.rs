//! Parameters of the clustering, named as Spyral's configuration names them.

use crate::kernels::attpc::pointcloud::Compat;

/// Everything that the clusters of a cloud depend on, beside its points.
#[derive(Clone, Debug, PartialEq)]
pub struct Params {
    /// Clouds of fewer points get no cluster.
    pub min_cloud_size: usize,
    pub method: Method,
    /// How clusters that are parts of one track are put together, if at all.
    pub join: Option<Join>,
    /// Part of the steps along z that must turn the same way, 0 to 1.
    pub direction_threshold: f64,
    /// Neighbours that outliers are judged by, as a part of the cluster's points.
    pub outlier_scale_factor: f64,
    pub compat: Compat,
}

/// How points are put together in the first place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Method {
    Hdbscan(HdbscanParams),
    Tripclust(TripclustParams),
}

/// Density clustering.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HdbscanParams {
    /// Points, itself included, that a point needs near it.
    pub min_points: usize,
    /// Smallest cluster as a part of the cloud's points.
    pub min_size_scale_factor: f64,
    /// Smallest cluster whatever the cloud.
    pub min_size_lower_cutoff: usize,
    /// Clusters that split at less than this distance in mm stay together; 0 for all splits.
    pub cluster_selection_epsilon: f64,
}

impl HdbscanParams {
    /// Fewest points of a cluster in a cloud of so many.
    pub fn min_cluster_size(&self, points: usize) -> usize {
        let part = (self.min_size_scale_factor * points as f64) as usize;
        part.max(self.min_size_lower_cutoff)
    }
}

/// Clustering of triplets of points.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TripclustParams {
    /// Points are smoothed over this radius, in mm or in units of the cloud's own length.
    pub r: f64,
    /// Whether `r` is in units of the own length, the first quartile of distances to the nearest
    /// point.
    pub rdnn: bool,
    /// Points, itself included, that a point may be the middle of a triplet with.
    pub k: usize,
    /// Most triplets with one middle.
    pub n: usize,
    /// Largest bend of a triplet: one minus the cosine of the angle.
    pub a: f64,
    /// Distance beside each other that counts as much as an angle of 45 degrees; above 0.
    pub s: f64,
    /// Whether `s` is in units of the own length.
    pub sdnn: bool,
    /// Clusters of triplets are merged below this distance, where it is not found by itself.
    pub t: f64,
    /// Whether the distance is where the distances of merges first jump.
    pub tauto: bool,
    /// Longest step within a cluster, in mm or own lengths; 0 for any.
    pub dmax: f64,
    /// Whether `dmax` is in units of the own length.
    pub dmax_dnn: bool,
    /// Whether the middle of a triplet must be between its ends in the order of points.
    pub ordered: bool,
    pub link: Link,
    /// Fewest triplets of a cluster.
    pub m: usize,
}

/// How far clusters of triplets are from each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// As far as their nearest members.
    Single,
    /// As far as their farthest members.
    Complete,
    /// The mean distance of members.
    Average,
}

/// How clusters are joined.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Join {
    /// Where one ends the other begins.
    Continuity {
        /// Largest step in radius, as a part of the mean radius of both circles.
        radius_fraction: f64,
        /// Largest step in z, as a part of the extent of both.
        z_fraction: f64,
    },
    /// Their circles cover each other.
    Overlap {
        /// Smaller clusters are left alone.
        min_size: usize,
        /// Least common area, as a part of the smaller circle's.
        ratio: f64,
    },
}
