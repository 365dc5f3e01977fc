//! What native steps say of themselves while they run.

use crate::engine::build::Observer;
use crate::engine::prepare::Staging;
use crate::engine::running::Running;
use crate::engine::survey::Scope;
use crate::model::event::BuildEvent;
use crate::model::step::Progress;

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

/// The last whole line of a progress file.
fn latest_progress(scope: &Scope, staging: &Staging) -> Option<Progress> {
    const LINE_BYTES: u64 = 4096;
    let bytes = scope.tree.read_tail(&staging.progress(), LINE_BYTES).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let whole = &text[..=text.rfind('\n')?];
    serde_json::from_str(whole.lines().last()?).ok()
}
