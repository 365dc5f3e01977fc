//! Room card
//! - job: Judges an action from its key, its records and what lies on disk; every verdict has reasons.
//! - takes: a `fingerprint::Subject`, the last record, the digests of the outputs on disk
//! - gives: `Verdict { Fresh | Stale(reasons) }`
//! - imports: model, graph, fingerprint
//! - touches: nothing
//! - never: reads a file or the store; words a reason for people

mod diff;

use crate::fingerprint::Subject;
use crate::graph::ArtifactId;
use crate::model::digest::Digest;
use crate::model::reason::{Reason, Verdict, VerdictKind};
use crate::model::record::{Record, Seen};

/// What is known about an action besides its graph.
pub struct Facts<'a> {
    pub key: Digest,
    /// The newest record of the action's target, whatever its key.
    pub latest: Option<&'a Record>,
    /// A record with exactly this key, where one exists.
    pub same_key: Option<&'a Record>,
    /// Status of the newest failed attempt, when it came after the newest record.
    pub failed: Option<&'a str>,
    /// Content of an output on disk; `None` when nothing is there.
    pub output: &'a dyn Fn(ArtifactId) -> Option<Digest>,
    /// Content of a discovered input on disk; `None` when nothing is there.
    pub discovered: &'a dyn Fn(&Seen) -> Option<Digest>,
    /// True when the user asked for it.
    pub forced: bool,
}

/// Judges one action whose upstream is settled.
pub fn judge(subject: &Subject, facts: &Facts) -> Verdict {
    let reasons = reasons(subject, facts);
    let kind = if reasons.is_empty() { VerdictKind::Fresh } else { VerdictKind::Stale };
    Verdict { kind, reasons }
}

fn reasons(subject: &Subject, facts: &Facts) -> Vec<Reason> {
    if facts.forced {
        return vec![Reason::Forced];
    }
    let mut reasons = Vec::new();
    match (facts.same_key, facts.latest) {
        (Some(record), latest) => {
            reasons.extend(discovered(record, facts));
            let on_disk = outputs(subject, record, facts);
            // Another record of the same outputs is newer: what lies there is its work, and it
            // says what changed since.
            let replaced = latest.filter(|latest| latest.key != facts.key && !on_disk.is_empty());
            match replaced {
                Some(latest) => reasons.extend(changes(subject, latest)),
                None => reasons.extend(on_disk),
            }
        }
        (None, Some(latest)) => reasons.extend(changes(subject, latest)),
        (None, None) if facts.failed.is_none() => reasons.push(Reason::NeverBuilt),
        (None, None) => {}
    }
    if let Some(status) = facts.failed
        && facts.same_key.is_none()
    {
        reasons.push(Reason::PreviousAttemptFailed { status: status.to_owned() });
    }
    reasons
}

/// What differs between an action now and a record, whether or not its inputs are final.
pub fn differences(subject: &Subject, latest: &Record) -> Vec<Reason> {
    diff::reasons(subject, latest)
}

fn changes(subject: &Subject, latest: &Record) -> Vec<Reason> {
    let mut reasons = diff::reasons(subject, latest);
    if reasons.is_empty() {
        // The keys differ although no component does: the encoding itself has changed.
        reasons.push(Reason::CommandChanged {
            old: "an older key format".to_owned(),
            new: crate::fingerprint::KEY_DOMAIN.to_owned(),
        });
    }
    reasons
}

fn discovered(record: &Record, facts: &Facts) -> Vec<Reason> {
    let changed = |seen: &Seen| {
        let now = (facts.discovered)(seen);
        (now != Some(seen.digest)).then(|| Reason::DiscoveredInputChanged {
            name: seen.path.clone(),
            old: seen.digest,
            new: now,
        })
    };
    record.discovered.iter().filter_map(changed).collect()
}

/// Outputs that are not on disk as the record made them. Outputs answer by position, because the
/// key leaves the directories of kernels' outputs out.
fn outputs(subject: &Subject, record: &Record, facts: &Facts) -> Vec<Reason> {
    let declared = subject.graph.outputs(subject.action);
    let mut reasons = Vec::new();
    for ((_, artifact), made) in declared.zip(&record.outputs) {
        let name = subject.graph.path(artifact).to_owned();
        match (facts.output)(artifact) {
            None => reasons.push(Reason::OutputMissing { name }),
            Some(digest) if digest != made.digest => reasons.push(Reason::OutputModified { name }),
            Some(_) => {}
        }
    }
    reasons
}

#[cfg(test)]
mod tests;
