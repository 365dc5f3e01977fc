//! `attpc graph`: the graph as text for other programs.

use clap::{Args, ValueEnum};

use crate::cli::options::ProjectOptions;

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
