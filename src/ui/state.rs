//! What a view must remember of a build to say how far it is.
//!
//! Pure: events and times go in, counts and running actions come out. Every view holds its own
//! state, so a view can be replayed from a journal as well as fed by a build.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use crate::model::event::{ActionRef, BuildEvent};
use crate::model::reason::{Reason, VerdictKind};
use crate::model::step::Progress;

/// Rates are measured over this much of the past, so that they follow a change within seconds but
/// do not jump with every report.
const RATE_WINDOW: Duration = Duration::from_secs(5);
/// Part of the work that must be done before the pace so far says anything.
const PACE_FROM: f64 = 0.05;
/// Time after which it does: the first actions of a build end in bursts.
const PACE_AFTER_S: f64 = 2.0;

/// Where a build is.
#[derive(Clone, Debug, PartialEq)]
pub enum Phase {
    Starting,
    Waiting { holder: String, seconds: u64 },
    Checking,
    Building,
    Stopping { signal: String },
    Finished,
}

/// An action that runs now.
#[derive(Clone, Debug)]
pub struct Running {
    pub label: String,
    pub executor: String,
    pub reasons: Vec<Reason>,
    pub since: Duration,
    pub expected_s: Option<f64>,
    pub progress: Option<Progress>,
    pace: Pace,
}

/// A verdict that was told before anything runs.
#[derive(Clone, Debug)]
pub struct Planned {
    pub action: ActionRef,
    pub verdict: VerdictKind,
    pub reasons: Vec<Reason>,
}

/// How far reading of input contents is.
#[derive(Clone, Debug, Default)]
pub struct Hashing {
    pub files_done: usize,
    pub files: usize,
    pub bytes_done: u64,
    pub bytes: u64,
    pace: Pace,
}

/// A build as a view knows it.
#[derive(Clone, Debug)]
pub struct BuildState {
    pub phase: Phase,
    pub dry_run: bool,
    /// Fresh before anything ran, and after early cutoff.
    pub fresh: usize,
    /// Actions that were not certain to be fresh when the build was planned.
    pub total: usize,
    /// Of `total`: ran, were cut off, failed for good or were skipped.
    pub done: usize,
    pub executed: usize,
    pub failed: usize,
    pub skipped: usize,
    pub hashing: Hashing,
    /// Verdicts of a dry run that are worth a line; a real build tells them as it goes.
    pub planned: Vec<Planned>,
    running: HashMap<u32, Running>,
    rules_seen: HashSet<String>,
    building_since: Duration,
    planned_seconds: Option<f64>,
}

/// Amounts at times, for a rate.
#[derive(Clone, Debug, Default)]
struct Pace(VecDeque<(Duration, u64)>);

impl Pace {
    fn note(&mut self, now: Duration, amount: u64) {
        self.0.push_back((now, amount));
        while self.0.len() > 2 && self.0[1].0 + RATE_WINDOW < now {
            self.0.pop_front();
        }
    }

    /// Amount per second between the first and the last report of the window.
    fn rate(&self) -> Option<f64> {
        let (&(start, first), &(end, last)) = (self.0.front()?, self.0.back()?);
        let seconds = end.checked_sub(start)?.as_secs_f64();
        (seconds > 0.0 && last > first).then(|| (last - first) as f64 / seconds)
    }
}

impl Running {
    /// Items done per second of late; `None` before the second report.
    pub fn rate(&self) -> Option<f64> {
        self.pace.rate()
    }
}

impl Hashing {
    /// Bytes per second of late.
    pub fn rate(&self) -> Option<f64> {
        self.pace.rate()
    }
}

impl Default for BuildState {
    fn default() -> Self {
        BuildState {
            phase: Phase::Starting,
            dry_run: false,
            fresh: 0,
            total: 0,
            done: 0,
            executed: 0,
            failed: 0,
            skipped: 0,
            hashing: Hashing::default(),
            planned: Vec::new(),
            running: HashMap::new(),
            rules_seen: HashSet::new(),
            building_since: Duration::ZERO,
            planned_seconds: None,
        }
    }
}

impl BuildState {
    /// Takes the next event into account.
    pub fn apply(&mut self, event: &BuildEvent, now: Duration) {
        match event {
            BuildEvent::BuildStarted { dry_run, .. } => self.dry_run = *dry_run,
            BuildEvent::Waiting { holder, seconds } => {
                self.phase = Phase::Waiting { holder: holder.clone(), seconds: *seconds };
            }
            BuildEvent::Evaluated { .. } => self.phase = Phase::Checking,
            BuildEvent::Hashing { files_done, files, bytes_done, bytes } => {
                let mut pace = std::mem::take(&mut self.hashing.pace);
                pace.note(now, *bytes_done);
                let (files_done, files) = (*files_done, *files);
                let (bytes_done, bytes) = (*bytes_done, *bytes);
                self.hashing = Hashing { files_done, files, bytes_done, bytes, pace };
            }
            BuildEvent::Planned { fresh, restorable, stale, pending, seconds_left } => {
                self.fresh = *fresh;
                self.total = restorable + stale + pending;
                self.planned_seconds = *seconds_left;
                self.building_since = now;
                self.phase = Phase::Building;
            }
            BuildEvent::Stopping { signal, .. } => {
                self.phase = Phase::Stopping { signal: signal.clone() };
            }
            BuildEvent::BuildFinished(_) => self.phase = Phase::Finished,
            BuildEvent::Warning { .. } => {}
            _ => self.apply_action(event, now),
        }
    }

    fn apply_action(&mut self, event: &BuildEvent, now: Duration) {
        match event {
            BuildEvent::ActionPlanned { action, verdict, reasons }
                if self.dry_run && *verdict != VerdictKind::Fresh =>
            {
                let (action, reasons) = (action.clone(), reasons.clone());
                self.planned.push(Planned { action, verdict: *verdict, reasons });
            }
            BuildEvent::ActionStarted { action, executor, reasons, expected_s, .. } => {
                let running = Running {
                    label: action.label.clone(),
                    executor: executor.clone(),
                    reasons: reasons.clone(),
                    since: now,
                    expected_s: *expected_s,
                    progress: None,
                    pace: Pace::default(),
                };
                self.running.insert(action.id, running);
                if !self.rules_seen.contains(&action.rule) {
                    self.rules_seen.insert(action.rule.clone());
                }
            }
            BuildEvent::ActionProgress { action, progress } => {
                if let Some(running) = self.running.get_mut(&action.id) {
                    running.pace.note(now, progress.done);
                    running.progress = Some(progress.clone());
                }
            }
            BuildEvent::ActionEnded { action, .. } => {
                self.running.remove(&action.id);
            }
            BuildEvent::ActionFinished { action, .. } => {
                self.running.remove(&action.id);
                (self.executed, self.done) = (self.executed + 1, self.done + 1);
            }
            BuildEvent::ActionCutOff { .. } => {
                (self.fresh, self.done) = (self.fresh + 1, self.done + 1);
            }
            BuildEvent::ActionFailed { action, will_retry, .. } => {
                self.running.remove(&action.id);
                if !will_retry {
                    (self.failed, self.done) = (self.failed + 1, self.done + 1);
                }
            }
            BuildEvent::ActionSkipped { .. } => {
                (self.skipped, self.done) = (self.skipped + 1, self.done + 1);
            }
            _ => {}
        }
    }

    /// True when an action of this rule has started before.
    pub fn has_seen(&self, rule: &str) -> bool {
        self.rules_seen.contains(rule)
    }

    /// An action that runs, by its number.
    pub fn running(&self, id: u32) -> Option<&Running> {
        self.running.get(&id)
    }

    pub fn running_count(&self) -> usize {
        self.running.len()
    }

    /// The `most` actions that have run longest, longest first.
    pub fn longest_running(&self, most: usize) -> Vec<&Running> {
        let mut all: Vec<&Running> = self.running.values().collect();
        all.sort_by(|a, b| a.since.cmp(&b.since).then_with(|| a.label.cmp(&b.label)));
        all.truncate(most);
        all
    }

    /// Seconds until the end: at first what past durations say, later more and more the pace of
    /// this build. `None` while neither says anything.
    pub fn seconds_left(&self, now: Duration) -> Option<f64> {
        if self.total == 0 || self.phase != Phase::Building {
            return None;
        }
        let part = self.done as f64 / self.total as f64;
        let elapsed = now.saturating_sub(self.building_since).as_secs_f64();
        let by_pace =
            (part > PACE_FROM && elapsed >= PACE_AFTER_S).then(|| elapsed * (1.0 - part) / part);
        let by_history = self.planned_seconds.map(|planned| (planned - elapsed).max(0.0));
        match (by_history, by_pace) {
            (Some(history), Some(pace)) => Some(history * (1.0 - part) + pace * part),
            (history, pace) => history.or(pace),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::sample::{self, action, seconds};

    #[test]
    fn every_action_that_was_to_do_ends_up_done() {
        let mut state = BuildState::default();
        let skipped =
            BuildEvent::ActionSkipped { action: action("fit", 4), because: String::new() };
        for event in [
            sample::started_build(false),
            sample::planned(10, 4, None),
            sample::started(action("fit", 1), Vec::new()),
            sample::finished(action("fit", 1), 5),
            BuildEvent::ActionCutOff { action: action("fit", 2) },
            sample::started(action("fit", 3), Vec::new()),
            sample::failed(action("fit", 3), true),
            sample::started(action("fit", 3), Vec::new()),
            sample::failed(action("fit", 3), false),
            skipped,
        ] {
            state.apply(&event, seconds(1.0));
        }
        assert_eq!((state.done, state.total, state.running_count()), (4, 4, 0));
        let counts = (state.executed, state.fresh, state.failed, state.skipped);
        assert_eq!(counts, (1, 11, 1, 1));
    }

    #[test]
    fn the_estimate_goes_from_history_to_pace() {
        let mut state = BuildState::default();
        state.apply(&sample::planned(0, 10, Some(100.0)), seconds(0.0));
        assert_eq!(state.seconds_left(seconds(10.0)), Some(90.0));
        for id in 0..5 {
            state.apply(&sample::finished(action("fit", id), 5), seconds(10.0));
        }
        // Half is done after 10 s: history says 90 s, the pace says 10 s.
        assert_eq!(state.seconds_left(seconds(10.0)), Some(50.0));
        for id in 5..10 {
            state.apply(&sample::finished(action("fit", id), 5), seconds(20.0));
        }
        assert_eq!(state.seconds_left(seconds(20.0)), Some(0.0));
    }

    #[test]
    fn without_history_or_pace_there_is_no_estimate() {
        let mut state = BuildState::default();
        state.apply(&sample::planned(0, 100, None), seconds(0.0));
        state.apply(&sample::finished(action("fit", 0), 5), seconds(1.0));
        assert_eq!(state.seconds_left(seconds(1.0)), None);
    }

    #[test]
    fn rates_follow_the_last_seconds() {
        let mut state = BuildState::default();
        state.apply(&sample::started(action("fit", 1), Vec::new()), seconds(0.0));
        for second in 0..20 {
            let done = if second < 10 { second } else { 10 + (second - 10) * 40 };
            state.apply(&sample::progress(action("fit", 1), done), seconds(second as f64));
        }
        let rate = state.running(1).unwrap().rate().unwrap();
        assert!((rate - 40.0).abs() < 1e-9, "{rate}");
    }
}
