//! A graph as text for other programs: Graphviz, Mermaid, JSON.

use serde::Serialize;

use crate::model::reason::VerdictKind;

/// A graph to be drawn. What a node stands for (a rule, an action) is the caller's choice; a graph
/// of rules stays readable where one of ten thousand actions does not.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct GraphView {
    pub nodes: Vec<GraphNode>,
    pub edges: Vec<GraphEdge>,
}

/// A rule or an action.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GraphNode {
    /// Unique within the graph.
    pub name: String,
    /// Actions that the node stands for.
    pub actions: usize,
    /// The verdict where it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<VerdictKind>,
}

/// What one node makes and another one reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GraphEdge {
    /// Places in [`GraphView::nodes`].
    pub from: usize,
    pub to: usize,
    /// The artifact or its pattern; may be empty.
    pub artifact: String,
}

impl GraphNode {
    /// The name, with the number of actions where it is not one.
    fn caption(&self) -> String {
        if self.actions == 1 {
            self.name.clone()
        } else {
            format!("{} ({})", self.name, self.actions)
        }
    }

    /// Fill colours that differ in brightness too, so that they survive a grey print.
    fn fill(&self) -> &'static str {
        match self.verdict {
            None => "#ffffff",
            Some(VerdictKind::Fresh) => "#d9f0d3",
            Some(VerdictKind::Restorable) => "#c7e0f4",
            Some(VerdictKind::Pending) => "#f7ecc0",
            Some(VerdictKind::Stale) => "#f4b183",
        }
    }
}

/// The graph in Graphviz's language.
pub fn dot(graph: &GraphView) -> String {
    let mut text = String::from("digraph attpc {\n    rankdir = LR;\n");
    text += "    node [shape = box, style = filled, fontname = \"sans-serif\"];\n";
    for (at, node) in graph.nodes.iter().enumerate() {
        let caption = quoted(&node.caption());
        text += &format!("    n{at} [label = {caption}, fillcolor = \"{}\"];\n", node.fill());
    }
    for edge in &graph.edges {
        let label = match edge.artifact.as_str() {
            "" => String::new(),
            artifact => format!(" [label = {}]", quoted(artifact)),
        };
        text += &format!("    n{} -> n{}{label};\n", edge.from, edge.to);
    }
    text + "}\n"
}

/// The graph in Mermaid's language, as GitHub and GitLab render it in Markdown.
pub fn mermaid(graph: &GraphView) -> String {
    let mut text = String::from("flowchart LR\n");
    for (at, node) in graph.nodes.iter().enumerate() {
        text += &format!("    n{at}[\"{}\"]\n", entities(&node.caption()));
        if node.verdict.is_some() {
            text += &format!("    style n{at} fill:{}\n", node.fill());
        }
    }
    for edge in &graph.edges {
        let label = match edge.artifact.as_str() {
            "" => String::new(),
            artifact => format!("|\"{}\"|", entities(artifact)),
        };
        text += &format!("    n{} -->{label} n{}\n", edge.from, edge.to);
    }
    text
}

/// The graph as one JSON object with `nodes` and `edges`.
pub fn json(graph: &GraphView) -> String {
    serde_json::to_string_pretty(graph).expect("graphs hold text keys only") + "\n"
}

/// A text between double quotes for Graphviz.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}

/// A text for Mermaid, whose quoted labels know HTML's entities and no backslashes.
fn entities(text: &str) -> String {
    text.chars().fold(String::new(), |mut safe, c| {
        match c {
            '"' => safe.push_str("#quot;"),
            '#' => safe.push_str("#35;"),
            '<' => safe.push_str("#lt;"),
            '>' => safe.push_str("#gt;"),
            '\n' => safe.push(' '),
            c => safe.push(c),
        }
        safe
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph() -> GraphView {
        let node = |name: &str, actions, verdict| GraphNode { name: name.into(), actions, verdict };
        GraphView {
            nodes: vec![node("a \"b\"", 2, Some(VerdictKind::Stale)), node("table", 1, None)],
            edges: vec![GraphEdge { from: 0, to: 1, artifact: "plots/{run}.csv".into() }],
        }
    }

    #[test]
    fn dot_quotes_names() {
        let text = dot(&graph());
        assert!(
            text.contains("n0 [label = \"a \\\"b\\\" (2)\", fillcolor = \"#f4b183\"];"),
            "{text}"
        );
        assert!(text.contains("n0 -> n1 [label = \"plots/{run}.csv\"];"), "{text}");
    }

    #[test]
    fn mermaid_quotes_names() {
        assert_eq!(
            mermaid(&graph()),
            "flowchart LR\n    n0[\"a #quot;b#quot; (2)\"]\n    style n0 fill:#f4b183\n    \
             n1[\"table\"]\n    n0 -->|\"plots/{run}.csv\"| n1\n"
        );
    }

    #[test]
    fn json_names_nodes_and_edges() {
        let value: serde_json::Value = serde_json::from_str(&json(&graph())).unwrap();
        assert_eq!(value["nodes"][0]["verdict"], "stale");
        assert_eq!(value["edges"][0]["to"], 1);
    }
}
