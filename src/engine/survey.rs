//! The first look at a project: what is fresh, what is stale and why, before anything runs.

use std::collections::BTreeSet;

use crate::engine::error::{EngineError, MissingSource};
use crate::engine::facts::{Facts, HashProgress, Reading, discovered_digest};
use crate::engine::limits;
use crate::engine::load::Loaded;
use crate::engine::project::Project;
use crate::engine::snapshot::Snapshot;
use crate::fingerprint::Subject;
use crate::fsio::clock::FsClock;
use crate::fsio::tree::Tree;
use crate::graph::{ActionId, ArtifactId, Graph};
use crate::model::declare::Command;
use crate::model::digest::Digest;
use crate::model::reason::{Reason, Verdict, VerdictKind};
use crate::model::record::{Record, Seen};
use crate::model::step::KernelInfo;
use crate::model::text::near_misses;
use crate::plan;

/// What the past says: answered by the store during a build, by the journal for readers.
pub trait Records {
    /// The newest record of a target.
    fn latest(&self, target: &str) -> Result<Option<Record>, EngineError>;
    /// The record with a key.
    fn by_key(&self, key: &Digest) -> Result<Option<Record>, EngineError>;
    /// Status of the newest failed attempt when no record is newer.
    fn failure(&self, target: &str) -> Result<Option<String>, EngineError>;
    /// A digest remembered for a path, when the stamp vouches for it.
    fn seen(&self, path: &str) -> Option<Seen>;
}

/// What a survey looks at.
pub struct Scope<'s> {
    pub project: &'s Project,
    pub tree: &'s Tree,
    pub loaded: &'s Loaded,
    pub kernels: &'s [KernelInfo],
    /// What the user asked for.
    pub wanted: &'s [ActionId],
    /// True when the wanted actions are to run in any case.
    pub forced: bool,
    pub progress: HashProgress<'s>,
}

/// A judged action.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    pub verdict: Verdict,
    /// `None` while upstream is not settled.
    pub key: Option<Digest>,
    /// Discovered inputs of the record that makes it fresh.
    pub discovered: Vec<Seen>,
}

/// Verdicts of everything that a set of targets needs.
pub struct Survey {
    /// The wanted actions and all they need, in build order.
    pub needed: Vec<ActionId>,
    /// Verdict by action; `None` for actions that are not needed.
    pub judged: Vec<Option<Judged>>,
    pub facts: Facts,
    /// True when the snapshot could be improved although nothing ran.
    pub(super) learned: bool,
    pub(super) snapshot: Option<Snapshot>,
    pub(super) clock: Option<FsClock>,
    /// True for actions that run in any case.
    forced: Vec<bool>,
    /// Artifacts that this build could not make and that the actions which take what there is do
    /// without.
    absent: BTreeSet<ArtifactId>,
    /// True when an input was read again in the middle of the build, so that digests now known
    /// need not be those that settled actions were judged by.
    reread: bool,
}

impl Survey {
    /// The verdict of a needed action.
    pub fn verdict(&self, action: ActionId) -> Option<&Verdict> {
        self.judged[action.index()].as_ref().map(|judged| &judged.verdict)
    }

    /// The digest of an input that is known by now; `None` when it could not be made and those who
    /// read it do without.
    pub(super) fn input(&self, artifact: ArtifactId) -> Option<Digest> {
        if self.absent.contains(&artifact) {
            return None;
        }
        Some(self.facts.digest(artifact).expect("inputs are known before an action is judged"))
    }

    /// What could not be made.
    pub(super) fn absent(&self) -> &BTreeSet<ArtifactId> {
        &self.absent
    }

    /// Notes that an artifact could not be made.
    pub(super) fn do_without(&mut self, artifact: ArtifactId) {
        self.absent.insert(artifact);
    }

    /// A role of the action's inputs of which none is left; a kernel may do without some roles.
    pub(super) fn lacking_role(&self, scope: &Scope, action: ActionId) -> Option<String> {
        if self.absent.is_empty() {
            return None;
        }
        let graph = &scope.loaded.graph;
        let kernel = kernel_of(scope.kernels, graph, action);
        let optional = |role: &str| {
            kernel.is_some_and(|k| k.inputs.iter().any(|port| port.role == role && !port.required))
        };
        let left = |role: &str| {
            graph.inputs(action).any(|(r, artifact)| r == role && !self.absent.contains(&artifact))
        };
        let all_gone = !graph.inputs(action).any(|(_, a)| !self.absent.contains(&a));
        let lacking =
            graph.inputs(action).find(|(role, _)| !left(role) && (all_gone || !optional(role)));
        lacking.map(|(role, _)| role.to_owned())
    }

    /// How many needed actions have a verdict of this kind.
    pub fn count(&self, kind: VerdictKind) -> usize {
        let has = |&&a: &&ActionId| self.verdict(a).is_some_and(|v| v.kind == kind);
        self.needed.iter().filter(has).count()
    }
}

/// Looks at everything the wanted actions need and judges it.
///
/// `records` is asked for only when something is not vouched for by the last build's snapshot, so
/// that a no-op opens no store.
///
/// # Errors
/// Missing sources, unreadable files, or whatever `records` reports.
pub fn survey<'r>(
    scope: &Scope,
    records: impl FnOnce() -> Result<&'r dyn Records, EngineError>,
) -> Result<Survey, EngineError> {
    let graph = &scope.loaded.graph;
    let needed = graph.closure(scope.wanted);
    let artifacts = artifacts_of(graph, &needed);
    let snapshot = Snapshot::read(scope.project, scope.tree, scope.loaded.identity);
    let clock = FsClock::probe(&scope.project.state).ok();
    let facts = Facts::gather(graph, scope.tree, &artifacts, &snapshot)?;
    let mut forced = vec![false; graph.action_count()];
    if scope.forced {
        scope.wanted.iter().for_each(|action| forced[action.index()] = true);
    }
    let mut survey = Survey {
        forced,
        absent: BTreeSet::new(),
        reread: false,
        judged: vec![None; graph.action_count()],
        learned: false,
        needed,
        facts,
        snapshot,
        clock,
    };
    let unsettled = survey.settle_clean(scope);
    if unsettled.is_empty() {
        return Ok(survey);
    }
    survey.missing_sources(scope, &unsettled)?;
    let records = records()?;
    survey.learn(scope, &unsettled, records)?;
    for &action in &unsettled {
        let judged = survey.judge_or_wait(scope, action, records)?;
        survey.judged[action.index()] = Some(judged);
    }
    Ok(survey)
}

/// All artifacts that the actions read or make, each once, in order of their numbers.
fn artifacts_of(graph: &Graph, actions: &[ActionId]) -> Vec<ArtifactId> {
    let mut needed = vec![false; graph.artifact_count()];
    for &action in actions {
        let touched = graph.inputs(action).chain(graph.outputs(action));
        touched.for_each(|(_, artifact)| needed[artifact.index()] = true);
    }
    graph.artifacts().filter(|artifact| needed[artifact.index()]).collect()
}

impl Survey {
    /// Settles the actions that the snapshot calls clean and that nothing has touched since; gives
    /// back the others, in build order.
    fn settle_clean(&mut self, scope: &Scope) -> Vec<ActionId> {
        let graph = &scope.loaded.graph;
        let Some(snapshot) = &self.snapshot else { return self.needed.clone() };
        let mut suspect = self.forced.clone();
        for (action, seen) in snapshot.discovered() {
            if discovered_digest(scope.tree, seen) != Some(seen.digest) {
                suspect[action.index()] = true;
            }
        }
        let mut discovered: Vec<(ActionId, Seen)> =
            snapshot.discovered().map(|(action, seen)| (action, seen.clone())).collect();
        discovered.sort_by_key(|(action, _)| *action);
        let mut unsettled = Vec::new();
        for &action in &self.needed {
            let vouched = |(_, artifact)| self.facts.digest(artifact).is_some();
            let clean = snapshot.was_clean(action)
                && !suspect[action.index()]
                && graph.upstream(action).all(|up| self.judged[up.index()].is_some())
                && graph.inputs(action).all(vouched)
                && graph.outputs(action).all(vouched);
            if clean {
                let of_action = discovered.partition_point(|(a, _)| *a < action);
                let own = discovered[of_action..].iter().take_while(|(a, _)| *a == action);
                let discovered = own.map(|(_, seen)| seen.clone()).collect();
                let verdict = Verdict { kind: VerdictKind::Fresh, reasons: Vec::new() };
                self.judged[action.index()] = Some(Judged { verdict, key: None, discovered });
            } else {
                unsettled.push(action);
            }
        }
        unsettled
    }

    fn missing_sources(&self, scope: &Scope, actions: &[ActionId]) -> Result<(), EngineError> {
        let graph = &scope.loaded.graph;
        let mut missing: Vec<(ArtifactId, ActionId)> = Vec::new();
        for &action in actions {
            for (_, artifact) in graph.inputs(action) {
                let is_source = graph.producer(artifact).is_none();
                if is_source && self.facts.stamp(artifact).is_missing() {
                    missing.push((artifact, action));
                }
            }
        }
        missing.sort();
        missing.dedup_by_key(|(artifact, _)| *artifact);
        if missing.is_empty() {
            return Ok(());
        }
        let shown = missing.iter().take(limits::MISSING_SHOWN).map(|&(artifact, action)| {
            let path = graph.path(artifact).to_owned();
            MissingSource {
                near: nearest_files(scope.tree, &path),
                needed_by: graph.label(action),
                path,
            }
        });
        Err(EngineError::MissingSources { total: missing.len(), shown: shown.collect() })
    }

    /// Finds the digests that judging will need: from the store's memory, else by reading.
    fn learn(
        &mut self,
        scope: &Scope,
        unsettled: &[ActionId],
        records: &dyn Records,
    ) -> Result<(), EngineError> {
        let graph = &scope.loaded.graph;
        let artifacts = artifacts_of(graph, unsettled);
        for &artifact in &artifacts {
            let stamp = *self.facts.stamp(artifact);
            if self.facts.digest(artifact).is_none()
                && !stamp.is_missing()
                && let Some(seen) = records.seen(graph.path(artifact))
                && seen.stamp.vouches_for(&stamp)
            {
                self.facts.set(artifact, seen.digest, stamp, false);
            }
        }
        self.learned = true;
        let reading = Reading {
            graph,
            tree: scope.tree,
            clock: self.clock.as_ref(),
            progress: scope.progress,
        };
        self.facts.hash(&artifacts, &reading)
    }

    /// Reads small artifacts again whose stamps are too young to vouch for their digests, once
    /// they are old enough.
    pub(super) fn reread_young(&mut self, scope: &Scope) {
        let graph = &scope.loaded.graph;
        let facts = &self.facts;
        let small = |a: &ArtifactId| facts.stamp(*a).size <= limits::REREAD_BYTES;
        let young: Vec<ArtifactId> =
            graph.artifacts().filter(|&a| facts.is_racy(a)).filter(small).collect();
        if young.len() < limits::REREAD_FROM {
            return;
        }
        let Some(clock) = &self.clock else { return };
        std::thread::sleep(limits::STAMP_AGE);
        if clock.refresh().is_ok() {
            let progress = &|_, _, _, _| ();
            let reading = Reading { graph, tree: scope.tree, clock: Some(clock), progress };
            self.facts.confirm(&young, &reading);
        }
    }

    /// Reads those inputs of an action again that have changed since they were read.
    pub(super) fn look_again(
        &mut self,
        scope: &Scope,
        action: ActionId,
    ) -> Result<(), EngineError> {
        let graph = &scope.loaded.graph;
        let inputs: Vec<ArtifactId> = graph.inputs(action).map(|(_, artifact)| artifact).collect();
        self.reread = true;
        for &artifact in &inputs {
            self.facts.restat(graph, scope.tree, artifact)?;
        }
        self.missing_sources(scope, &[action])?;
        let reading = Reading {
            graph,
            tree: scope.tree,
            clock: self.clock.as_ref(),
            progress: scope.progress,
        };
        self.facts.hash(&inputs, &reading)
    }

    /// True when an action that was settled well is so for the digests known now: an input may
    /// have changed and been read again after it ran.
    pub(super) fn still_holds(&self, scope: &Scope, action: ActionId) -> bool {
        if !self.reread {
            return true;
        }
        let graph = &scope.loaded.graph;
        let Some(key) = self.judged[action.index()].as_ref().and_then(|judged| judged.key) else {
            return false;
        };
        let digest_of = |artifact| self.input(artifact);
        let kernel = kernel_of(scope.kernels, graph, action);
        Subject { graph, action, kernel, digest_of: &digest_of }.key() == key
    }

    /// Judges an action when its upstream is fresh; else it is pending.
    fn judge_or_wait(
        &self,
        scope: &Scope,
        action: ActionId,
        records: &dyn Records,
    ) -> Result<Judged, EngineError> {
        let graph = &scope.loaded.graph;
        let is_fresh = |up: &ActionId| {
            self.verdict(*up).is_some_and(|verdict| verdict.kind == VerdictKind::Fresh)
        };
        let waits: Vec<Reason> = graph
            .upstream(action)
            .filter(|up| !is_fresh(up))
            .map(|up| Reason::UpstreamStale {
                name: graph
                    .inputs(action)
                    .find(|(_, artifact)| graph.producer(*artifact) == Some(up))
                    .map_or_else(String::new, |(_, artifact)| graph.path(artifact).to_owned()),
                made_by: graph.label(up),
            })
            .collect();
        if waits.is_empty() {
            return self.judge(scope, action, records);
        }
        let mut reasons = self.certain_reasons(scope, action, records)?;
        reasons.extend(waits);
        let verdict = Verdict { kind: VerdictKind::Pending, reasons };
        Ok(Judged { verdict, key: None, discovered: Vec::new() })
    }

    /// Reasons for a pending action to run whatever its upstream makes.
    fn certain_reasons(
        &self,
        scope: &Scope,
        action: ActionId,
        records: &dyn Records,
    ) -> Result<Vec<Reason>, EngineError> {
        let graph = &scope.loaded.graph;
        let Some(latest) = records.latest(graph.target(action))? else {
            return Ok(vec![Reason::NeverBuilt]);
        };
        // What upstream will make is not known: its old outputs stand in, and say nothing.
        let digest_of = |artifact| Some(self.facts.digest(artifact).unwrap_or(Digest([0; 32])));
        let kernel = kernel_of(scope.kernels, graph, action);
        let subject = Subject { graph, action, kernel, digest_of: &digest_of };
        let mut reasons = plan::differences(&subject, &latest);
        let is_made = |name: &str| {
            let made = |(_, a)| graph.producer(a).is_some() && graph.path(a) == name;
            graph.inputs(action).any(made)
        };
        reasons.retain(|reason| match reason {
            Reason::InputChanged { made_by, .. } => made_by.is_none(),
            // It may fail to be made again.
            Reason::InputAdded { name } => !(graph.rule(action).partial && is_made(name)),
            _ => true,
        });
        for (_, artifact) in graph.outputs(action) {
            if self.facts.stamp(artifact).is_missing() {
                reasons.push(Reason::OutputMissing { name: graph.path(artifact).to_owned() });
            }
        }
        Ok(reasons)
    }

    /// Judges an action whose inputs are all known.
    pub(super) fn judge(
        &self,
        scope: &Scope,
        action: ActionId,
        records: &dyn Records,
    ) -> Result<Judged, EngineError> {
        let graph = &scope.loaded.graph;
        let digest_of = |artifact| self.input(artifact);
        let kernel = kernel_of(scope.kernels, graph, action);
        let subject = Subject { graph, action, kernel, digest_of: &digest_of };
        let key = subject.key();
        let target = graph.target(action);
        let latest = records.latest(target)?;
        let same_key = match &latest {
            Some(latest) if latest.key == key => None,
            _ => records.by_key(&key)?,
        };
        let same_key = same_key.as_ref().or(latest.as_ref().filter(|latest| latest.key == key));
        let failed = records.failure(target)?;
        let facts = plan::Facts {
            key,
            latest: latest.as_ref(),
            same_key,
            failed: failed.as_deref(),
            output: &|artifact| self.facts.digest(artifact),
            discovered: &|seen| discovered_digest(scope.tree, seen),
            forced: self.forced[action.index()],
        };
        let verdict = plan::judge(&subject, &facts);
        let discovered = same_key.map(|record| record.discovered.clone()).unwrap_or_default();
        Ok(Judged { verdict, key: Some(key), discovered })
    }
}

/// The kernel that an action runs.
pub(super) fn kernel_of<'k>(
    kernels: &'k [KernelInfo],
    graph: &Graph,
    action: ActionId,
) -> Option<&'k KernelInfo> {
    match &graph.rule(action).command {
        Command::Kernel(name) => kernels.iter().find(|kernel| kernel.name == name),
        _ => None,
    }
}

/// Names in the same directory that are close to a missing file's.
fn nearest_files(tree: &Tree, path: &str) -> Vec<String> {
    let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
    let names = tree.names(directory).unwrap_or_default();
    let near = near_misses(name, names.iter().map(String::as_str));
    let prefix = if directory.is_empty() { String::new() } else { format!("{directory}/") };
    near.into_iter().map(|name| format!("{prefix}{name}")).collect()
}
