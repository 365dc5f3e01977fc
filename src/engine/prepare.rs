//! Turns an action into a job: a private directory, a command, an environment, limits.
//!
//! A private directory `.attpc/work/N/` holds the outputs under their own file names while they
//! are being made, the log, and for native steps the step document and its progress. It lies on
//! the outputs' file system where possible, so that finishing is a rename. Directories are used
//! again by later attempts, because making and removing files is what a short action costs most.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use crate::engine::error::EngineError;
use crate::engine::limits;
use crate::engine::project::GpuUse;
use crate::engine::render::Meaning;
use crate::execute::local::PreparedJob;
use crate::fsio::error::FsError;
use crate::fsio::tree::Tree;
use crate::fsio::write::parent;
use crate::graph::{ActionId, ArtifactId, Graph};
use crate::model::declare::Command;
use crate::model::resources::Resources;
use crate::model::stamp::Stamp;
use crate::model::step::{ABSENT_ROLE, COSTS_ROLE, DeviceChoice, KernelInfo, RuleCost, StepSpec};
use crate::model::text::shell_quote;

/// What all attempts of a build share.
pub(super) struct Workshop<'w> {
    pub(super) graph: &'w Graph,
    pub(super) tree: &'w Tree,
    /// The private directories' parent, project-relative where it lies inside.
    pub(super) work: String,
    pub(super) program: PathBuf,
    pub(super) env: &'w BTreeMap<String, String>,
    pub(super) grace: Duration,
    pub(super) gpus: Option<GpuUse>,
}

/// An output on its way: made under `from`, belongs at `to`.
#[derive(Clone, Debug)]
pub(super) struct Staged {
    pub(super) artifact: ArtifactId,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) directory: bool,
    /// The stamp of what stands at `to` when that is an earlier result of this action.
    pub(super) known: Option<Stamp>,
}

/// One attempt, ready to start.
pub(super) struct Prepared {
    pub(super) job: PreparedJob,
    pub(super) staging: Staging,
}

/// What of an attempt is needed after it ended.
#[derive(Clone, Debug)]
pub(super) struct Staging {
    /// The private directory.
    pub(super) work: String,
    pub(super) outputs: Vec<Staged>,
    pub(super) depfile: Option<String>,
    /// The command as a person would type it.
    pub(super) shown: String,
    /// What runs the attempt.
    pub(super) executor: &'static str,
}

impl Staging {
    /// The state directory, in which the private one lies.
    pub(super) fn state(&self) -> &str {
        parent(parent(&self.work))
    }

    pub(super) fn log(&self) -> String {
        format!("{}/log", self.work)
    }

    pub(super) fn progress(&self) -> String {
        format!("{}/progress", self.work)
    }
}

/// One attempt's numbers and needs.
pub(super) struct Attempt<'a> {
    pub(super) action: ActionId,
    /// The private directory; it may exist, then it is empty but for an empty log.
    pub(super) work: String,
    pub(super) resources: &'a Resources,
    pub(super) gpus: &'a [u32],
    pub(super) kernel: Option<&'a KernelInfo>,
    /// Inputs that could not be made and that the action does without.
    pub(super) absent: &'a BTreeSet<ArtifactId>,
    /// What upstream cost, for kernels that tell it.
    pub(super) costs: Option<Vec<RuleCost>>,
}

/// What keeps an attempt from being prepared.
#[derive(Debug, thiserror::Error)]
pub(super) enum PrepareError {
    #[error(transparent)]
    File(#[from] FsError),
    /// The recipe room lets only known names through, except per-item closures.
    #[error("`{{{0}}}` means nothing in this rule's command")]
    Placeholder(String),
}

impl From<PrepareError> for EngineError {
    fn from(error: PrepareError) -> Self {
        match error {
            PrepareError::File(error) => EngineError::File(error),
            PrepareError::Placeholder(name) => EngineError::Placeholder { name },
        }
    }
}

/// The executor that is always there.
pub(super) const LOCAL: &str = "local";
/// The same where the step computes on a GPU, so that records tell.
const LOCAL_GPU: &str = "local, cuda";

/// Longest shell text that fits into one argument; longer ones go through a file. The kernel's
/// limit is 128 KiB.
const SHELL_TEXT_LIMIT: usize = 100_000;

impl Workshop<'_> {
    /// Makes the private directory and everything the attempt finds there.
    pub(super) fn prepare(&self, attempt: &Attempt) -> Result<Prepared, PrepareError> {
        let graph = self.graph;
        let work = attempt.work.clone();
        self.tree.create_dir_all(&work)?;
        let outputs = self.stage(attempt, &work)?;
        let names: Vec<String> = outputs.iter().map(|staged| staged.from.clone()).collect();
        let meaning = Meaning {
            graph,
            action: attempt.action,
            outputs: &names,
            resources: attempt.resources,
            absent: attempt.absent,
        };
        let rule = graph.rule(attempt.action);
        let unknown = PrepareError::Placeholder;
        let mut argv = meaning.command().map_err(unknown)?;
        let shown = shown(&argv);
        if let Command::Kernel(name) = &rule.command {
            argv = self.kernel_step(attempt, name, &work, &outputs)?;
        } else if let [_, _, _, text] = argv.as_slice()
            && text.len() > SHELL_TEXT_LIMIT
        {
            let file = format!("{work}/command.sh");
            self.tree.write_cache(&file, text.as_bytes())?;
            argv = vec!["/bin/sh".to_owned(), "-e".to_owned(), file];
        }
        let shown = if shown.is_empty() { self::shown(&argv) } else { shown };
        let depfile = rule.depfile.as_ref().map(|template| meaning.text(template)).transpose();
        let mut env = self.base_env(attempt);
        env.extend(meaning.declared_env().map_err(unknown)?);
        let time = [attempt.resources.time, rule.timeout].into_iter().flatten().min();
        let job = PreparedJob {
            id: attempt.action.0,
            argv: argv.into_iter().map(OsString::from).collect(),
            env,
            directory: self.tree.root().to_owned(),
            log: self.tree.root().join(&work).join("log"),
            memory: attempt.resources.memory,
            time,
            grace: self.grace,
        };
        let depfile = depfile.map_err(unknown)?;
        let executor = if self.is_on_gpu(attempt.action) { LOCAL_GPU } else { LOCAL };
        Ok(Prepared { job, staging: Staging { work, outputs, depfile, shown, executor } })
    }

    /// Chooses a private path for each output: its own file name, because programs look at
    /// endings, below a numbered directory where two outputs share a name.
    fn stage(&self, attempt: &Attempt, work: &str) -> Result<Vec<Staged>, PrepareError> {
        let mut staged: Vec<Staged> = Vec::new();
        for (at, (_, artifact)) in self.graph.outputs(attempt.action).enumerate() {
            let to = self.graph.path(artifact);
            let name = to.rsplit('/').next().expect("a split has at least one part");
            let taken = |path: &str| staged.iter().any(|other| other.from == path);
            let mut from = format!("{work}/{name}");
            if taken(&from)
                || matches!(
                    name,
                    "log" | "progress" | "step.json" | "command.sh" | "costs.json" | "absent.json"
                )
            {
                from = format!("{work}/{at}/{name}");
                self.tree.create_dir_all(&format!("{work}/{at}"))?;
            }
            let directory = self.graph.is_directory(artifact);
            if directory {
                self.tree.create_dir_all(&from)?;
            }
            let to = to.to_owned();
            staged.push(Staged { artifact, from, to, directory, known: None });
        }
        Ok(staged)
    }

    /// Writes the step document and gives the command that runs it.
    fn kernel_step(
        &self,
        attempt: &Attempt,
        name: &str,
        work: &str,
        outputs: &[Staged],
    ) -> Result<Vec<String>, PrepareError> {
        let graph = self.graph;
        let rule = graph.rule(attempt.action);
        let params = &rule.params.at(graph.item(attempt.action)).values;
        let items = attempt.kernel.map_or(&[][..], |kernel| kernel.item_names);
        let item = items.iter().filter_map(|&name| {
            Some((name.to_owned(), graph.item_value(attempt.action, name)?.clone()))
        });
        let roles = graph.outputs(attempt.action).map(|(role, _)| role.to_owned());
        let mut inputs: Vec<(String, String)> = graph
            .inputs(attempt.action)
            .filter(|(_, artifact)| !attempt.absent.contains(artifact))
            .map(|(role, artifact)| (role.to_owned(), graph.path(artifact).to_owned()))
            .collect();
        let absent: Vec<&str> = graph
            .inputs(attempt.action)
            .filter(|(_, artifact)| attempt.absent.contains(artifact))
            .map(|(_, artifact)| graph.path(artifact))
            .collect();
        if !absent.is_empty() && attempt.kernel.is_some_and(|k| k.has_input(ABSENT_ROLE)) {
            let path = format!("{work}/absent.json");
            let text = serde_json::to_vec_pretty(&absent).expect("a list of texts");
            self.tree.write_cache(&path, &text)?;
            inputs.push((ABSENT_ROLE.to_owned(), path));
        }
        if let Some(costs) = &attempt.costs {
            let path = format!("{work}/costs.json");
            let text = serde_json::to_vec_pretty(costs).expect("costs have text keys only");
            self.tree.write_cache(&path, &text)?;
            inputs.push((COSTS_ROLE.to_owned(), path));
        }
        let spec = StepSpec {
            kernel: name.to_owned(),
            params: params.clone(),
            item: item.collect(),
            inputs,
            outputs: roles.zip(outputs.iter().map(|staged| staged.from.clone())).collect(),
            cores: attempt.resources.cores,
            progress: Some(format!("{work}/progress")),
        };
        let path = format!("{work}/step.json");
        let text = serde_json::to_vec_pretty(&spec).expect("a step document has text keys only");
        self.tree.write_cache(&path, &text)?;
        let program = self.program.to_string_lossy().into_owned();
        let mut argv = vec![program, "kernel".to_owned(), "run".to_owned(), path];
        if self.is_on_gpu(attempt.action) {
            argv.extend(["--device".to_owned(), DeviceChoice::Cuda.word().to_owned()]);
        }
        Ok(argv)
    }

    /// True for a native step that computes on a GPU in this build.
    fn is_on_gpu(&self, action: ActionId) -> bool {
        let rule = self.graph.rule(action);
        let (Command::Kernel(name), Some(gpus)) = (&rule.command, self.gpus) else { return false };
        (gpus.has_version)(name, &rule.params.at(self.graph.item(action)).values)
    }

    /// The GPUs that an attempt sees, as the driver names them: those that were set aside for it,
    /// or one that it shares, because native steps take turns within a device.
    fn visible_gpus(&self, attempt: &Attempt) -> String {
        let shared =
            self.gpus.filter(|_| attempt.gpus.is_empty() && self.is_on_gpu(attempt.action));
        let shared = shared.map(|gpus| attempt.action.0 % gpus.devices.max(1));
        // What we may use ourselves has names of its own where the variable is set.
        let names: Vec<&str> = self
            .env
            .get("CUDA_VISIBLE_DEVICES")
            .map_or(Vec::new(), |list| list.split(',').collect());
        let name = |gpu: u32| match names.get(gpu as usize) {
            Some(name) => name.trim().to_owned(),
            None => gpu.to_string(),
        };
        let gpus: Vec<String> = attempt.gpus.iter().copied().chain(shared).map(name).collect();
        gpus.join(",")
    }

    /// The variables every child gets: a short list, because whatever else a command sees could
    /// change its result without anybody noticing. Documented in `docs/reference/recipe.md`.
    fn base_env(&self, attempt: &Attempt) -> Vec<(OsString, OsString)> {
        const PASSED: [&str; 7] = ["PATH", "HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "TZ"];
        let mut env: Vec<(OsString, OsString)> = PASSED
            .iter()
            .filter_map(|&name| Some((name.into(), self.env.get(name)?.into())))
            .collect();
        let cores = attempt.resources.cores.to_string();
        let threads = ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"];
        env.extend(threads.iter().map(|&name| (name.into(), cores.clone().into())));
        env.push(("LC_ALL".into(), "C.UTF-8".into()));
        env.push(("PYTHONHASHSEED".into(), "0".into()));
        env.push(("CUDA_VISIBLE_DEVICES".into(), self.visible_gpus(attempt).into()));
        if self.is_on_gpu(attempt.action) {
            // Where the driver is not among the system's libraries, this is how it is found.
            let path = self.env.get("LD_LIBRARY_PATH");
            env.extend(path.map(|path| ("LD_LIBRARY_PATH".into(), path.into())));
        }
        env
    }
}

/// A command as a person would paste it.
fn shown(argv: &[String]) -> String {
    match argv {
        [sh, _, c, text] if sh == "/bin/sh" && c == "-c" => text.clone(),
        words => words.iter().map(|word| shell_quote(word)).collect::<Vec<_>>().join(" "),
    }
}

/// Grace between interrupt and kill.
pub(super) fn grace(settings: Option<Duration>) -> Duration {
    settings.unwrap_or(limits::GRACE)
}
