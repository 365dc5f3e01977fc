//! TriplClust: tracks as clusters of triplets of nearly collinear points (C. Dalitz, Y. Ayyad,
//! J. Wilberg, L. Aymans, D. Bazin, W. Mittig, Comp. Phys. Comm. 235 (2019) 159).
//!
//! Points are smoothed, triplets are sought about each of them, triplets are linked by how well
//! they continue each other, and the tree of links is cut. A point of several clusters is then
//! given to one. Where the article leaves a choice, the one of the module that the peer calls is
//! taken, as its answers tell it (`docs/kernels/attpc.cluster.md`).

mod cut;
mod linkage;
mod metric;
mod smooth;
mod spanning;
mod split;
mod triplets;

use crate::kernels::attpc::cluster::params::{Link, TripclustParams};
use crate::kernels::attpc::pointcloud::Compat;
use metric::Tangents;
use triplets::Triplet;

/// Most triplets of a cloud under single linkage, whose time grows with their square: those of over
/// 20 000 points with three triplets each, a few seconds.
pub(super) const MOST_TRIPLETS: usize = 1 << 16;
/// Most triplets of a cloud under the other linkages, which keep all distances: 75 MB of them.
pub(super) const MOST_IN_MATRIX: usize = 6_144;

/// Why a cloud cannot be clustered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// So many points are in the place of another that the cloud has no length of its own.
    Coincident,
    /// More triplets than there are time or memory for.
    Oversized,
}

/// Labels of points: clusters count from 0 in the order of their first triplets, -1 is noise.
pub(super) fn labels(
    points: &[[f64; 3]],
    params: &TripclustParams,
    compat: Compat,
) -> Result<Vec<i64>, Refused> {
    let params = as_used(params, compat);
    // No triplet has fewer points.
    if points.len() < 3 {
        return Ok(vec![-1; points.len()]);
    }
    let lengths = Lengths::new(points, &params)?;
    let smoothed = smooth::smoothed(points, lengths.radius);
    let triplets = triplets::find(&smoothed, &params);
    let most = if params.link == Link::Single { MOST_TRIPLETS } else { MOST_IN_MATRIX };
    if triplets.len() > most {
        return Err(Refused::Oversized);
    }
    let tangents = Tangents::new(&smoothed, &triplets, lengths.scale);
    let mut merges = match params.link {
        Link::Single => spanning::merges(&tangents),
        Link::Complete => linkage::merges(&tangents, linkage::complete),
        Link::Average => linkage::merges(&tangents, linkage::average),
    };
    merges.sort_by(|a, b| a.height.total_cmp(&b.height));
    let kept = cut::merges_kept(&merges, &params);
    let mut clusters = cut::groups(triplets.len(), &merges[..kept], params.m);
    if lengths.gap > 0.0 {
        clusters = split::at_gaps(
            points,
            &triplets,
            &clusters,
            &split::Rule { gap: lengths.gap, fewest: params.m },
        );
    }
    let same = match compat {
        Compat::Exact => smooth::first_in_place(&smoothed),
        Compat::Spyral11 => (0..points.len() as u32).collect(),
    };
    Ok(assign(&same, &triplets, &clusters, compat))
}

/// What of the parameters has an effect: the peer never passes the linkage on, and its module does
/// not look at the gap nor at the order.
fn as_used(params: &TripclustParams, compat: Compat) -> TripclustParams {
    match compat {
        Compat::Exact => *params,
        Compat::Spyral11 => {
            TripclustParams { link: Link::Single, dmax: 0.0, ordered: false, ..*params }
        }
    }
}

/// Lengths in mm, where parameters may give them in units of the cloud's own.
struct Lengths {
    radius: f64,
    scale: f64,
    /// 0 for no splitting at gaps.
    gap: f64,
}

impl Lengths {
    fn new(points: &[[f64; 3]], params: &TripclustParams) -> Result<Lengths, Refused> {
        let relative = params.rdnn || params.sdnn || (params.dmax_dnn && params.dmax > 0.0);
        let unit = if relative { smooth::own_length(points) } else { 1.0 };
        if unit == 0.0 {
            return Err(Refused::Coincident);
        }
        let length = |value: f64, in_units: bool| if in_units { value * unit } else { value };
        Ok(Lengths {
            radius: length(params.r, params.rdnn),
            scale: length(params.s, params.sdnn),
            gap: length(params.dmax, params.dmax_dnn),
        })
    }
}

/// Gives every point to one of the clusters whose triplets it is in: in the peer to the first, else
/// to that with most of its triplets, and to the first of equals. `same` names for each point the
/// one whose fate it shares.
fn assign(same: &[u32], triplets: &[Triplet], clusters: &[Vec<u32>], compat: Compat) -> Vec<i64> {
    let mut labels = vec![-1; same.len()];
    let mut most = vec![0_u32; same.len()];
    let mut votes = vec![0_u32; same.len()];
    for (label, members) in clusters.iter().enumerate() {
        let points = |member: &u32| triplets[*member as usize].points();
        let of_cluster = || members.iter().flat_map(points).map(|point| same[point] as usize);
        for point in of_cluster() {
            votes[point] += 1;
        }
        for point in of_cluster() {
            let better = match compat {
                Compat::Exact => votes[point] > most[point],
                Compat::Spyral11 => most[point] == 0,
            };
            if better {
                most[point] = votes[point];
                labels[point] = label as i64;
            }
        }
        // Only those that were counted are set back, because clusters may be many.
        for point in of_cluster() {
            votes[point] = 0;
        }
    }
    same.iter().map(|point| labels[*point as usize]).collect()
}

#[cfg(test)]
mod tests;
