//! `attpc list`: what a recipe offers.

use clap::Args;

use crate::cli::error::CliError;
use crate::cli::options::{JsonOption, ProjectOptions};
use crate::cli::project::Opened;
use crate::cli::session::Session;
use crate::engine;
use crate::graph::{self, ActionId, Graph};
use crate::model::declare::Command;
use crate::ui::line::Line;
use crate::ui::tables::Table;

/// List the recipe's rules, or the actions and outputs of some of them
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Rules, output paths or actions; their actions are listed
    pub targets: Vec<String>,

    /// List all actions instead of rules
    #[arg(long)]
    pub actions: bool,

    /// List outputs only, one on each line
    #[arg(long)]
    pub outputs: bool,

    #[command(flatten)]
    pub project: ProjectOptions,

    #[command(flatten)]
    pub answer: JsonOption,
}

/// Lists rules or actions.
pub fn run(args: &ListArgs, session: &mut Session) -> Result<u8, CliError> {
    let opened = Opened::find(session, &args.project)?;
    let loaded = opened
        .ask(|question| engine::graph(&opened.project, question))
        .map_err(|error| opened.trouble(&error))?;
    let graph = &loaded.graph;
    if !args.actions && !args.outputs && args.targets.is_empty() {
        return rules(graph, args.answer.json, session);
    }
    let in_project = |typed: &str| opened.project.in_project(&session.directory, typed);
    let chosen = graph::select(graph, &args.targets, &in_project)
        .map_err(|error| opened.trouble(&error.into()))?;
    actions(graph, &chosen, args, session)
}

fn rules(graph: &Graph, json: bool, session: &mut Session) -> Result<u8, CliError> {
    let mut counts = vec![0usize; graph.rules.len()];
    graph.order().for_each(|action| counts[graph.rule_index(action)] += 1);
    let is_default = |name: &str| graph.default_targets.iter().any(|target| target.name == name);
    if json {
        let rules: Vec<_> = graph
            .rules
            .iter()
            .zip(&counts)
            .map(|(rule, actions)| {
                serde_json::json!({
                    "rule": rule.name,
                    "actions": actions,
                    "does": does(&rule.command),
                    "tags": rule.tags,
                    "default": is_default(&rule.name),
                    "at": rule.span.to_string(),
                })
            })
            .collect();
        return print_json(&rules, session);
    }
    let mut table = Table::new(&["rule", "#actions", "does", "outputs"]);
    for (rule, actions) in graph.rules.iter().zip(&counts) {
        let name = match is_default(&rule.name) {
            true => format!("{} (default)", rule.name),
            false => rule.name.clone(),
        };
        let outputs: Vec<String> =
            rule.outputs.at(0).iter().map(|port| port.path.to_string()).collect();
        table.row([name, actions.to_string(), does(&rule.command), outputs.join(" ")]);
    }
    session.print_lines(&table.lines(session.width()))?;
    Ok(crate::cli::SUCCESS)
}

/// What a rule runs, in one word or two.
fn does(command: &Command) -> String {
    match command {
        Command::Kernel(name) => name.clone(),
        Command::Argv(words) => words.first().map(ToString::to_string).unwrap_or_default(),
        Command::Shell(_) => "shell".to_owned(),
        Command::Script { path, .. } => path.clone(),
    }
}

fn actions(
    graph: &Graph,
    chosen: &[ActionId],
    args: &ListArgs,
    session: &mut Session,
) -> Result<u8, CliError> {
    let outputs = |action: ActionId| -> Vec<&str> {
        graph.outputs(action).map(|(_, artifact)| graph.path(artifact)).collect()
    };
    if args.answer.json {
        let list: Vec<_> = chosen
            .iter()
            .map(|&action| {
                let inputs: Vec<&str> =
                    graph.inputs(action).map(|(_, artifact)| graph.path(artifact)).collect();
                serde_json::json!({
                    "id": graph.label(action),
                    "rule": graph.rule(action).name,
                    "inputs": inputs,
                    "outputs": outputs(action),
                })
            })
            .collect();
        return print_json(&list, session);
    }
    let lines: Vec<Line> = if args.outputs {
        chosen.iter().flat_map(|&action| outputs(action)).map(Line::text).collect()
    } else {
        let mut table = Table::new(&["action", "outputs"]);
        for &action in chosen {
            table.row([graph.label(action), outputs(action).join(" ")]);
        }
        table.lines(session.width())
    };
    session.print_lines(&lines)?;
    Ok(crate::cli::SUCCESS)
}

/// Prints an answer for programs.
pub fn print_json(
    answer: &(impl serde::Serialize + ?Sized),
    session: &mut Session,
) -> Result<u8, CliError> {
    let text = serde_json::to_string_pretty(answer).expect("answers have text keys only");
    session.print(&(text + "\n"))?;
    Ok(crate::cli::SUCCESS)
}
