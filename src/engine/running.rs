//! The loop of a build that has something to do.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use crate::engine::build::{Done, Interrupt, Message, Observer, now_ms, planned};
use crate::engine::commit::{Finished, Input, Made, Settled};
use crate::engine::error::EngineError;
use crate::engine::limits;
use crate::engine::prepare::{Attempt, Prepared, Staging, Workshop};
use crate::engine::store_records::StoreView;
use crate::engine::survey::{Judged, Records, Scope, Survey, kernel_of};
use crate::execute::local::{Ended, How, Local, Stop};
use crate::fingerprint::Subject;
use crate::fsio::process;
use crate::graph::ActionId;
use crate::model::event::{ActionRef, BuildEvent, BuildSummary, Failure, FailureKind};
use crate::model::reason::{Verdict, VerdictKind};
use crate::model::record::Component;
use crate::model::step::Progress;
use crate::schedule::capacity::{Admitted, Capacity};
use crate::schedule::priorities::{Prerequisites, as_priority, remaining_path};
use crate::schedule::scheduler::{End, Event, Order, Request, Scheduler};
use crate::store::entry::{AttemptFailed, AttemptStarted, Entry};
use crate::store::ledger::Store;

/// Where a needed action is on its way. Every action ends in one of the last four.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Unneeded,
    /// Upstream is not settled.
    Waiting,
    /// Stale; the scheduler has it, or a process runs, or its outputs are being committed.
    Active,
    Fresh,
    Executed,
    Failed,
    Skipped,
}

/// What the loop acts through.
pub(super) struct Hands<'h> {
    pub(super) workshop: &'h Workshop<'h>,
    pub(super) local: &'h Local,
    pub(super) finished: Sender<Finished>,
    pub(super) build: u64,
    pub(super) keep_going: bool,
    pub(super) started: Instant,
}

/// A running attempt, as far as committing it will need.
struct Live {
    attempt: u64,
    staging: Staging,
    inputs: Vec<Input>,
    components: Vec<Component>,
    started_ms: u64,
    progress: Option<Progress>,
    has_progress: bool,
}

/// The state of a build that runs.
pub(super) struct Running<'r> {
    scope: &'r Scope<'r>,
    hands: Hands<'r>,
    survey: Survey,
    records: StoreView<'r>,
    store: &'r Mutex<Store>,
    scheduler: Scheduler,
    cores: u32,
    admitted: HashMap<ActionId, Admitted>,
    priorities: Vec<u64>,
    /// Seconds that the action took last time; zero when it never ran.
    expected: Vec<f32>,
    states: Vec<State>,
    /// Upstream actions that are not settled.
    waiting: Vec<u32>,
    /// Needed actions that are not settled.
    open: usize,
    live: HashMap<ActionId, Live>,
    input_changes: HashMap<ActionId, u32>,
    next_attempt: u64,
    /// Private directories that can be used again.
    spare: Vec<String>,
    host: String,
    /// Attempts that ended and are not settled.
    committing: usize,
    /// Attempts that ended well while too many were being committed: their cores are not free
    /// yet, so that commands cannot run away from the disk.
    held: Vec<ActionId>,
    interrupts: u32,
    summary: BuildSummary,
    durations: Vec<(u64, ActionId)>,
}

impl<'r> Running<'r> {
    /// Admits everything that may run.
    ///
    /// # Errors
    /// A request larger than the machine, before anything starts.
    pub(super) fn new(
        scope: &'r Scope<'r>,
        survey: Survey,
        hands: Hands<'r>,
        (store, capacity): (&'r Mutex<Store>, Capacity),
    ) -> Result<Self, EngineError> {
        let graph = &scope.loaded.graph;
        let mut running = Running {
            scope,
            hands,
            records: StoreView(store),
            store,
            admitted: HashMap::new(),
            priorities: Vec::new(),
            expected: vec![0.0; graph.action_count()],
            states: vec![State::Unneeded; graph.action_count()],
            waiting: vec![0; graph.action_count()],
            open: 0,
            live: HashMap::new(),
            input_changes: HashMap::new(),
            next_attempt: store.lock().expect(STORE_ALIVE).next_attempt(),
            spare: Vec::new(),
            host: process::host(),
            committing: 0,
            held: Vec::new(),
            interrupts: 0,
            summary: BuildSummary::default(),
            durations: Vec::new(),
            cores: capacity.cores,
            scheduler: Scheduler::new(capacity.clone()),
            survey,
        };
        running.admit(&capacity)?;
        running.rank();
        Ok(running)
    }

    fn admit(&mut self, capacity: &Capacity) -> Result<(), EngineError> {
        let graph = &self.scope.loaded.graph;
        for &action in &self.survey.needed {
            let fresh = self.verdict(action).kind == VerdictKind::Fresh;
            self.states[action.index()] = if fresh { State::Fresh } else { State::Waiting };
            if fresh {
                continue;
            }
            self.open += 1;
            let unsettled =
                graph.upstream(action).filter(|up| self.states[up.index()] != State::Fresh);
            self.waiting[action.index()] = unsettled.count() as u32;
            let rule = graph.rule(action);
            let admitted = capacity
                .admit(rule.resources.at(graph.item(action)))
                .map_err(|source| EngineError::Admission { rule: rule.name.clone(), source })?;
            self.admitted.insert(action, admitted);
            if let Some(record) = self.records.latest(graph.target(action))? {
                self.expected[action.index()] = record.cost.wall_ms as f32 / 1000.0;
            }
        }
        Ok(())
    }

    /// Longest remaining path first: what the end of the build waits for most.
    fn rank(&mut self) {
        const UNKNOWN_SECONDS: f64 = 1.0;
        let cost = |at: usize| match (self.states[at], self.expected[at]) {
            (State::Waiting, 0.0) => UNKNOWN_SECONDS,
            (State::Waiting, seconds) => f64::from(seconds),
            _ => 0.0,
        };
        let costs: Vec<f64> = (0..self.states.len()).map(cost).collect();
        let (offsets, targets) = self.scope.loaded.graph.upstream_rows();
        let paths = remaining_path(&costs, Prerequisites { offsets, targets });
        self.priorities = paths.into_iter().map(as_priority).collect();
    }

    fn verdict(&self, action: ActionId) -> &Verdict {
        self.survey.verdict(action).expect("every needed action has a verdict")
    }

    fn action_ref(&self, action: ActionId) -> ActionRef {
        let graph = &self.scope.loaded.graph;
        ActionRef {
            id: action.0,
            rule: graph.rule(action).name.clone(),
            label: graph.label(action),
        }
    }

    fn now(&self) -> Duration {
        self.hands.started.elapsed()
    }

    /// Runs until every needed action is settled.
    pub(super) fn run(
        mut self,
        messages: &Receiver<Message>,
        observer: &mut dyn Observer,
    ) -> Result<Done, EngineError> {
        observer.event(&planned(&self.survey, self.seconds_left()));
        let started = self.drive(messages, observer);
        if started.is_err() {
            // The build cannot go on: nothing may keep writing behind its back.
            self.hands.local.stop_all(Stop::AtOnce);
        }
        started?;
        Ok(self.done())
    }

    fn drive(
        &mut self,
        messages: &Receiver<Message>,
        observer: &mut dyn Observer,
    ) -> Result<(), EngineError> {
        for action in self.survey.needed.clone() {
            if self.states[action.index()] == State::Waiting && self.waiting[action.index()] == 0 {
                self.make_ready(action, observer)?;
            }
        }
        let mut ticked = Instant::now();
        while self.open > 0 {
            let left = limits::TICK.saturating_sub(ticked.elapsed());
            match messages.recv_timeout(left) {
                Ok(message) => self.take(message, observer)?,
                Err(RecvTimeoutError::Timeout) => {
                    self.tick(observer)?;
                    ticked = Instant::now();
                }
                Err(RecvTimeoutError::Disconnected) => {
                    unreachable!("the committer holds a sender as long as this loop runs")
                }
            }
        }
        Ok(())
    }

    fn seconds_left(&self) -> Option<f64> {
        let open = |at: &usize| self.states[*at] == State::Waiting;
        let known: Vec<f32> = (0..self.states.len())
            .filter(open)
            .map(|at| self.expected[at])
            .filter(|&seconds| seconds > 0.0)
            .collect();
        if known.is_empty() {
            return None;
        }
        let total: f64 = known.iter().map(|&s| f64::from(s)).sum();
        let mean = total / known.len() as f64;
        let all = mean * self.open as f64;
        Some(all / f64::from(self.cores.max(1)))
    }

    fn take(&mut self, message: Message, observer: &mut dyn Observer) -> Result<(), EngineError> {
        match message {
            Message::Ended(ended) => self.ended(ended, observer),
            Message::Settled(settled) => {
                self.one_settled(observer)?;
                self.settled(*settled, observer)
            }
            Message::Interrupt(interrupt) => self.interrupt(interrupt, observer),
        }
    }

    fn tick(&mut self, observer: &mut dyn Observer) -> Result<(), EngineError> {
        self.report_progress(observer);
        observer.tick();
        self.step(Event::Tick, observer)
    }

    /// Tells the scheduler and does what it orders.
    fn step(&mut self, event: Event, observer: &mut dyn Observer) -> Result<(), EngineError> {
        let orders = self.scheduler.step(event, self.now());
        self.carry_out(orders, observer)
    }

    fn carry_out(
        &mut self,
        orders: Vec<Order>,
        observer: &mut dyn Observer,
    ) -> Result<(), EngineError> {
        for order in orders {
            match order {
                Order::Start { action, gpus, .. } => {
                    self.start(ActionId(action), &gpus, observer)?;
                }
                Order::GaveUp { action } => self.give_up(ActionId(action), observer)?,
                Order::Dropped { action } => {
                    self.skip(ActionId(action), "the build was stopped", observer);
                }
                Order::RetryAt { .. } => {}
                Order::Stop { action } => {
                    self.hands.local.stop(action, Stop::Gently);
                }
            }
        }
        Ok(())
    }

    fn make_ready(
        &mut self,
        action: ActionId,
        observer: &mut dyn Observer,
    ) -> Result<(), EngineError> {
        self.states[action.index()] = State::Active;
        let request = Request {
            action: action.0,
            resources: self.admitted[&action].clone(),
            priority: self.priorities[action.index()],
            retries: self.scope.loaded.graph.rule(action).retries,
        };
        self.step(Event::Ready(request), observer)
    }

    fn start(
        &mut self,
        action: ActionId,
        gpus: &[u32],
        observer: &mut dyn Observer,
    ) -> Result<(), EngineError> {
        let number = self.next_attempt;
        self.next_attempt += 1;
        let prepared = {
            let work = self.spare.pop();
            let work = work.unwrap_or_else(|| format!("{}/{number}", self.hands.workshop.work));
            let resources = self.admitted[&action].resources();
            let kernel = kernel_of(self.scope.kernels, &self.scope.loaded.graph, action);
            self.hands.workshop.prepare(&Attempt { action, work, resources, gpus, kernel })
        };
        let Prepared { job, staging } = prepared?;
        let live = self.live(action, number, staging);
        let begun = self.hands.local.start(&job);
        observer.event(&BuildEvent::ActionStarted {
            action: self.action_ref(action),
            attempt: number,
            executor: "local".to_owned(),
            reasons: self.verdict(action).reasons.clone(),
            expected_s: Some(f64::from(self.expected[action.index()])).filter(|&s| s > 0.0),
            time_ms: live.started_ms,
        });
        match begun {
            Ok(process) => {
                self.note_start(action, &live, (process.pid, process.process_start))?;
                self.live.insert(action, live);
                Ok(())
            }
            Err(error) => {
                let status =
                    std::iter::successors(Some(&error as &dyn std::error::Error), |error| {
                        error.source()
                    })
                    .map(ToString::to_string)
                    .collect::<Vec<_>>()
                    .join(": ");
                let failure = Failure {
                    kind: FailureKind::Start,
                    status,
                    command: live.staging.shown.clone(),
                    directory: self.scope.tree.root().to_string_lossy().into_owned(),
                    log_tail: Vec::new(),
                    log: None,
                };
                self.note_failure(action, number, &failure)?;
                let settled =
                    Settled { action, attempt: number, spare: None, result: Err(failure) };
                self.settled(settled, observer)
            }
        }
    }

    fn live(&self, action: ActionId, attempt: u64, staging: Staging) -> Live {
        let graph = &self.scope.loaded.graph;
        let kernel = kernel_of(self.scope.kernels, graph, action);
        let digest_of = |artifact| {
            self.survey.facts.digest(artifact).expect("inputs are known when an action starts")
        };
        let components = Subject { graph, action, kernel, digest_of: &digest_of }.components();
        let inputs = graph.inputs(action).map(|(_, artifact)| Input {
            path: graph.path(artifact).to_owned(),
            digest: digest_of(artifact),
            stamp: *self.survey.facts.stamp(artifact),
        });
        Live {
            attempt,
            staging,
            inputs: inputs.collect(),
            components,
            started_ms: now_ms(),
            progress: None,
            has_progress: kernel.is_some(),
        }
    }

    fn key(&self, action: ActionId) -> crate::model::digest::Digest {
        let judged = self.survey.judged[action.index()].as_ref();
        judged.and_then(|judged| judged.key).expect("an action that runs has been judged")
    }

    fn note_start(
        &self,
        action: ActionId,
        live: &Live,
        (pid, process_start): (u32, u64),
    ) -> Result<(), EngineError> {
        let entry = Entry::AttemptStarted(AttemptStarted {
            build: self.hands.build,
            attempt: live.attempt,
            target: self.scope.loaded.graph.target(action).to_owned(),
            label: self.scope.loaded.graph.label(action),
            key: self.key(action),
            pid,
            process_start,
            boot_id: process::boot_id(),
            work: live.staging.work.clone(),
            log: live.staging.log(),
            time_ms: live.started_ms,
        });
        Ok(self.store.lock().expect(STORE_ALIVE).append(&[entry])?)
    }

    fn note_failure(
        &self,
        action: ActionId,
        attempt: u64,
        failure: &Failure,
    ) -> Result<(), EngineError> {
        let entry = Entry::AttemptFailed(AttemptFailed {
            attempt,
            target: self.scope.loaded.graph.target(action).to_owned(),
            label: self.scope.loaded.graph.label(action),
            key: self.key(action),
            failure: serde_json::to_string(failure).expect("a failure has text keys only"),
            time_ms: now_ms(),
        });
        Ok(self.store.lock().expect(STORE_ALIVE).append(&[entry])?)
    }

    /// A process ended: its cores are free at once, its outputs go to the committer.
    fn ended(&mut self, ended: Ended, observer: &mut dyn Observer) -> Result<(), EngineError> {
        let action = ActionId(ended.id);
        let Some(live) = self.live.remove(&action) else { return Ok(()) };
        let graph = &self.scope.loaded.graph;
        let went_well = ended.how == How::Exited(0);
        let finished = Finished {
            action,
            attempt: live.attempt,
            label: graph.label(action),
            target: graph.target(action).to_owned(),
            key: self.key(action),
            components: live.components,
            inputs: live.inputs,
            staging: live.staging,
            ended,
            started_ms: live.started_ms,
            ended_ms: now_ms(),
            host: self.host.clone(),
        };
        observer.event(&BuildEvent::ActionEnded {
            action: self.action_ref(action),
            attempt: finished.attempt,
            time_ms: finished.ended_ms,
        });
        self.committing += 1;
        self.hands.finished.send(finished).expect("the committer lives as long as the loop");
        if !went_well {
            return Ok(());
        }
        if self.committing < limits::COMMITTING_MOST {
            return self.step(Event::Ended { action: action.0, end: End::Done }, observer);
        }
        self.held.push(action);
        Ok(())
    }

    /// An attempt was settled: cores that were held back while too many waited are freed.
    fn one_settled(&mut self, observer: &mut dyn Observer) -> Result<(), EngineError> {
        self.committing = self.committing.saturating_sub(1);
        if self.committing < limits::COMMITTING_MOST
            && let Some(action) = self.held.pop()
        {
            self.step(Event::Ended { action: action.0, end: End::Done }, observer)?;
        }
        Ok(())
    }

    fn settled(
        &mut self,
        settled: Settled,
        observer: &mut dyn Observer,
    ) -> Result<(), EngineError> {
        let Settled { action, attempt, spare, result } = settled;
        self.spare.extend(spare);
        match result {
            Ok(made) => self.succeeded(action, attempt, made, observer),
            Err(failure) => self.attempt_failed(action, attempt, failure, observer),
        }
    }

    fn succeeded(
        &mut self,
        action: ActionId,
        attempt: u64,
        made: Made,
        observer: &mut dyn Observer,
    ) -> Result<(), EngineError> {
        let facts = &mut self.survey.facts;
        let same = |output: &crate::engine::commit::MadeOutput| {
            facts.digest(output.artifact) == Some(output.digest)
        };
        if made.outputs.iter().all(same) {
            self.summary.unchanged += 1;
        }
        for output in &made.outputs {
            facts.set(output.artifact, output.digest, output.stamp, output.racy);
        }
        if let Some(judged) = &mut self.survey.judged[action.index()] {
            judged.discovered = made.discovered;
        }
        self.summary.executed += 1;
        self.summary.cpu_ms += made.cost.cpu_ms;
        self.durations.push((made.cost.wall_ms, action));
        let graph = &self.scope.loaded.graph;
        let paths = graph.outputs(action).map(|(_, artifact)| graph.path(artifact).to_owned());
        observer.event(&BuildEvent::ActionFinished {
            action: self.action_ref(action),
            attempt,
            cost: made.cost,
            outputs: paths.collect(),
            time_ms: now_ms(),
        });
        self.settle(action, State::Executed, observer)
    }

    /// Marks an action as done well and judges what waited for it.
    fn settle(
        &mut self,
        action: ActionId,
        state: State,
        observer: &mut dyn Observer,
    ) -> Result<(), EngineError> {
        let mut done = vec![(action, state)];
        while let Some((action, state)) = done.pop() {
            self.states[action.index()] = state;
            self.open -= 1;
            let downstream: Vec<ActionId> = self.scope.loaded.graph.downstream(action).collect();
            for down in downstream {
                if self.states[down.index()] != State::Waiting {
                    continue;
                }
                self.waiting[down.index()] -= 1;
                if self.waiting[down.index()] > 0 || self.interrupts > 0 {
                    continue;
                }
                let judged = self.judge(down)?;
                let fresh = judged.verdict.kind == VerdictKind::Fresh;
                self.survey.judged[down.index()] = Some(judged);
                if fresh {
                    observer.event(&BuildEvent::ActionCutOff { action: self.action_ref(down) });
                    done.push((down, State::Fresh));
                } else {
                    self.make_ready(down, observer)?;
                }
            }
        }
        self.skip_if_stopped(observer);
        Ok(())
    }

    fn judge(&self, action: ActionId) -> Result<Judged, EngineError> {
        self.survey.judge(self.scope, action, &self.records)
    }

    fn attempt_failed(
        &mut self,
        action: ActionId,
        attempt: u64,
        failure: Failure,
        observer: &mut dyn Observer,
    ) -> Result<(), EngineError> {
        if failure.kind == FailureKind::InputChanged && self.interrupts == 0 {
            let tries = self.input_changes.entry(action).or_default();
            *tries += 1;
            if *tries <= limits::INPUT_CHANGED_RETRIES {
                observer.event(&self.failed_event((action, attempt), failure, true));
                self.survey.look_again(self.scope, action)?;
                let judged = self.judge(action)?;
                self.survey.judged[action.index()] = Some(judged);
                return self.make_ready(action, observer);
            }
        }
        let end = End::Failed { retry: self.may_retry(&failure) };
        let orders = self.scheduler.step(Event::Ended { action: action.0, end }, self.now());
        let again =
            |order: &Order| matches!(order, Order::RetryAt { action: a, .. } if *a == action.0);
        let will_retry = orders.iter().any(again);
        observer.event(&self.failed_event((action, attempt), failure, will_retry));
        self.carry_out(orders, observer)?;
        if will_retry {
            return Ok(());
        }
        // The scheduler gave it up too, unless its process had ended well already and only its
        // outputs could not be committed.
        self.give_up(action, observer)
    }

    fn may_retry(&self, failure: &Failure) -> bool {
        let sensible = matches!(
            failure.kind,
            FailureKind::Exit
                | FailureKind::TimedOut
                | FailureKind::OutOfMemory
                | FailureKind::LogLimit
        );
        sensible && self.interrupts == 0
    }

    fn failed_event(
        &self,
        settled: (ActionId, u64),
        failure: Failure,
        will_retry: bool,
    ) -> BuildEvent {
        let (action, attempt) = settled;
        BuildEvent::ActionFailed {
            action: self.action_ref(action),
            attempt,
            failure,
            will_retry,
            time_ms: now_ms(),
        }
    }

    fn give_up(
        &mut self,
        action: ActionId,
        observer: &mut dyn Observer,
    ) -> Result<(), EngineError> {
        if self.states[action.index()] != State::Active {
            return Ok(());
        }
        self.states[action.index()] = State::Failed;
        self.open -= 1;
        self.summary.failed += 1;
        let label = self.scope.loaded.graph.label(action);
        self.summary.failures.push(label.clone());
        self.skip_downstream(action, &format!("`{label}` failed"), observer);
        if !self.hands.keep_going && self.interrupts == 0 {
            self.step(Event::StopStarting, observer)?;
            self.skip_waiting(&format!("`{label}` failed"), observer);
        }
        self.skip_if_stopped(observer);
        Ok(())
    }

    fn skip_downstream(&mut self, action: ActionId, because: &str, observer: &mut dyn Observer) {
        let mut next: Vec<ActionId> = self.scope.loaded.graph.downstream(action).collect();
        while let Some(down) = next.pop() {
            if self.states[down.index()] == State::Waiting {
                self.skip(down, because, observer);
                next.extend(self.scope.loaded.graph.downstream(down));
            }
        }
    }

    fn skip(&mut self, action: ActionId, because: &str, observer: &mut dyn Observer) {
        if !matches!(self.states[action.index()], State::Waiting | State::Active) {
            return;
        }
        self.states[action.index()] = State::Skipped;
        self.open -= 1;
        self.summary.skipped += 1;
        let action = self.action_ref(action);
        observer.event(&BuildEvent::ActionSkipped { action, because: because.to_owned() });
    }

    fn skip_waiting(&mut self, because: &str, observer: &mut dyn Observer) {
        for action in self.survey.needed.clone() {
            if self.states[action.index()] == State::Waiting {
                self.skip(action, because, observer);
            }
        }
    }

    fn skip_if_stopped(&mut self, observer: &mut dyn Observer) {
        if self.interrupts > 0 {
            self.skip_waiting("the build was stopped", observer);
        }
    }

    fn interrupt(
        &mut self,
        interrupt: Interrupt,
        observer: &mut dyn Observer,
    ) -> Result<(), EngineError> {
        self.interrupts += 1;
        self.summary.interrupted = true;
        let signal = interrupt.name().to_owned();
        observer.event(&BuildEvent::Stopping { signal, running: self.live.len() });
        if self.interrupts == 1 {
            self.hands.local.stop_all(Stop::Gently);
            self.step(Event::StopStarting, observer)?;
            self.skip_if_stopped(observer);
        } else if interrupt == Interrupt::Keyboard {
            self.hands.local.stop_all(Stop::AtOnce);
        }
        Ok(())
    }

    /// Passes on what native steps have written about their progress since the last look.
    fn report_progress(&mut self, observer: &mut dyn Observer) {
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

    fn done(mut self) -> Done {
        self.durations.sort_unstable_by(|a, b| b.cmp(a));
        let graph = &self.scope.loaded.graph;
        let slowest = self.durations.iter().take(limits::SLOWEST_SHOWN);
        self.summary.slowest = slowest.map(|&(ms, action)| (graph.label(action), ms)).collect();
        self.summary.fresh = self.states.iter().filter(|&&s| s == State::Fresh).count();
        self.summary.exit_code = match (self.summary.interrupted, self.summary.failed) {
            (true, _) => 130,
            (false, 0) => 0,
            (false, _) => 1,
        };
        let fresh = self.states.iter().map(|state| match state {
            State::Unneeded => None,
            State::Fresh | State::Executed => Some(true),
            _ => Some(false),
        });
        Done { fresh: fresh.collect(), survey: self.survey, summary: self.summary }
    }
}

/// The store is never poisoned: nothing panics while it is locked.
const STORE_ALIVE: &str = "no thread panics while it holds the store";

/// The last whole line of a progress file.
fn latest_progress(scope: &Scope, staging: &Staging) -> Option<Progress> {
    const LINE_BYTES: u64 = 4096;
    let bytes = scope.tree.read_tail(&staging.progress(), LINE_BYTES).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let whole = &text[..=text.rfind('\n')?];
    serde_json::from_str(whole.lines().last()?).ok()
}
