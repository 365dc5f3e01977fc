//! One build: lock, load, survey, then the loop that runs what is stale.
//!
//! The loop is the only place where things happen in an order: it takes messages (a process ended,
//! an attempt is settled, somebody wants to stop), tells the scheduler, and does what that orders.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Instant, SystemTime};

use crate::engine::commit::{Committer, Settled};
use crate::engine::error::EngineError;
use crate::engine::facts::HashProgress;
use crate::engine::load::{self, Loaded, Question};
use crate::engine::lock;
use crate::engine::prepare::{Workshop, grace};
use crate::engine::project::{Project, Request, Settings};
use crate::engine::recover;
use crate::engine::running::{Hands, Running};
use crate::engine::snapshot::Outcome;
use crate::engine::store_records::StoreRecords;
use crate::engine::survey::{Records, Scope, Survey, survey};
use crate::execute::local::{Ended, Local};
use crate::execute::machine::machine;
use crate::fsio::process;
use crate::fsio::tree::Tree;
use crate::graph::{self, ActionId};
use crate::model::event::{BuildEvent, BuildSummary, EVENT_STREAM_VERSION};
use crate::model::reason::VerdictKind;
use crate::schedule::capacity::Capacity;
use crate::store::entry::{BuildFinished, BuildStarted, Entry};
use crate::store::ledger::Store;

/// Who watches a build.
pub trait Observer: Send {
    /// Takes the next event.
    fn event(&mut self, event: &BuildEvent);
    /// Lets time pass; called about ten times a second while something runs.
    fn tick(&mut self);
}

/// What the loop can be told.
pub(super) enum Message {
    Ended(Ended),
    Settled(Box<Settled>),
    Warning(String),
    Interrupt(Interrupt),
}

/// A wish to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interrupt {
    /// Ctrl-C: the first stops cleanly, the second at once.
    Keyboard,
    /// SIGTERM: stops cleanly.
    Terminate,
}

impl Interrupt {
    pub(super) fn name(self) -> &'static str {
        match self {
            Interrupt::Keyboard => "interrupt",
            Interrupt::Terminate => "termination",
        }
    }
}

/// Where a build gets its messages from.
pub struct Mailbox {
    sender: Sender<Message>,
    receiver: Receiver<Message>,
    /// True while the loop runs.
    runs: Arc<AtomicBool>,
}

impl Default for Mailbox {
    fn default() -> Self {
        let (sender, receiver) = channel();
        Mailbox { sender, receiver, runs: Arc::default() }
    }
}

impl Mailbox {
    /// A function that passes interrupts on to the build, for a signal thread. It gives back
    /// whether the build takes care of it; before anything runs, and after, there is nothing to
    /// be ended but the program itself.
    pub fn interrupter(&self) -> impl Fn(Interrupt) -> bool + Send + use<> {
        let (sender, runs) = (self.sender.clone(), self.runs.clone());
        move |interrupt| {
            runs.load(Ordering::SeqCst) && sender.send(Message::Interrupt(interrupt)).is_ok()
        }
    }
}

/// Everything one build works with.
pub struct Order<'b> {
    pub project: &'b Project,
    pub settings: &'b Settings,
    pub request: &'b Request,
    pub question: &'b Question<'b>,
    /// This program, for children that run native steps.
    pub program: PathBuf,
}

/// Builds what is asked for.
///
/// # Errors
/// Whatever keeps the build as a whole from starting or going on; failed actions are part of the
/// summary.
pub fn build(
    order: &Order,
    mailbox: Mailbox,
    observer: &mut dyn Observer,
) -> Result<BuildSummary, EngineError> {
    let started = Instant::now();
    let Order { project, request, .. } = *order;
    let tree = Tree::open(&project.root).map_err(|source| EngineError::Stat {
        path: project.root.to_string_lossy().into_owned(),
        source,
    })?;
    lock::prepare_state(&tree, project)?;
    let _lock = lock::acquire(project, request, observer)?;
    recover::after_crash(project, &tree, observer)?;
    let loaded = load::load(project, &tree, order.question)?;
    for warning in &loaded.warnings {
        let (message, span) = (warning.message.clone(), warning.span.clone());
        observer.event(&BuildEvent::Warning { message, span });
    }
    observer.event(&BuildEvent::Evaluated {
        rules: loaded.graph.rules.len(),
        actions: loaded.graph.action_count(),
        cached: loaded.cached,
        wall_ms: loaded.took.as_millis() as u64,
    });
    let in_project = |typed: &str| project.in_project(&request.directory, typed);
    let wanted = graph::select(&loaded.graph, &request.targets, &in_project)?;
    let shared = Mutex::new(observer);
    let progress = |files_done, files, bytes_done, bytes| {
        let mut observer = shared.lock().expect("no view panics");
        observer.event(&BuildEvent::Hashing { files_done, files, bytes_done, bytes });
    };
    let scope = looking(order, &tree, (&loaded, &wanted), &progress);
    let records = std::cell::OnceCell::new();
    let survey = survey(&scope, || {
        let opened = StoreRecords::open(project)?;
        Ok(records.get_or_init(|| opened) as &dyn Records)
    })?;
    // From here on files are read one by one between other events: nobody waits for them.
    let scope = looking(order, &tree, (&loaded, &wanted), &|_, _, _, _| ());
    let observer = shared.into_inner().expect("no view panics");
    let stale = survey.count(VerdictKind::Stale) + survey.count(VerdictKind::Pending);
    let site = Site { order, tree: &tree, scope: &scope, started };
    let summary = if stale == 0 {
        site.nothing_to_do(&survey, observer)
    } else {
        let records = match records.into_inner() {
            Some(records) => records,
            None => StoreRecords::open(project)?,
        };
        site.run(survey, records, mailbox, observer)?
    };
    observer.event(&BuildEvent::BuildFinished(summary.clone()));
    Ok(summary)
}

/// What a build looks at, with whoever is told of files being read.
fn looking<'s>(
    order: &'s Order,
    tree: &'s Tree,
    (loaded, wanted): (&'s Loaded, &'s [ActionId]),
    progress: HashProgress<'s>,
) -> Scope<'s> {
    Scope {
        project: order.project,
        tree,
        loaded,
        kernels: order.question.kernels,
        wanted,
        forced: order.request.force,
        progress,
    }
}

struct Site<'s> {
    order: &'s Order<'s>,
    tree: &'s Tree,
    scope: &'s Scope<'s>,
    started: Instant,
}

impl Site<'_> {
    /// Everything is fresh: nothing is opened, nothing is written but what makes the next look
    /// cheaper.
    fn nothing_to_do(&self, survey: &Survey, observer: &mut dyn Observer) -> BuildSummary {
        let fresh = survey.needed.len();
        observer.event(&planned(survey, None));
        if survey.learned {
            let mut states = vec![None; self.scope.loaded.graph.action_count()];
            survey.needed.iter().for_each(|action| states[action.index()] = Some(true));
            self.write_snapshot(survey, &states, observer);
        }
        BuildSummary { fresh, wall_ms: self.elapsed_ms(), ..BuildSummary::default() }
    }

    fn elapsed_ms(&self) -> u64 {
        self.started.elapsed().as_millis() as u64
    }

    fn capacity(&self) -> Capacity {
        let visible = self.order.question.env.get("CUDA_VISIBLE_DEVICES");
        let machine = machine(visible.map(String::as_str));
        let settings = self.order.settings;
        Capacity {
            cores: self.order.request.jobs.or(settings.cores).unwrap_or(machine.cores),
            memory: settings.memory.or(machine.memory),
            gpus: machine.gpus,
            pools: settings.pools.clone(),
        }
    }

    fn run(
        &self,
        survey: Survey,
        records: StoreRecords,
        mailbox: Mailbox,
        observer: &mut dyn Observer,
    ) -> Result<BuildSummary, EngineError> {
        let store = records.into_store();
        mailbox.runs.store(true, Ordering::SeqCst);
        recover::build_begins(self.order.project, self.tree)?;
        let build = self.begin(&store)?;
        observer.event(&BuildEvent::BuildStarted {
            stream: EVENT_STREAM_VERSION,
            build,
            attpc: env!("CARGO_PKG_VERSION").to_owned(),
            time_ms: now_ms(),
            targets: self.order.request.targets.clone(),
            dry_run: false,
        });
        let ended = mailbox.sender.clone();
        let local = Local::new(move |end| drop(ended.send(Message::Ended(end))))
            .map_err(EngineError::Executor)?;
        let workshop = Workshop {
            graph: &self.scope.loaded.graph,
            tree: self.tree,
            work: self.order.project.shown(&self.order.project.work()),
            program: self.order.program.clone(),
            env: self.order.question.env,
            grace: grace(self.order.settings.grace),
            gpus: self.order.request.gpus,
        };
        let committer_clock = crate::fsio::clock::FsClock::probe(&self.order.project.state).ok();
        let result = std::thread::scope(|threads| {
            let (finished, attempts) = channel();
            let committer = Committer {
                tree: self.tree,
                clock: committer_clock.as_ref(),
                store: &store,
                replies: mailbox.sender.clone(),
            };
            threads.spawn(move || committer.run(&attempts));
            let hands = Hands {
                workshop: &workshop,
                local: &local,
                finished,
                build,
                keep_going: self.order.request.keep_going || self.order.settings.keep_going,
                started: self.started,
            };
            let running = Running::new(self.scope, survey, hands, (&store, self.capacity()))?;
            running.run(&mailbox.receiver, observer)
        });
        let mut outcome = result?;
        outcome.survey.reread_young(self.scope);
        self.write_snapshot(&outcome.survey, &outcome.fresh, observer);
        let summary = BuildSummary { build, wall_ms: self.elapsed_ms(), ..outcome.summary };
        self.end(store, &summary)?;
        mailbox.runs.store(false, Ordering::SeqCst);
        Ok(summary)
    }

    fn begin(&self, store: &Mutex<Store>) -> Result<u64, EngineError> {
        let mut store = store.lock().expect("nobody else holds it yet");
        let build = store.next_build();
        let pid = std::process::id();
        store.append(&[Entry::BuildStarted(BuildStarted {
            build,
            time_ms: now_ms(),
            host: process::host(),
            pid,
            process_start: process::start_time(pid).unwrap_or(0),
            boot_id: process::boot_id(),
            targets: self.order.request.targets.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        })])?;
        Ok(build)
    }

    fn end(&self, store: Mutex<Store>, summary: &BuildSummary) -> Result<(), EngineError> {
        let mut store = store.into_inner().expect("all threads have ended well");
        store.append(&[Entry::BuildFinished(BuildFinished {
            build: summary.build,
            summary: serde_json::to_string(summary).expect("a summary has text keys only"),
            time_ms: now_ms(),
        })])?;
        store.close()?;
        recover::build_ended(self.order.project, self.tree);
        Ok(())
    }

    fn write_snapshot(&self, survey: &Survey, fresh: &[Option<bool>], observer: &mut dyn Observer) {
        let judged = survey.needed.iter().filter_map(|&action| {
            let judged = survey.judged[action.index()].as_ref()?;
            (fresh[action.index()] == Some(true)).then_some((action, judged))
        });
        let discovered = judged
            .flat_map(|(action, judged)| judged.discovered.iter().map(move |s| (action, s.clone())))
            .collect();
        let outcome = Outcome {
            graph: &self.scope.loaded.graph,
            identity: self.scope.loaded.identity,
            facts: &survey.facts,
            before: survey.snapshot.as_ref(),
            fresh,
            discovered,
        };
        if let Err(error) = outcome.write(self.order.project, self.tree) {
            let message = format!("the next build will look at everything again: {error}");
            observer.event(&BuildEvent::Warning { message, span: None });
        }
    }
}

/// The event that sums up the first verdicts.
pub(super) fn planned(survey: &Survey, seconds_left: Option<f64>) -> BuildEvent {
    BuildEvent::Planned {
        fresh: survey.count(VerdictKind::Fresh),
        restorable: survey.count(VerdictKind::Restorable),
        stale: survey.count(VerdictKind::Stale),
        pending: survey.count(VerdictKind::Pending),
        seconds_left,
    }
}

/// Milliseconds since the Unix epoch.
pub(super) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis() as u64)
}

/// What the loop leaves behind.
pub(super) struct Done {
    pub(super) survey: Survey,
    /// For each action: fresh now, not fresh, or not asked about.
    pub(super) fresh: Vec<Option<bool>>,
    pub(super) summary: BuildSummary,
}
