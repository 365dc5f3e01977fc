//! The loop of a build that has something to do.
//!
//! Here is what it knows and how it takes messages; its files hold what it does at the start of an
//! attempt ([`start`]), at its end ([`settle`]), when something must not go on ([`stop`]), and what it
//! tells in between ([`progress`]).

mod progress;
mod settle;
mod start;
mod stop;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use crate::engine::build::{Done, Message, Observer, planned};
use crate::engine::commit::{Finished, Input};
use crate::engine::error::EngineError;
use crate::engine::limits;
use crate::engine::prepare::{LOCAL, Staging, Workshop};
use crate::engine::store_records::StoreView;
use crate::engine::survey::{Records, Scope, Survey};
use crate::execute::local::{Local, Stop};
use crate::fsio::process;
use crate::graph::ActionId;
use crate::model::event::{ActionRef, BuildEvent, BuildSummary};
use crate::model::reason::{Verdict, VerdictKind};
use crate::model::record::Component;
use crate::model::step::Progress;
use crate::schedule::capacity::{Admitted, Capacity};
use crate::schedule::priorities::{Prerequisites, as_priority, remaining_path};
use crate::schedule::scheduler::{Event, Order, Request, Scheduler};
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
    /// Asked for once: it is noted with every attempt.
    boot_id: String,
    /// Attempts that ended and are not settled.
    committing: usize,
    /// Attempts that ended well while too many were being committed: their cores are not free
    /// yet, so that commands cannot run away from the disk.
    held: Vec<ActionId>,
    interrupts: u32,
    summary: BuildSummary,
    durations: Vec<(u64, ActionId)>,
    /// Actions that warned, by rule.
    warned: BTreeMap<usize, Vec<ActionId>>,
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
            boot_id: process::boot_id(),
            committing: 0,
            held: Vec::new(),
            interrupts: 0,
            summary: BuildSummary::default(),
            durations: Vec::new(),
            warned: BTreeMap::new(),
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
            if let Some(name) = rule.on.as_ref().filter(|name| *name != LOCAL) {
                let (rule, name) = (rule.name.clone(), name.clone());
                return Err(EngineError::UnknownExecutor { rule, name });
            }
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
        self.warn_of_containers(observer);
        let started = self.drive(messages, observer);
        if started.is_err() {
            // The build cannot go on: nothing may keep writing behind its back.
            self.hands.local.stop_all(Stop::AtOnce);
        }
        started?;
        self.count_warned(observer);
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

    /// Containers count in keys but commands do not run in them yet, which nobody must overlook.
    fn warn_of_containers(&self, observer: &mut dyn Observer) {
        let graph = &self.scope.loaded.graph;
        let stale = |a: &ActionId| self.states[a.index()] == State::Waiting;
        let rules: BTreeSet<usize> =
            self.survey.needed.iter().filter(|a| stale(a)).map(|&a| graph.rule_index(a)).collect();
        for rule in rules.into_iter().map(|rule| &graph.rules[rule]) {
            if let Some(image) = &rule.container {
                let message = format!(
                    "rule `{}` runs on this machine itself, not in its container `{image}`",
                    rule.name
                );
                let span = Some(rule.span_of("container").clone());
                observer.event(&BuildEvent::Warning { message, span });
            }
        }
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
            Message::Warning(message) => {
                observer.event(&BuildEvent::Warning { message, span: None });
                Ok(())
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
        let fresh = self.states.iter().enumerate().map(|(at, state)| match state {
            State::Unneeded => None,
            State::Fresh | State::Executed => {
                Some(self.survey.still_holds(self.scope, ActionId(at as u32)))
            }
            _ => Some(false),
        });
        let fresh = fresh.collect();
        Done { fresh, survey: self.survey, summary: self.summary }
    }
}

/// The store is never poisoned: nothing panics while it is locked.
const STORE_ALIVE: &str = "no thread panics while it holds the store";
