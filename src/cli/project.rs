//! From options to a project, its settings and the questions the engine asks.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::cli::error::{CliError, Kind};
use crate::cli::options::ProjectOptions;
use crate::cli::session::Session;
use crate::cli::settings;
use crate::engine::{EngineError, Evaluated, Project, Question, Request, Settings};
use crate::model::diagnostic::{Diagnostic, Diagnostics};
use crate::model::sources::Sources;
use crate::model::step::KernelInfo;
use crate::model::text::one_of;
use crate::recipe;
use crate::steps;
use crate::ui::line::Line;

/// A project as the command line names it.
pub struct Opened {
    pub project: Project,
    pub settings: Settings,
    recipe: String,
    sets: Vec<(String, String)>,
    env: BTreeMap<String, String>,
    pub kernels: Vec<KernelInfo>,
}

impl Opened {
    /// Finds the project in the session's directory.
    ///
    /// # Errors
    /// No recipe there, or settings that cannot be read.
    pub fn find(session: &Session, options: &ProjectOptions) -> Result<Opened, CliError> {
        let root = session.directory.clone();
        let recipe = options.file.to_string_lossy().into_owned();
        if !root.join(&options.file).is_file() {
            return Err(no_recipe(&root, &options.file));
        }
        let (settings, state) = settings::read(&root)?;
        let mut project = Project::at(root);
        if let Some(state) = state {
            project.state = project.root.join(state);
        }
        let text = |(name, value): (&std::ffi::OsString, &std::ffi::OsString)| {
            Some((name.to_str()?.to_owned(), value.to_str()?.to_owned()))
        };
        Ok(Opened {
            project,
            settings,
            recipe,
            sets: options.set.clone(),
            env: session.env.iter().filter_map(text).collect(),
            kernels: steps::catalog(),
        })
    }

    /// Calls `then` with the question that the graph answers.
    pub fn ask<T>(&self, then: impl FnOnce(&Question) -> T) -> T {
        let evaluate = |sources: &dyn Sources| -> Evaluated {
            let request =
                recipe::Request { recipe: &self.recipe, sets: &self.sets, kernels: &self.kernels };
            recipe::evaluate(&request, sources).map(|found| (found.declarations, found.warnings))
        };
        then(&Question {
            recipe: &self.recipe,
            sets: &self.sets,
            kernels: &self.kernels,
            env: &self.env,
            evaluate: &evaluate,
        })
    }

    /// A request for targets typed in the session's directory.
    pub fn request(&self, session: &Session, targets: &[String]) -> Request {
        Request {
            targets: targets.to_vec(),
            directory: session.directory.clone(),
            user: {
                let names =
                    ["USER", "LOGNAME"].iter().find_map(|name| self.env.get(*name).cloned());
                names.unwrap_or_else(|| format!("user {}", rustix::process::getuid().as_raw()))
            },
            command_line: session.command_line.clone(),
            ..Request::default()
        }
    }

    /// Diagnostics with excerpts of this project's files.
    pub fn diagnostics(&self, diagnostics: &Diagnostics) -> CliError {
        CliError::recipe(diagnostics, &|file| self.text_of(file))
    }

    /// The text of a file that a span names.
    pub fn text_of(&self, file: &str) -> Option<String> {
        let embedded = recipe::embedded_text(file).map(str::to_owned);
        embedded.or_else(|| std::fs::read_to_string(self.project.root.join(file)).ok())
    }

    /// Tells the recipe's warnings, with excerpts.
    pub fn tell_warnings(&self, warnings: &[Diagnostic], session: &mut Session) {
        for warning in warnings {
            let text = warning.render(&|file| self.text_of(file));
            let lines: Vec<Line> = text.lines().map(Line::text).collect();
            session.tell(&lines);
        }
    }

    /// The engine's trouble as the user meets it.
    pub fn trouble(&self, error: &EngineError) -> CliError {
        match error {
            EngineError::Recipe(diagnostics) => self.diagnostics(diagnostics),
            EngineError::Target(target) => CliError::of(Kind::Usage, target).hint(target.hint()),
            EngineError::MissingSources { shown, total } => {
                let mut wrapped = CliError::of(Kind::Recipe, error);
                for missing in shown {
                    let near = match missing.near.as_slice() {
                        [] => String::new(),
                        near => format!("; did you mean {}?", one_of(near)),
                    };
                    let path = &missing.path;
                    wrapped =
                        wrapped.cause(format!("`{path}`, needed by `{}`{near}", missing.needed_by));
                }
                if *total > shown.len() {
                    wrapped = wrapped.cause(format!("and {} more", total - shown.len()));
                }
                wrapped.hint("put the files in place, or change the recipe's `input`")
            }
            EngineError::Admission { source, .. } => {
                CliError::new(Kind::Recipe, error.to_string()).hint(source.hint())
            }
            EngineError::Locked { .. } => CliError::of(Kind::Locked, error)
                .hint("leave out --no-wait to wait until it is done"),
            EngineError::UnknownExecutor { .. } => {
                CliError::of(Kind::Recipe, error).hint("`local` is the only executor so far")
            }
            EngineError::Placeholder { .. } => CliError::of(Kind::Recipe, error),
            _ => CliError::of(Kind::Environment, error),
        }
    }
}

fn no_recipe(root: &Path, file: &Path) -> CliError {
    let error = CliError::new(
        Kind::Recipe,
        format!("no recipe `{}` in `{}`", file.display(), root.display()),
    );
    let above = root.ancestors().skip(1).find(|parent| parent.join(file).is_file());
    match above {
        Some(above) => error.hint(format!("there is one above: use -C {}", above.display())),
        None => error.hint("`attpc init` copies a shipped recipe; -C names another directory"),
    }
}

/// The state directory of the project in a directory, for commands that need no recipe.
pub fn state_of(session: &Session) -> Result<Project, CliError> {
    let root: PathBuf = session.directory.clone();
    let (_, state) = settings::read(&root)?;
    let mut project = Project::at(root);
    if let Some(state) = state {
        project.state = project.root.join(state);
    }
    Ok(project)
}
