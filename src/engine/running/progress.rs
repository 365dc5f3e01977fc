//! What native steps say of themselves while they run.

use crate::engine::build::Observer;
use crate::engine::limits;
use crate::engine::prepare::Staging;
use crate::engine::running::Running;
use crate::engine::survey::Scope;
use crate::graph::ActionId;
use crate::model::event::BuildEvent;
use crate::model::step::Progress;
use crate::model::text::{count, shell_quote};

impl Running<'_> {
    /// Passes on what native steps have written about their progress since the last look.
    pub(super) fn report_progress(&mut self, observer: &mut dyn Observer) {
        let mut news = Vec::new();
        for (&action, live) in &mut self.live {
            if !live.has_progress {
                continue;
            }
            let latest = latest_progress(self.scope, &live.staging);
            if latest.is_some() && latest != live.progress {
                live.progress.clone_from(&latest);
                news.extend(latest.map(|progress| (action, progress)));
            }
        }
        for (action, progress) in news {
            let action = self.action_ref(action);
            observer.event(&BuildEvent::ActionProgress { action, progress });
        }
    }
}

impl Running<'_> {
    /// Shows what a step warned of, for the first actions of each rule.
    pub(super) fn warn(
        &mut self,
        action: ActionId,
        warnings: &[String],
        observer: &mut dyn Observer,
    ) {
        if warnings.is_empty() {
            return;
        }
        let graph = &self.scope.loaded.graph;
        let warned = self.warned.entry(graph.rule_index(action)).or_default();
        warned.push(action);
        if warned.len() > limits::WARNED_SHOWN {
            return;
        }
        let label = graph.label(action);
        for warning in warnings {
            let message = format!("{label}: {warning}");
            observer.event(&BuildEvent::Warning { message, span: None });
        }
    }

    /// Counts the actions whose warnings were not shown.
    pub(super) fn count_warned(&self, observer: &mut dyn Observer) {
        let graph = &self.scope.loaded.graph;
        for (&rule, actions) in &self.warned {
            let Some(&next) = actions.get(limits::WARNED_SHOWN) else { continue };
            let more = count(actions.len() - limits::WARNED_SHOWN, "more action");
            let (name, label) = (&graph.rules[rule].name, shell_quote(&graph.label(next)));
            let message = format!("{more} of rule `{name}` warned: `attpc log {label}`");
            observer.event(&BuildEvent::Warning { message, span: None });
        }
    }
}

/// The last whole line of a progress file.
fn latest_progress(scope: &Scope, staging: &Staging) -> Option<Progress> {
    const LINE_BYTES: u64 = 4096;
    let bytes = scope.tree.read_tail(&staging.progress(), LINE_BYTES).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let whole = &text[..=text.rfind('\n')?];
    serde_json::from_str(whole.lines().last()?).ok()
}
