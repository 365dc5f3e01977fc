//! The kernel `attpc.report`: everything of a trial on one page.

mod settings;

use std::collections::BTreeSet;
use std::path::Path;

use crate::data::error::DataError;
use crate::data::parquet::read_table;
use crate::kernels::attpc::estimate::Rejection;
use crate::kernels::attpc::figure::rates::RunRates;
use crate::kernels::attpc::figure::words::count;
use crate::kernels::attpc::report::findings::{findings, rejection_findings};
use crate::kernels::attpc::report::{
    Reason, Rejections, counts_table, rejections_table, stages_table, sum,
};
use crate::kernels::figure::axes::thousands;
use crate::kernels::report::embed::title_of;
use crate::kernels::report::page::{Block, Finding, Page, Picture, Section, Weight};
use crate::kernels::report::table::{Cell, Table};
use crate::model::step::{
    ABSENT_ROLE, COSTS_ROLE, KernelInfo, ParamInfo, ParamKind, PortInfo, RuleCost,
};
use crate::model::value::Value;
use crate::steps::attpc::run_counts::{self, RunCounts, is_bare, ports};
use crate::steps::attpc::solve::reason_words;
use crate::steps::{Job, StepError, StepSummary};

/// With more runs than this their table is folded.
const MOST_RUNS: usize = 20;
/// Warnings that the page shows; a broken detector can make any number of them.
const MOST_WARNINGS: usize = 500;

/// What `attpc.report` says of itself.
pub fn info() -> KernelInfo {
    let many = |role, doc| PortInfo {
        role,
        required: false,
        many: true,
        directory: false,
        named: true,
        doc,
    };
    let mut inputs = vec![
        many("figure", "SVG pictures, shown in the order given"),
        many("params", "TOML or JSON files of parameters"),
    ];
    inputs.extend(ports(false));
    inputs.extend([
        many("rejected_estimate", "Parquet table `rejected` of attpc.estimate"),
        many("rejected_track", "Parquet table `rejected` of attpc.solve"),
        many(COSTS_ROLE, "JSON, what each phase cost; supplied by a build"),
        many(ABSENT_ROLE, "JSON, files that could not be made; supplied by a build"),
        many("warnings", "text, one warning a line"),
    ]);
    let text = |name, default: &str, doc| ParamInfo {
        name,
        kind: ParamKind::Text,
        default: Some(Value::Text(default.to_owned())),
        unit: "",
        doc,
    };
    KernelInfo {
        name: "attpc.report",
        version: 1,
        summary: "Writes one self-contained page on a trial: pictures, counts, parameters.",
        inputs,
        outputs: vec![PortInfo {
            role: "report",
            required: true,
            many: false,
            directory: false,
            named: false,
            doc: "HTML, opened by any browser; needs nothing beside it",
        }],
        params: vec![
            text("title", "AT-TPC trial", "heading of the page"),
            text("description", "", "what the trial is about, shown under the heading"),
            text("look_first", "", "remarks for the reader, one a line, shown before all else"),
        ],
        item_names: &[],
    }
}

/// Writes the page.
pub fn run(job: &Job<'_>) -> Result<StepSummary, StepError> {
    let counts = run_counts::count(job)?;
    let rejections = read_rejections(job)?;
    let settings = settings::read(job)?;
    let warnings = read_warnings(job)?;
    let mut summary = StepSummary::default();
    if counts.runs.is_empty() && job.inputs("figure").is_empty() {
        summary.warnings.push("no pictures and no runs were given, the page is bare".to_owned());
    }
    let page = Page {
        title: job.text("title").unwrap_or_default().to_owned(),
        description: job.text("description").unwrap_or_default().to_owned(),
        facts: facts(&counts),
        findings: all_findings(job, absent_words(job)?, (&counts, &rejections, settings.changed, warnings.len())),
        sections: vec![
            counts_section(&counts),
            figures_section(job)?,
            rejected_section(&rejections),
            timing_section(job)?,
            settings.section,
            warnings_section(&warnings),
        ],
        footer: "Counts come from the files of the phases themselves. This page needs no other \
                 file, runs nothing, and has the same bytes for the same inputs, but for the timings."
            .to_owned(),
    };
    let path = Path::new(job.output("report").expect("the port is required"));
    std::fs::write(path, page.html())
        .map_err(|source| DataError::Write { path: path.to_owned(), source })?;
    Ok(summary)
}

fn facts(counts: &RunCounts) -> Vec<(String, String)> {
    let mut facts = Vec::new();
    if !counts.runs.is_empty() {
        let noun = if counts.runs.len() == 1 { "run" } else { "runs" };
        facts.push((counts.runs.len().to_string(), noun.to_owned()));
    }
    for (stage, name) in counts.stages.iter().enumerate() {
        if let Some(sum) = sum(&counts.runs, stage) {
            facts.push((thousands(&sum.to_string()), name.clone()));
        }
    }
    facts
}

type Observed<'o> = (&'o RunCounts, &'o Rejections, usize, usize);

fn all_findings(job: &Job<'_>, absent: Option<String>, observed: Observed<'_>) -> Vec<Finding> {
    let (counts, rejections, changed, warnings) = observed;
    let note = |words: String, section| Finding { weight: Weight::Note, words, section };
    let words = job.text("look_first").unwrap_or_default();
    let mut found: Vec<Finding> = words
        .lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| note(line.trim().to_owned(), ""))
        .collect();
    found.extend(absent.map(|words| Finding { weight: Weight::Check, words, section: "counts" }));
    found.extend(findings(&counts.stages, &counts.runs));
    if warnings > 0 {
        let words = format!("The phases gave {}.", count(warnings, "warning"));
        found.push(Finding { weight: Weight::Check, words, section: "warnings" });
    }
    found.extend(rejection_findings(rejections));
    match changed {
        0 => {}
        1 => found.push(note("One parameter differs from its default.".to_owned(), "parameters")),
        _ => {
            let words = format!("{changed} parameters differ from their defaults.");
            found.push(note(words, "parameters"));
        }
    }
    found
}

/// What the page is not about, because it could not be made: a page must not look whole when it is
/// not.
fn absent_words(job: &Job<'_>) -> Result<Option<String>, StepError> {
    let mut runs = BTreeSet::new();
    let mut others = BTreeSet::new();
    for path in job.inputs(ABSENT_ROLE) {
        let files: Vec<String> = read_json(path, "a list of files")?;
        for file in files {
            match run_counts::run_in_name(&file) {
                Ok(run) => drop(runs.insert(run)),
                Err(_) => drop(others.insert(file_name(&file).to_owned())),
            }
        }
    }
    let listed = |names: Vec<String>| names.join(", ");
    let runs = listed(runs.iter().map(i64::to_string).collect());
    let others = listed(others.into_iter().collect());
    Ok(match (runs.as_str(), others.as_str()) {
        ("", "") => None,
        (runs, "") => Some(format!("Not all of run {runs} could be worked on: an action failed.")),
        ("", others) => Some(format!("Could not be made, because an action failed: {others}.")),
        (runs, others) => Some(format!(
            "Not all of run {runs} could be worked on, nor could be made: {others}. Actions failed."
        )),
    })
}

fn read_json<T: serde::de::DeserializeOwned>(
    path: &str,
    expected: &'static str,
) -> Result<T, DataError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| DataError::Read { path: path.into(), source })?;
    let wrong = |source| DataError::Document { path: path.into(), expected, source };
    serde_json::from_str(&text).map_err(wrong)
}

fn counts_section(counts: &RunCounts) -> Section {
    let mut blocks = Vec::new();
    if !counts.runs.is_empty() {
        let stages = stages_table(&counts.stages, &counts.runs);
        blocks.push(Block::Table(String::new(), stages));
        let runs = counts_table(&counts.stages, &counts.runs);
        blocks.push(match counts.runs.len() {
            0..=MOST_RUNS => Block::Table("run by run".to_owned(), runs),
            many => Block::Folded(format!("run by run, {many} runs"), runs),
        });
        let gap = |run: &RunRates| (0..counts.stages.len()).any(|at| run.count(at).is_none());
        if counts.runs.iter().any(gap) {
            let words = "A dash: no file of that phase was given for the run.";
            blocks.push(Block::Words(words.to_owned()));
        }
    }
    Section { name: "counts", heading: "Counts", blocks }
}

fn figures_section(job: &Job<'_>) -> Result<Section, StepError> {
    let read = |path: &str| {
        let svg = std::fs::read_to_string(path)
            .map_err(|source| DataError::Read { path: path.into(), source })?;
        let caption = match title_of(&svg) {
            Some(title) => format!("{title} ({})", file_name(path)),
            None => file_name(path).to_owned(),
        };
        Ok(Block::Picture(Picture { caption, svg }))
    };
    let blocks = job.inputs("figure").into_iter().map(read).collect::<Result<_, StepError>>()?;
    Ok(Section { name: "figures", heading: "Figures", blocks })
}

/// The last part of a path, because where a trial lies is nobody's business.
fn file_name(path: &str) -> &str {
    Path::new(path).file_name().and_then(|name| name.to_str()).unwrap_or(path)
}

fn rejected_section(rejections: &Rejections) -> Section {
    let blocks = match rejections.is_empty() {
        true => Vec::new(),
        false => vec![Block::Table(String::new(), rejections_table(rejections))],
    };
    Section { name: "rejected", heading: "Rejected, and why", blocks }
}

fn read_rejections(job: &Job<'_>) -> Result<Rejections, StepError> {
    let mut rejections = Rejections::new();
    for (role, phase) in [("rejected_estimate", "estimate"), ("rejected_track", "solve")] {
        for path in job.inputs(role) {
            let table = read_table(Path::new(path))?;
            if is_bare(&table) {
                continue;
            }
            let codes = table.integers("reason")?;
            for (run, code) in table.integers("orig_run")?.iter().zip(codes.iter()) {
                let reason = Reason { phase: phase.to_owned(), words: why(phase, *code) };
                *rejections.entry(reason).or_default().entry(*run).or_insert(0) += 1;
            }
        }
    }
    Ok(rejections)
}

/// A phase's code for a reason in words; a code of a later version keeps its number.
fn why(phase: &str, code: i64) -> String {
    let known = match phase {
        "estimate" => Rejection::from_code(code).map(|why| format!("clusters {}", why.words())),
        "solve" => reason_words(code).map(|words| format!("clusters {words}")),
        _ => None,
    };
    known.unwrap_or_else(|| format!("reason {code}"))
}

/// What each phase cost when it ran last; empty outside of a build.
fn timing_section(job: &Job<'_>) -> Result<Section, StepError> {
    let mut costs: Vec<RuleCost> = Vec::new();
    for path in job.inputs(COSTS_ROLE) {
        costs.extend(read_json::<Vec<RuleCost>>(path, "the costs of phases")?);
    }
    let mut blocks = Vec::new();
    if !costs.is_empty() {
        blocks.push(Block::Words(
            "What each phase cost when it last ran, all its actions together.".to_owned(),
        ));
        blocks.push(Block::Table(String::new(), costs_table(&costs)));
    }
    Ok(Section { name: "timings", heading: "Timings", blocks })
}

fn costs_table(costs: &[RuleCost]) -> Table {
    let seconds = |ms: u64| Cell::Number(format!("{:.2}", ms as f64 / 1000.0));
    let mebibytes = |bytes: u64| match bytes {
        0 => Cell::Nothing,
        bytes => Cell::Number(thousands(&bytes.div_ceil(1 << 20).to_string())),
    };
    let row = |title: &str, cost: &RuleCost| {
        vec![
            Cell::words(title),
            Cell::Number(thousands(&cost.actions.to_string())),
            seconds(cost.cpu_ms),
            seconds(cost.wall_ms),
            mebibytes(cost.peak_memory),
        ]
    };
    let all = costs.iter().fold(RuleCost::default(), |all, cost| RuleCost {
        actions: all.actions + cost.actions,
        cpu_ms: all.cpu_ms + cost.cpu_ms,
        wall_ms: all.wall_ms + cost.wall_ms,
        peak_memory: all.peak_memory.max(cost.peak_memory),
        ..all
    });
    let head = ["phase", "actions", "processor s", "elapsed s", "largest memory, MiB"];
    Table {
        head: head.map(str::to_owned).to_vec(),
        rows: costs.iter().map(|cost| row(&cost.rule, cost)).collect(),
        foot: row("all", &all),
    }
}

fn read_warnings(job: &Job<'_>) -> Result<Vec<String>, StepError> {
    let mut warnings = Vec::new();
    for path in job.inputs("warnings") {
        let text = std::fs::read_to_string(path)
            .map_err(|source| DataError::Read { path: path.into(), source })?;
        let lines = text.lines().filter(|line| !line.trim().is_empty());
        warnings.extend(lines.map(|line| line.trim_end().to_owned()));
    }
    Ok(warnings)
}

fn warnings_section(warnings: &[String]) -> Section {
    let mut blocks = Vec::new();
    if !warnings.is_empty() {
        let shown = warnings.len().min(MOST_WARNINGS);
        blocks.push(Block::Lines(warnings[..shown].to_vec()));
        if shown < warnings.len() {
            let more = count(warnings.len() - shown, "more warning");
            blocks.push(Block::Words(format!("{more} not shown.")));
        }
    }
    Section { name: "warnings", heading: "Warnings", blocks }
}

#[cfg(test)]
mod tests;
