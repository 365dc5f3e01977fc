//! `attpc graph`: the graph as text for other programs.

use std::collections::{HashMap, HashSet};

use clap::{Args, ValueEnum};

use crate::cli::error::CliError;
use crate::cli::options::ProjectOptions;
use crate::cli::project::Opened;
use crate::cli::session::Session;
use crate::engine;
use crate::graph::{self, ActionId, Graph};
use crate::ui::graphs::{self, GraphEdge, GraphNode, GraphView};

/// Print the graph for Graphviz, Mermaid or another program
#[derive(Debug, Args)]
pub struct GraphArgs {
    /// What to draw with everything it needs; none means the recipe's default targets
    pub targets: Vec<String>,

    /// The language to write
    #[arg(long, value_name = "LANGUAGE", default_value = "dot")]
    pub format: GraphFormat,

    /// Draw every action instead of one node for each rule
    #[arg(long)]
    pub actions: bool,

    #[command(flatten)]
    pub project: ProjectOptions,
}

/// The languages in which a graph is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum GraphFormat {
    /// Graphviz: `attpc graph | dot -Tsvg > graph.svg`
    #[default]
    Dot,
    /// Mermaid, which GitHub and GitLab draw in Markdown
    Mermaid,
    /// One object with `nodes` and `edges`
    Json,
}

/// Prints the graph of the targets and everything they need.
pub fn run(args: &GraphArgs, session: &mut Session) -> Result<u8, CliError> {
    let opened = Opened::find(session, &args.project)?;
    let loaded = opened
        .ask(|question| engine::graph(&opened.project, question))
        .map_err(|error| opened.trouble(&error))?;
    let in_project = |typed: &str| opened.project.in_project(&session.directory, typed);
    let wanted = graph::select(&loaded.graph, &args.targets, &in_project)
        .map_err(|error| opened.trouble(&error.into()))?;
    let needed = loaded.graph.closure(&wanted);
    let view = if args.actions {
        of_actions(&loaded.graph, &needed)
    } else {
        of_rules(&loaded.graph, &needed)
    };
    let text = match args.format {
        GraphFormat::Dot => graphs::dot(&view),
        GraphFormat::Mermaid => graphs::mermaid(&view),
        GraphFormat::Json => graphs::json(&view),
    };
    session.print(&text)?;
    Ok(crate::cli::SUCCESS)
}

fn of_actions(graph: &Graph, needed: &[ActionId]) -> GraphView {
    let mut view = GraphView::default();
    let mut places = HashMap::new();
    for &action in needed {
        places.insert(action, view.nodes.len());
        view.nodes.push(GraphNode { name: graph.label(action), actions: 1, verdict: None });
    }
    for &action in needed {
        for (_, artifact) in graph.inputs(action) {
            let Some(&from) = graph.producer(artifact).and_then(|maker| places.get(&maker)) else {
                continue;
            };
            let artifact = graph.path(artifact).to_owned();
            view.edges.push(GraphEdge { from, to: places[&action], artifact });
        }
    }
    view
}

/// One node for each rule; an edge says which pattern flows between two rules.
fn of_rules(graph: &Graph, needed: &[ActionId]) -> GraphView {
    let mut view = GraphView::default();
    let mut places: HashMap<usize, usize> = HashMap::new();
    for &action in needed {
        let rule = graph.rule_index(action);
        let at = *places.entry(rule).or_insert_with(|| {
            let name = graph.rules[rule].name.clone();
            view.nodes.push(GraphNode { name, actions: 0, verdict: None });
            view.nodes.len() - 1
        });
        view.nodes[at].actions += 1;
    }
    let mut seen = HashSet::new();
    for &action in needed {
        let to = places[&graph.rule_index(action)];
        for (_, artifact) in graph.inputs(action) {
            let Some(maker) = graph.producer(artifact) else { continue };
            let from = places[&graph.rule_index(maker)];
            let made = graph.outputs(maker).position(|(_, output)| output == artifact);
            let port = made.and_then(|at| graph.rule(maker).outputs.at(graph.item(maker)).get(at));
            let artifact = port.map(|port| port.path.to_string()).unwrap_or_default();
            if seen.insert((from, to, artifact.clone())) {
                view.edges.push(GraphEdge { from, to, artifact });
            }
        }
    }
    view
}
