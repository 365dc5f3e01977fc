//! `attpc build`: brings targets up to date.

use clap::Args;

use crate::cli::error::{CliError, Kind};
use crate::cli::options::{JsonOption, ProgressChoice, ProjectOptions, RunOptions};
use crate::cli::plan::{self, PlanArgs};
use crate::cli::project::Opened;
use crate::cli::session::{Clock, Session};
use crate::cli::signals;
use crate::engine::{self, GpuUse, Mailbox, Observer, Order, Request};
use crate::model::event::{BuildEvent, BuildSummary};
use crate::model::step::DeviceChoice;
use crate::steps;
use crate::ui::view::View;

/// Bring targets up to date: run what is stale, say why
#[derive(Debug, Args)]
pub struct BuildArgs {
    /// What to build: rules, output paths or actions such as pointcloud@0104; none means the
    /// recipe's default targets
    pub targets: Vec<String>,

    #[command(flatten)]
    pub project: ProjectOptions,

    #[command(flatten)]
    pub run: RunOptions,

    /// Write the build's events to standard output, one JSON object on each line
    #[arg(long)]
    pub json: bool,
}

/// Runs a build and shows it.
pub fn run(args: &BuildArgs, session: &mut Session) -> Result<u8, CliError> {
    let json = args.json || args.run.progress == ProgressChoice::Json;
    if args.run.dry_run {
        let plan = PlanArgs {
            targets: args.targets.clone(),
            force: args.run.force,
            project: args.project.clone(),
            answer: JsonOption { json },
        };
        return plan::run(&plan, session);
    }
    let opened = Opened::find(session, &args.project)?;
    let request = Request {
        jobs: args.run.jobs,
        keep_going: args.run.keep_going,
        force: args.run.force,
        no_wait: args.run.no_wait,
        gpus: gpus(args.run.device.into())?,
        ..opened.request(session, &args.targets)
    };
    let mailbox = Mailbox::default();
    signals::pass_on(mailbox.interrupter())?;
    let mut watcher = Watcher { view: session.view(args.run.progress, json), clock: session.clock };
    let program = session.program.clone();
    let built = opened.ask(|question| {
        let order = Order {
            project: &opened.project,
            settings: &opened.settings,
            request: &request,
            question,
            program,
        };
        engine::build(&order, mailbox, &mut watcher)
    });
    match built {
        Ok(summary) => Ok(summary.exit_code as u8),
        Err(error) => {
            let trouble = opened.trouble(&error);
            if json {
                // Programs read the end of the stream to know how it went, whatever went wrong.
                watcher.event(&BuildEvent::BuildFinished(BuildSummary {
                    exit_code: trouble.exit_code().into(),
                    failures: vec![error.to_string()],
                    ..BuildSummary::default()
                }));
            }
            drop(watcher);
            Err(trouble)
        }
    }
}

/// What of this machine's GPUs a build uses.
fn gpus(choice: DeviceChoice) -> Result<Option<GpuUse>, CliError> {
    let found = match choice {
        DeviceChoice::Cpu => return Ok(None),
        DeviceChoice::Cuda | DeviceChoice::Auto => steps::gpus(),
    };
    match found {
        Ok(devices) => Ok(Some(GpuUse { has_version: steps::has_gpu_version, devices })),
        Err(_) if choice == DeviceChoice::Auto => Ok(None),
        Err(error) => Err(CliError::of(Kind::Environment, &error).hint(error.hint())),
    }
}

/// Feeds a view with events and the time.
pub struct Watcher {
    pub view: Box<dyn View + Send>,
    pub clock: Clock,
}

impl Observer for Watcher {
    fn event(&mut self, event: &BuildEvent) {
        self.view.event(event, self.clock.elapsed());
    }

    fn tick(&mut self) {
        self.view.tick(self.clock.elapsed());
    }
}
