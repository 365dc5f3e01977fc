//! `attpc kernel`: lists, describes and runs native analysis steps.
//!
//! `kernel run` is how the engine runs every native step: as a child of the same binary, so that a
//! crash in a C library costs one action and not the build.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use clap::{Args, Subcommand};

use crate::cli::error::{CliError, Kind};
use crate::cli::options::DeviceOption;
use crate::cli::session::{Clock, Session};
use crate::model::step::{
    DeviceChoice, KernelInfo, ParamInfo, ParamKind, PortInfo, Progress, StepSpec,
};
use crate::model::text::{near_misses, one_of};
use crate::model::value::Value;
use crate::steps::{self, StepError};
use crate::ui::line::{Label, Line};
use crate::ui::tables::Table;

/// Progress lines are at least this far apart; a view redraws no more often anyway.
const REPORT_PAUSE: Duration = Duration::from_millis(200);

/// List, describe and run native analysis steps
#[derive(Debug, Args)]
pub struct KernelArgs {
    #[command(subcommand)]
    command: KernelCommand,
}

#[derive(Debug, Subcommand)]
enum KernelCommand {
    /// List all kernels
    List {
        /// Answer in JSON
        #[arg(long)]
        json: bool,
    },
    /// Show a kernel's inputs, outputs and parameters
    Describe {
        /// Name of the kernel, such as attpc.pointcloud
        name: String,
        /// Answer in JSON
        #[arg(long)]
        json: bool,
    },
    /// Run the step that a document describes
    Run {
        /// The step document, in JSON
        #[arg(value_name = "SPEC.json")]
        spec: PathBuf,

        /// Where to compute
        #[arg(long, value_name = "DEVICE", default_value = "cpu")]
        device: DeviceOption,
    },
}

pub fn run(args: &KernelArgs, session: &mut Session) -> Result<u8, CliError> {
    match &args.command {
        KernelCommand::List { json } => list(*json, session)?,
        KernelCommand::Describe { name, json } => describe(name, *json, session)?,
        KernelCommand::Run { spec, device } => run_step(spec, (*device).into(), session)?,
    }
    Ok(crate::cli::SUCCESS)
}

fn list(json: bool, session: &mut Session) -> Result<(), CliError> {
    let catalog = steps::catalog();
    if json {
        return session.print(&in_json(&catalog));
    }
    let mut table = Table::new(&["kernel", "#version", "summary"]);
    for kernel in &catalog {
        table.row([kernel.name, &kernel.version.to_string(), kernel.summary]);
    }
    session.print_lines(&table.lines(session.width()))
}

fn describe(name: &str, json: bool, session: &mut Session) -> Result<(), CliError> {
    let catalog = steps::catalog();
    let kernel = catalog.iter().find(|kernel| kernel.name == name).ok_or_else(|| {
        let near = near_misses(name, catalog.iter().map(|kernel| kernel.name));
        let error = CliError::new(Kind::Usage, format!("no kernel named `{name}`"));
        match (near.as_slice(), steps::missing_feature(name)) {
            (_, Some(feature)) => {
                error.hint(format!("this program was built without its feature `{feature}`"))
            }
            ([], _) => error.hint("`attpc kernel list` names all kernels"),
            (near, _) => error.hint(format!("did you mean {}?", one_of(near))),
        }
    })?;
    if json { session.print(&in_json(kernel)) } else { session.print_lines(&description(kernel)) }
}

fn in_json(value: &(impl serde::Serialize + ?Sized)) -> String {
    serde_json::to_string_pretty(value).expect("kernel tables hold text keys only") + "\n"
}

/// A kernel for people: what it reads, what it makes, what can be set.
fn description(kernel: &KernelInfo) -> Vec<Line> {
    let name = Line::new().with(Label::Strong, kernel.name);
    let mut lines = vec![
        name.with(Label::Quiet, format!("  version {}", kernel.version)),
        Line::text(kernel.summary),
    ];
    let mut section = |title: &str, table: &Table| {
        if !table.is_empty() {
            lines.push(Line::new());
            lines.push(Line::new().with(Label::Strong, title));
            let rows = table.lines(None).into_iter().skip(1);
            lines.extend(rows.map(|row| Line::text("  ").and(row)));
        }
    };
    section("inputs", &ports(&kernel.inputs));
    section("outputs", &ports(&kernel.outputs));
    let mut params = Table::new(&["name", "values", "default", "unit", "meaning"]);
    for param in &kernel.params {
        params.row([
            param.name.to_owned(),
            values(&param.kind),
            default(param),
            param.unit.to_owned(),
            param.doc.to_owned(),
        ]);
    }
    section("parameters", &params);
    lines
}

fn ports(ports: &[PortInfo]) -> Table {
    let mut table = Table::new(&["role", "number", "content"]);
    for port in ports {
        let number = match (port.required, port.many) {
            (true, false) => "one",
            (true, true) => "one or more",
            (false, false) => "optional",
            (false, true) => "any number",
        };
        let number = if port.directory { format!("{number}, directory") } else { number.into() };
        table.row([port.role.to_owned(), number, port.doc.to_owned()]);
    }
    table
}

/// The values a parameter takes, for people.
fn values(kind: &ParamKind) -> String {
    match kind {
        ParamKind::Bool => "true or false".to_owned(),
        ParamKind::Int { min: i64::MIN, max: i64::MAX } => "integer".to_owned(),
        ParamKind::Int { min, max: i64::MAX } => format!("integer from {min}"),
        ParamKind::Int { min, max } => format!("integer {min} to {max}"),
        ParamKind::Float { min, max } => match (min.is_finite(), max.is_finite()) {
            // The smallest positive number stands for an open end at zero.
            (true, false) if *min == f64::MIN_POSITIVE => "number above 0".to_owned(),
            (true, true) if *min == f64::MIN_POSITIVE => format!("number above 0, to {max}"),
            (true, true) => format!("number {min} to {max}"),
            (true, false) => format!("number from {min}"),
            (false, true) => format!("number to {max}"),
            (false, false) => "number".to_owned(),
        },
        ParamKind::Text => "text".to_owned(),
        ParamKind::Choice { of } => of.join(" | "),
        ParamKind::File => "file".to_owned(),
        ParamKind::Any => "any".to_owned(),
    }
}

fn default(param: &ParamInfo) -> String {
    match &param.default {
        None => "required".to_owned(),
        Some(Value::Null) => "none".to_owned(),
        Some(value) => value.to_string(),
    }
}

fn run_step(path: &Path, device: DeviceChoice, session: &mut Session) -> Result<(), CliError> {
    let path = session.directory.join(path);
    let unreadable = |error: io::Error| {
        let message = format!("cannot read step document `{}`", path.display());
        CliError::new(Kind::Environment, message).caused_by(&error)
    };
    let text = std::fs::read_to_string(&path).map_err(unreadable)?;
    let spec: StepSpec = serde_json::from_str(&text).map_err(|error| {
        let message = format!("`{}` is not a step document", path.display());
        CliError::new(Kind::Usage, message).caused_by(&error)
    })?;
    let reports = Reports::open(spec.progress.as_deref(), session.clock).map_err(|error| {
        CliError::new(Kind::Environment, "cannot open the file for progress reports")
            .caused_by(&error)
    })?;
    let summary = steps::run_on(device, &spec, &|progress| reports.take(&progress))
        .map_err(|error| refused(&error))?;
    let warning = |text: &String| {
        Line::new().with(Label::Warning, "warning").with(Label::Plain, format!(": {text}"))
    };
    let warnings: Vec<Line> = summary.warnings.iter().map(warning).collect();
    session.tell(&warnings);
    Ok(())
}

/// A step's error: usage where the document does not fit the kernel, failure otherwise.
fn refused(error: &StepError) -> CliError {
    let kind = match error {
        StepError::UnknownKernel { .. }
        | StepError::MissingFeature { .. }
        | StepError::Params(_)
        | StepError::MissingPort { .. }
        | StepError::UnknownPort { .. }
        | StepError::NoGpuVersion { .. }
        | StepError::TooManyFiles { .. } => Kind::Usage,
        StepError::Gpu(_) => Kind::Environment,
        _ => Kind::Failed,
    };
    match error.hint() {
        Some(hint) => CliError::of(kind, error).hint(hint),
        None => CliError::of(kind, error),
    }
}

/// Writes progress lines to the file that the engine follows, not more often than it looks.
struct Reports {
    file: Option<File>,
    clock: Clock,
    last: Mutex<Option<Duration>>,
}

impl Reports {
    fn open(path: Option<&str>, clock: Clock) -> io::Result<Reports> {
        let open = |path| File::options().append(true).create(true).open(path);
        Ok(Reports { file: path.map(open).transpose()?, clock, last: Mutex::new(None) })
    }

    fn take(&self, progress: &Progress) {
        let Some(mut file) = self.file.as_ref() else { return };
        let now = self.clock.elapsed();
        let mut last = self.last.lock().expect("nothing panics while it is held");
        let finished = progress.total > 0 && progress.done >= progress.total;
        if !finished && last.is_some_and(|last| now - last < REPORT_PAUSE) {
            return;
        }
        *last = Some(now);
        let line = serde_json::to_string(progress).expect("progress holds text keys only");
        // A report that cannot be written must not fail the step whose result is well.
        let _written = file.write_all((line + "\n").as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_is_described_with_ports_and_parameters() {
        let kernel = KernelInfo {
            name: "test.count",
            version: 3,
            summary: "Counts.",
            inputs: vec![PortInfo {
                role: "raw",
                required: true,
                many: true,
                directory: false,
                named: false,
                doc: "runs",
            }],
            outputs: Vec::new(),
            params: vec![ParamInfo {
                name: "threshold",
                kind: ParamKind::Float { min: 0.0, max: f64::INFINITY },
                default: Some(Value::Float(40.0)),
                unit: "ADC",
                doc: "smallest amplitude",
            }],
            item_names: &[],
        };
        let lines: Vec<String> = description(&kernel).iter().map(Line::plain).collect();
        assert_eq!(
            lines,
            [
                "test.count  version 3",
                "Counts.",
                "",
                "inputs",
                "  raw   one or more  runs",
                "",
                "parameters",
                "  threshold  number from 0  40.0     ADC   smallest amplitude",
            ]
        );
    }

    #[test]
    fn reports_are_thinned_and_the_last_one_kept() {
        let space = tempfile::tempdir().unwrap();
        let path = space.path().join("progress");
        let reports = Reports::open(path.to_str(), Clock::started_now()).unwrap();
        for done in 0..=1000 {
            let unit = "events".to_owned();
            reports.take(&Progress { done, total: 1000, unit, ..Progress::default() });
        }
        let text = std::fs::read_to_string(path).unwrap();
        assert!(text.lines().count() < 100, "{text}");
        assert_eq!(text.lines().last(), Some(r#"{"done":1000,"total":1000,"unit":"events"}"#));
    }

    #[test]
    fn a_document_that_is_none_is_refused() {
        let space = tempfile::tempdir().unwrap();
        std::fs::write(space.path().join("spec.json"), "{}").unwrap();
        let mut session = Session::apart(space.path().into(), io::sink(), io::sink());
        let error = run_step(Path::new("spec.json"), DeviceChoice::Cpu, &mut session).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(error.present(false).contains("is not a step document"));
        let error =
            run_step(Path::new("nothing.json"), DeviceChoice::Cpu, &mut session).unwrap_err();
        assert_eq!(error.exit_code(), 4);
    }
}
