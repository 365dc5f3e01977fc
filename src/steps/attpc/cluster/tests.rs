//! The step against what Spyral 1.1.2 made of the same clouds, and against itself.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::json;
use tempfile::TempDir;

use crate::data::cloud_reader::{CloudFile, StoredCloud};
use crate::data::cloud_writer::{CLOUD_COLUMNS, CloudFacts, CloudWriter, IonChamberFacts};
use crate::data::cluster_reader::{ClusterFile, StoredEvent};
use crate::kernels::attpc::cluster::{
    ClusterKernel, Group, HdbscanParams, Join, Link, Method, Params, SortedCloud, TripclustParams,
};
use crate::kernels::attpc::pointcloud::Compat;
use crate::model::step::StepSpec;
use crate::model::value::Value;
use crate::steps::{StepError, StepSummary};

const RUNS: [&str; 3] = ["run_0101", "run_0102", "run_0104"];

fn reference(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/attpc/reference").join(path)
}

fn clouds_of(run: &str) -> PathBuf {
    reference(&format!("Pointcloud/{run}.h5"))
}

/// The parameters with which the reference was made.
fn reference_params() -> serde_json::Value {
    json!({
        "compat": "spyral-1.1",
        "min_cloud_size": 50,
        "hdbscan_parameters": {
            "min_points": 3,
            "min_size_scale_factor": 0.03,
            "min_size_lower_cutoff": 10,
            "cluster_selection_epsilon": 10.0,
        },
        "tripclust_parameters": null,
        "overlap_join": null,
        "continuity_join": { "join_radius_fraction": 0.4, "join_z_fraction": 0.2 },
        "direction_threshold": 0.5,
        "outlier_scale_factor": 0.1,
    })
}

fn reference_kernel() -> ClusterKernel {
    ClusterKernel::new(Params {
        min_cloud_size: 50,
        method: Method::Hdbscan(HdbscanParams {
            min_points: 3,
            min_size_scale_factor: 0.03,
            min_size_lower_cutoff: 10,
            cluster_selection_epsilon: 10.0,
        }),
        join: Some(Join::Continuity { radius_fraction: 0.4, z_fraction: 0.2 }),
        direction_threshold: 0.5,
        outlier_scale_factor: 0.1,
        compat: Compat::Spyral11,
    })
}

/// A step with its output in a directory of its own.
struct Trial {
    dir: TempDir,
    spec: StepSpec,
}

impl Trial {
    fn new(clouds: &[&Path], params: &serde_json::Value) -> Trial {
        let dir = tempfile::tempdir().unwrap();
        let output = dir.path().join("cluster.h5").display().to_string();
        let input = |path: &&Path| ("cloud".to_owned(), path.display().to_string());
        let spec = StepSpec {
            kernel: "attpc.cluster".to_owned(),
            params: Value::from_json(params).unwrap(),
            item: Default::default(),
            inputs: clouds.iter().map(input).collect(),
            outputs: vec![("cluster".to_owned(), output)],
            cores: 1,
            progress: None,
        };
        Trial { dir, spec }
    }

    fn cores(mut self, cores: u32) -> Trial {
        self.spec.cores = cores;
        self
    }

    fn run(&self) -> Result<StepSummary, StepError> {
        crate::steps::run(&self.spec, &|_| ())
    }

    fn output(&self) -> PathBuf {
        self.dir.path().join("cluster.h5")
    }

    fn bytes(&self) -> Vec<u8> {
        self.run().unwrap();
        std::fs::read(self.output()).unwrap()
    }

    fn events(&self) -> Vec<StoredEvent> {
        self.run().unwrap();
        read_events(&self.output())
    }

    fn refusal(&self) -> String {
        self.run().expect_err("the step is refused").to_string()
    }
}

fn read_events(path: &Path) -> Vec<StoredEvent> {
    let file = ClusterFile::open(path).unwrap();
    file.events().iter().map(|event| file.read(*event).unwrap()).collect()
}

fn read_clouds(path: &Path) -> Vec<StoredCloud> {
    let file = CloudFile::open(path).unwrap();
    file.events().iter().map(|event| file.read(*event).unwrap()).collect()
}

/// A file of clouds in a directory.
fn write_clouds(dir: &TempDir, name: &str, clouds: &[StoredCloud], range: [i64; 2]) -> PathBuf {
    let path = dir.path().join(name);
    let writer = CloudWriter::create(&path, range).unwrap();
    for cloud in clouds {
        let ion_chamber = cloud.ion_chamber.map(|pulse| IonChamberFacts {
            amplitude: pulse.amplitude,
            integral: pulse.integral as i64,
            centroid: pulse.centroid as i64,
            multiplicity: pulse.multiplicity as i64,
        });
        let StoredCloud { orig_run, orig_event, .. } = *cloud;
        let facts = CloudFacts { orig_run, orig_event, ion_chamber };
        writer.add(cloud.event as u64, &cloud.rows, &facts).unwrap();
    }
    writer.finish().unwrap();
    path
}

fn made_up(event: i64, rows: Vec<[f64; CLOUD_COLUMNS]>) -> StoredCloud {
    StoredCloud { event, orig_run: 7, orig_event: event, ion_chamber: None, rows }
}

/// Two straight tracks, far apart.
fn two_tracks(count: usize) -> Vec<[f64; CLOUD_COLUMNS]> {
    let point = |at: usize| {
        let (step, side) = ((at / 2) as f64, (at % 2) as f64);
        [2.0 * step, 120.0 * side + step * step / 50.0, 1.5 * at as f64, 80.0, 400.0, 1.0, 2.0, 0.5]
    };
    (0..count).map(point).collect()
}

/// One stage of Spyral: numbers by event, as `tools` of the reference wrote them.
fn stage(run: &str, event: i64, name: &str) -> Vec<i64> {
    let file = hdf5::File::open(reference("cluster_stages.h5")).unwrap();
    let group = format!("{run}/event_{event}");
    let data = file.group(&group).unwrap().dataset(name).unwrap();
    data.as_reader().read_raw::<i64>().unwrap()
}

fn has_stages(run: &str, event: i64) -> bool {
    let file = hdf5::File::open(reference("cluster_stages.h5")).unwrap();
    file.group(run).unwrap().link_exists(&format!("event_{event}"))
}

fn labels(groups: &[Group], points: usize) -> Vec<i64> {
    let mut labels = vec![-1; points];
    for group in groups {
        group.members.iter().for_each(|place| labels[*place as usize] = group.label);
    }
    labels
}

/// The sets of points that share a label, noise left out.
fn partition(labels: &[i64]) -> BTreeSet<Vec<usize>> {
    let members =
        |label: &i64| (0..labels.len()).filter(|at| labels[*at] == *label).collect::<Vec<usize>>();
    labels.iter().filter(|label| **label >= 0).map(members).collect()
}

#[test]
fn stages_agree_with_those_of_spyral() {
    let kernel = reference_kernel();
    let [mut events, mut same_sets, mut same_joins, mut points, mut same_flags] = [0; 5];
    let [mut directions, mut same_directions] = [0; 2];
    for run in RUNS {
        for stored in read_clouds(&clouds_of(run)) {
            if !has_stages(run, stored.event) {
                continue;
            }
            let stage = |name| stage(run, stored.event, name);
            let cloud = SortedCloud::new(&stored.rows).unwrap();
            let mut groups = kernel.groups(&cloud);
            let (found, expected) = (labels(&groups, cloud.len()), stage("hdbscan_label"));
            events += 1;
            same_sets += usize::from(partition(&found) == partition(&expected));
            kernel.clean(&cloud, &mut groups);
            let (found, expected) = (labels(&groups, cloud.len()), stage("after_lof_label"));
            points += found.len();
            let pairs = found.iter().zip(&expected);
            same_flags += pairs.filter(|(a, b)| (**a < 0) == (**b < 0)).count();
            assert_eq!(kernel.direct(&cloud, &mut groups), 0);
            let expected = stage("direction");
            for (group, expected) in groups.iter().zip(expected.as_chunks::<3>().0) {
                directions += 1;
                let found = [group.label, group.direction.code(), group.members.len() as i64];
                same_directions += usize::from(found == *expected);
            }
            let groups = kernel.join(&cloud, groups);
            let (found, expected) = (labels(&groups, cloud.len()), stage("joined_label"));
            same_joins += usize::from(partition(&found) == partition(&expected));
        }
    }
    assert_eq!((events, points), (143, 43_551));
    assert!(same_sets * 100 >= events * 98, "{same_sets} of {events}");
    assert!(same_flags * 1000 >= points * 999, "{same_flags} of {points}");
    assert!(same_joins * 100 >= events * 97, "{same_joins} of {events}");
    // The two others are tracks along a row of pads, which turn neither way.
    assert!(same_directions + 2 >= directions, "{same_directions} of {directions}");
    assert_eq!(directions, 303);
}

#[test]
fn final_clusters_are_those_of_spyral() {
    let [mut events, mut same] = [0; 2];
    for run in RUNS {
        let trial = Trial::new(&[&clouds_of(run)], &reference_params());
        let expected = read_events(&reference(&format!("Cluster/{run}.h5")));
        let found = trial.events();
        let path = reference(&format!("Cluster/{run}.h5"));
        let range = |path: &Path| ClusterFile::open(path).unwrap().range();
        assert_eq!(range(&trial.output()), range(&path));
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(&expected) {
            let facts = |event: &StoredEvent| {
                (event.event, event.orig_run, event.orig_event, event.ion_chamber)
            };
            assert_eq!(facts(found), facts(expected));
            let rows = |event: &StoredEvent| {
                event.clusters.iter().map(|c| (c.label, c.rows.clone())).collect::<Vec<_>>()
            };
            events += 1;
            same += usize::from(rows(found) == rows(expected));
        }
    }
    assert_eq!(events, 150);
    assert!(same * 100 >= events * 97, "{same} of {events}");
}

#[test]
fn attributes_have_the_types_that_spyral_gives_them() {
    let trial = Trial::new(&[&clouds_of("run_0104")], &reference_params());
    trial.run().unwrap();
    let files = [trial.output(), reference("Cluster/run_0104.h5")];
    let [found, expected] = files.map(|path| hdf5::File::open(path).unwrap());
    for event in expected.group("cluster").unwrap().member_names().unwrap() {
        let name = format!("cluster/{event}");
        let [found, expected] = [&found, &expected].map(|file| file.group(&name).unwrap());
        let [mut names, mut wanted] = [&found, &expected].map(|group| group.attr_names().unwrap());
        names.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(names, wanted);
        for name in names {
            let kind = |group: &hdf5::Group| {
                group.attr(&name).unwrap().dtype().unwrap().to_descriptor().unwrap()
            };
            assert_eq!(kind(&found), kind(&expected), "{event} {name}");
        }
    }
}

#[test]
fn bytes_are_the_same_for_any_threads_and_any_chunks() {
    let path = clouds_of("run_0104");
    let whole = Trial::new(&[&path], &reference_params()).bytes();
    assert_eq!(Trial::new(&[&path], &reference_params()).cores(3).bytes(), whole);
    let dir = tempfile::tempdir().unwrap();
    let clouds = read_clouds(&path);
    let (first, last) = CloudFile::open(&path).unwrap().range().unwrap();
    let (low, high) = clouds.split_at(7);
    let middle = low.last().unwrap().event;
    let parts = [
        write_clouds(&dir, "b.h5", high, [middle + 1, last]),
        write_clouds(&dir, "a.h5", low, [first, middle]),
        write_clouds(&dir, "c.h5", &[], [middle, middle]),
    ];
    let parts: Vec<&Path> = parts.iter().map(PathBuf::as_path).collect();
    assert_eq!(Trial::new(&parts, &reference_params()).bytes(), whole);
    // Events that take turns between two files.
    let (even, odd): (Vec<_>, Vec<_>) = clouds.into_iter().partition(|c| c.event % 2 == 0);
    let parts = [
        write_clouds(&dir, "even.h5", &even, [first, last]),
        write_clouds(&dir, "odd.h5", &odd, [first, last]),
    ];
    let parts: Vec<&Path> = parts.iter().map(PathBuf::as_path).collect();
    assert_eq!(Trial::new(&parts, &reference_params()).cores(2).bytes(), whole);
}

#[test]
fn an_event_in_two_inputs_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let clouds: Vec<StoredCloud> = (3..6).map(|event| made_up(event, two_tracks(60))).collect();
    let [a, b] = [("a.h5", &clouds[..2]), ("b.h5", &clouds[1..])]
        .map(|(name, part)| write_clouds(&dir, name, part, [3, 5]));
    let message = Trial::new(&[&a, &b], &json!({})).refusal();
    let expected = format!("event `4` is in two inputs, `{}` and `{}`", a.display(), b.display());
    assert_eq!(message, expected);
}

#[test]
fn what_was_left_out_is_counted_and_told() {
    let dir = tempfile::tempdir().unwrap();
    let mut unsorted = two_tracks(100);
    unsorted.swap(30, 31);
    let mut spoilt = two_tracks(100);
    spoilt[5][0] = f64::NAN;
    spoilt[50][4] = f64::INFINITY;
    let mut repeated = two_tracks(100);
    repeated[20][2] = repeated[22][2];
    repeated[21][2] = repeated[22][2];
    let clouds = [
        made_up(1, Vec::new()),
        made_up(2, unsorted),
        made_up(3, spoilt),
        made_up(4, two_tracks(20)),
        made_up(5, repeated),
    ];
    let path = write_clouds(&dir, "cloud.h5", &clouds, [0, 9]);
    let trial = Trial::new(&[&path], &json!({ "min_cloud_size": 50 }));
    let summary = trial.run().unwrap();
    assert_eq!(
        summary.warnings,
        [
            "1 cloud skipped because z decreases, the first is that of event `2` at point `31`",
            "2 points left out because they are not finite, first in event `3`",
            "2 clouds of too few points, so without a cluster",
            "1 cluster without a direction because z repeats in them, first in event `5`",
        ]
    );
    let found: Vec<(i64, usize)> = read_events(&trial.output())
        .iter()
        .map(|event| (event.event, event.clusters.len()))
        .collect();
    assert_eq!(found, [(1, 0), (3, 2), (4, 0), (5, 2)]);
}

#[test]
fn progress_counts_what_matters() {
    let trial = Trial::new(&[&clouds_of("run_0104")], &reference_params());
    let last = std::cell::RefCell::new(None);
    crate::steps::run(&trial.spec, &|progress| *last.borrow_mut() = Some(progress)).unwrap();
    let last = last.into_inner().unwrap();
    assert_eq!((last.done, last.total, last.unit.as_str()), (20, 20, "events"));
    let names: Vec<&str> = last.counts.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "clusters",
            "joined",
            "noise points",
            "outlier points",
            "points",
            "skipped clouds",
            "small clouds"
        ]
    );
    let clusters: usize =
        read_events(&trial.output()).iter().map(|event| event.clusters.len()).sum();
    assert_eq!(last.counts["clusters"], clusters as f64);
}

#[test]
fn no_event_gives_a_file_without_events_and_a_warning() {
    let dir = tempfile::tempdir().unwrap();
    let path = write_clouds(&dir, "cloud.h5", &[], [0, 9]);
    let trial = Trial::new(&[&path], &json!({}));
    assert_eq!(trial.run().unwrap().warnings, ["there is no point cloud in the input"]);
    let file = ClusterFile::open(&trial.output()).unwrap();
    assert_eq!((file.range(), file.events()), ((0, 9), [].as_slice()));
}

#[test]
fn joins_are_off_unless_given_and_the_first_of_both_wins() {
    let path = clouds_of("run_0104");
    let clusters = |params: serde_json::Value| {
        let trial = Trial::new(&[&path], &params);
        let warnings = trial.run().unwrap().warnings;
        let events = read_events(&trial.output());
        let count = events.iter().map(|event| event.clusters.len()).sum::<usize>();
        (count, warnings.into_iter().filter(|words| words.contains("join")).collect::<Vec<_>>())
    };
    let with = |name: &str, group: serde_json::Value| {
        let mut params = reference_params();
        params["compat"] = json!("exact");
        params["continuity_join"] = json!(null);
        params[name] = group;
        params
    };
    let (apart, warnings) = clusters(with("continuity_join", json!(null)));
    assert!(warnings.is_empty());
    assert_eq!(clusters(with("continuity_join", json!({}))).0, apart);
    let (joined, _) = clusters(with("continuity_join", json!({ "join_radius_fraction": 0.4 })));
    assert!(joined < apart, "{joined} {apart}");
    let (overlapped, _) = clusters(with("overlap_join", json!({ "circle_overlap_ratio": 0.25 })));
    assert!(overlapped < apart, "{overlapped} {apart}");
    let mut both = reference_params();
    both["overlap_join"] = json!({ "circle_overlap_ratio": 0.25 });
    let (count, warnings) = clusters(both);
    assert_eq!(count, joined);
    let expected = "`continuity_join` and `overlap_join` are both given, the first is used";
    assert_eq!(warnings, [expected]);
    let mut neither = reference_params();
    neither["continuity_join"] = json!(null);
    let (_, warnings) = clusters(neither);
    assert_eq!(warnings.len(), 1);
    assert!(warnings[0].starts_with("no join is configured, so no cluster gets a direction"));
}

#[test]
fn of_two_clusterings_that_of_the_density_is_used() {
    let path = clouds_of("run_0104");
    let mut params = reference_params();
    let alone = Trial::new(&[&path], &params).events();
    params["tripclust_parameters"] = json!({ "r": 6.0, "k": 12 });
    let both = Trial::new(&[&path], &params);
    let warnings = both.run().unwrap().warnings;
    assert_eq!(warnings[0], "both clusterings are given, `hdbscan_parameters` are used");
    assert_eq!(both.events(), alone);
    params["hdbscan_parameters"] = json!(null);
    assert_ne!(Trial::new(&[&path], &params).events(), alone);
}

/// Spyral's documented parameters of its other clustering, which it is given alone.
fn tripclust_params() -> serde_json::Value {
    let mut params = reference_params();
    params["hdbscan_parameters"] = json!(null);
    params["tripclust_parameters"] = json!({
        "r": 6, "rdnn": true, "k": 12, "n": 3, "a": 0.03, "s": 0.3, "sdnn": true, "t": 0.0,
        "tauto": true, "dmax": 0.0, "dmax_dnn": false, "ordered": true, "link": 0, "m": 50,
        "postprocess": false, "min_depth": 25,
    });
    params
}

fn tripclust_kernel(compat: Compat) -> ClusterKernel {
    let params = TripclustParams {
        r: 6.0,
        rdnn: true,
        k: 12,
        n: 3,
        a: 0.03,
        s: 0.3,
        sdnn: true,
        t: 0.0,
        tauto: true,
        dmax: 0.0,
        dmax_dnn: false,
        ordered: true,
        link: Link::Single,
        m: 50,
    };
    ClusterKernel::new(Params {
        min_cloud_size: 50,
        method: Method::Tripclust(params),
        join: Some(Join::Continuity { radius_fraction: 0.4, z_fraction: 0.2 }),
        direction_threshold: 0.5,
        outlier_scale_factor: 0.1,
        compat,
    })
}

/// Labels that the peer's module gave the clouds of a run, by event.
fn tripclust_labels(run: &str) -> Vec<(i64, Vec<i64>)> {
    let group = hdf5::File::open(reference("tripclust.h5")).unwrap().group(run).unwrap();
    let read = |name| group.dataset(name).unwrap().as_reader().read_raw::<i64>().unwrap();
    let (events, points, labels) = (read("event"), read("points"), read("label"));
    let mut labels = labels.into_iter();
    let mut cloud = |points: i64| labels.by_ref().take(points as usize).collect::<Vec<_>>();
    events.into_iter().zip(points.into_iter().map(&mut cloud)).collect()
}

/// How many of the clusters that the peer finds come out with more than 95 % of points in common.
fn alike(found: &[i64], expected: &[i64]) -> [f64; 2] {
    let found = partition(found);
    let mut tally = [0.0; 2];
    for expected in partition(expected) {
        let likeness = |found: &Vec<usize>| {
            let both = found.iter().filter(|at| expected.binary_search(at).is_ok()).count();
            both as f64 / (found.len() + expected.len() - both) as f64
        };
        count(&mut tally, found.iter().map(likeness).any(|likeness| likeness > 0.95));
    }
    tally
}

#[test]
fn triplet_clusters_agree_with_those_of_the_peers_module() {
    let kernel = tripclust_kernel(Compat::Spyral11);
    let [mut numbers, mut sets, mut clusters] = [[0.0; 2]; 3];
    for run in RUNS {
        let expected = tripclust_labels(run);
        let clouds: Vec<StoredCloud> = read_clouds(&clouds_of(run));
        for (event, expected) in expected {
            let stored = clouds.iter().find(|cloud| cloud.event == event).unwrap();
            let cloud = SortedCloud::new(&stored.rows).unwrap();
            let found = labels(&kernel.groups(&cloud), cloud.len());
            count(&mut numbers, partition(&found).len() == partition(&expected).len());
            count(&mut sets, found == expected);
            let [right, wrong] = alike(&found, &expected);
            clusters = [clusters[0] + right, clusters[1] + wrong];
        }
    }
    println!("numbers {numbers:?} labels {sets:?} clusters {clusters:?}");
    assert!(numbers[0] + numbers[1] > 140.0);
    for ([right, wrong], misses) in [(numbers, 0.02), (sets, 0.2), (clusters, 0.03)] {
        assert!(wrong <= misses * (right + wrong), "{right} {wrong}");
    }
}

#[test]
fn triplet_clusters_are_the_same_for_any_number_of_threads() {
    let path = clouds_of("run_0104");
    let trial = |cores| Trial::new(&[&path], &tripclust_params()).cores(cores);
    assert_eq!(trial(1).bytes(), trial(3).bytes());
    let mut exact = tripclust_params();
    exact["compat"] = json!("exact");
    let clusters = |params| -> usize {
        Trial::new(&[&path], params).events().iter().map(|event| event.clusters.len()).sum()
    };
    assert!(clusters(&exact) > 0 && clusters(&tripclust_params()) > 0);
}

#[test]
fn what_triplet_clustering_cannot_do_is_told() {
    let path = clouds_of("run_0104");
    let with = |name: &str, value: serde_json::Value| {
        let mut params = tripclust_params();
        params["tripclust_parameters"][name] = value;
        Trial::new(&[&path], &params)
    };
    assert_eq!(
        with("postprocess", json!(true)).refusal(),
        "`tripclust_parameters.postprocess` is `true`, which is not to be had, set it to `false`"
    );
    assert_eq!(
        with("s", json!(0.0)).refusal(),
        "`tripclust_parameters.s` is `0`, must be above it because distances are divided by it"
    );
    assert_eq!(
        with("link", json!(3)).refusal(),
        "`tripclust_parameters.link` is `3`, must be between 0 and 2"
    );
    for (name, value) in [("link", json!(1)), ("dmax", json!(30.0))] {
        let warnings = with(name, value).run().unwrap().warnings;
        let expected = format!("`tripclust_parameters.{name}` has no effect in this mode");
        assert_eq!(warnings[0], expected);
    }
}

#[test]
fn clouds_without_a_length_of_their_own_are_counted_and_told() {
    let dir = tempfile::tempdir().unwrap();
    let rows = vec![[1.0, 2.0, 3.0, 80.0, 400.0, 0.0, 0.0, 0.5]; 60];
    let pile = StoredCloud { event: 3, orig_run: 1, orig_event: 3, ion_chamber: None, rows };
    let path = write_clouds(&dir, "cloud.h5", &[pile], [3, 3]);
    let trial = Trial::new(&[&path], &tripclust_params());
    let warnings = trial.run().unwrap().warnings;
    assert_eq!(
        warnings,
        [
            "1 cloud without a cluster because too many of their points are in the place of another, \
          the first is that of event `3`; give `r` and `s` in mm to cluster them"
        ]
    );
    assert!(trial.events()[0].clusters.is_empty());
}

#[test]
fn parameters_out_of_range_are_refused() {
    let path = clouds_of("run_0104");
    let refusal = |params: serde_json::Value| Trial::new(&[&path], &params).refusal();
    assert_eq!(
        refusal(json!({ "hdbscan_parameters": { "min_points": 0 } })),
        "`hdbscan_parameters.min_points` is `0`, must be between 1 and 4294967295"
    );
    assert_eq!(
        refusal(json!({ "direction_threshold": 1.5 })),
        "`direction_threshold` is `1.5`, must be between 0 and 1"
    );
    assert_eq!(
        refusal(json!({ "continuity_join": { "join_radius": 0.4 } })),
        "`attpc.cluster` has no parameter `continuity_join.join_radius`"
    );
}

#[test]
fn a_file_that_is_no_cloud_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let absent = dir.path().join("absent.h5");
    let message = Trial::new(&[&absent], &json!({})).refusal();
    assert_eq!(message, format!("cannot open `{}`", absent.display()));
    let other = reference("Cluster/run_0104.h5");
    let message = Trial::new(&[&other], &json!({})).refusal();
    let expected =
        format!("missing `cloud`, expected a group of point clouds: `{}`", other.display());
    assert_eq!(message, expected);
}

/// Largest part of events, clusters or directions that may differ end to end, where only the smear
/// of times is another (specification of the comparison).
const END_TO_END_MISSES: f64 = 0.05;

#[test]
fn clusters_of_our_own_clouds_are_those_of_spyral() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = dir.path().join("cloud.h5");
    make_clouds(&cloud);
    let found = Trial::new(&[&cloud], &reference_params()).events();
    let expected = read_events(&reference("Cluster/run_0104.h5"));
    assert_eq!(found.len(), expected.len());
    let [mut events, mut clusters, mut directions] = [[0.0, 0.0]; 3];
    for (found, expected) in found.iter().zip(&expected) {
        count(&mut events, found.clusters.len() == expected.clusters.len());
        for expected in expected.clusters.iter().filter(|cluster| cluster.rows.len() >= 30) {
            let likeness = |index: &usize| jaccard(&found.clusters[*index].rows, &expected.rows);
            let best = (0..found.clusters.len())
                .max_by(|a, b| likeness(a).total_cmp(&likeness(b)))
                .expect("an event with clusters keeps some");
            count(&mut clusters, likeness(&best) > 0.95);
            count(&mut directions, found.clusters[best].direction == expected.direction);
        }
    }
    for [right, wrong] in [events, clusters, directions] {
        assert!(wrong <= END_TO_END_MISSES * (right + wrong), "{right} {wrong}");
    }
    assert!(clusters[0] > 10.0);
}

fn count(tally: &mut [f64; 2], right: bool) {
    tally[usize::from(!right)] += 1.0;
}

/// Points in common as a part of all. A point is known by all that the smear does not change.
fn jaccard(a: &[[f64; 5]], b: &[[f64; 5]]) -> f64 {
    let known = |rows: &[[f64; 5]]| {
        let key = |[x, y, z, integral, _]: &[f64; 5]| {
            [x.to_bits(), y.to_bits(), integral.to_bits(), (z / 10.0).round() as u64]
        };
        rows.iter().map(key).collect::<BTreeSet<_>>()
    };
    let (a, b) = (known(a), known(b));
    a.intersection(&b).count() as f64 / a.union(&b).count() as f64
}

/// Clouds of the example's run 104, with the parameters of the reference.
fn make_clouds(cloud: &Path) {
    let example = |name: &str| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/01-attpc").join(name);
        path.display().to_string()
    };
    let params = json!({
        "compat": "spyral-1.1",
        "detector": { "micromegas_time_bucket": 27.29, "window_time_bucket": 477.29 },
        "pad": {
            "pad_geometry_path": example("detector/padxy.csv"),
            "pad_time_path": example("detector/pad_time_correction.csv"),
            "pad_scale_path": example("detector/pad_scale.csv"),
            "beam_pads_path": example("detector/beam_pads.csv"),
        },
    });
    let spec = StepSpec {
        kernel: "attpc.pointcloud".to_owned(),
        params: Value::from_json(&params).unwrap(),
        item: Default::default(),
        inputs: vec![("raw".to_owned(), example("raw/run_0104.h5"))],
        outputs: vec![("cloud".to_owned(), cloud.display().to_string())],
        cores: 1,
        progress: None,
    };
    crate::steps::run(&spec, &|_| ()).unwrap();
}
