//! Edges between actions, build order, cycles.

use crate::graph::{ActionId, ArtifactId, Graph, Lists, NO_ACTION};
use crate::model::diagnostic::Diagnostic;

/// Longest cycle that is printed whole.
const CYCLE_LIMIT: usize = 12;

/// Both directions of "needs" between actions.
pub(super) struct Edges {
    pub(super) upstream: Lists,
    pub(super) downstream: Lists,
}

/// Derives the action graph from inputs and producers. A file inside an output directory is made
/// by whoever makes the directory.
pub(super) fn edges(graph: &Graph) -> Edges {
    let count = graph.action_count();
    let mut upstream = Lists::default();
    let mut fan_out = vec![0u32; count];
    for action in 0..count {
        let mut needs: Vec<u32> = graph
            .inputs
            .get(action)
            .iter()
            .map(|&artifact| graph.producers[artifact as usize])
            .filter(|&producer| producer != NO_ACTION)
            .collect();
        needs.sort_unstable();
        needs.dedup();
        needs.iter().for_each(|&up| fan_out[up as usize] += 1);
        upstream.push(needs);
    }
    Edges { downstream: reversed(&upstream, &fan_out), upstream }
}

fn reversed(upstream: &Lists, fan_out: &[u32]) -> Lists {
    let mut downstream = Lists::default();
    let mut next: Vec<u32> = Vec::with_capacity(fan_out.len());
    let mut total = 0;
    for &count in fan_out {
        next.push(total);
        total += count;
        downstream.starts.push(total);
    }
    downstream.items = vec![0; total as usize];
    for action in 0..upstream.len() {
        for &up in upstream.get(action) {
            let slot = &mut next[up as usize];
            downstream.items[*slot as usize] = action as u32;
            *slot += 1;
        }
    }
    downstream
}

/// All actions, each after its upstream; among free ones in declared order.
///
/// # Errors
/// The cycle, printed along its files.
pub(super) fn topological(graph: &Graph) -> Result<Vec<u32>, Diagnostic> {
    let count = graph.action_count();
    let mut waiting: Vec<u32> =
        (0..count).map(|action| graph.upstream.get(action).len() as u32).collect();
    let mut order: Vec<u32> = (0..count as u32).filter(|&a| waiting[a as usize] == 0).collect();
    let mut next = 0;
    while next < order.len() {
        for &down in graph.downstream.get(order[next] as usize) {
            waiting[down as usize] -= 1;
            if waiting[down as usize] == 0 {
                order.push(down);
            }
        }
        next += 1;
    }
    if order.len() == count { Ok(order) } else { Err(cycle(graph, &waiting)) }
}

/// Walks upstream among the actions that could not be ordered until one repeats.
fn cycle(graph: &Graph, waiting: &[u32]) -> Diagnostic {
    let start = waiting.iter().position(|&w| w > 0).expect("called when actions are left");
    let mut path = vec![start as u32];
    let first = loop {
        let last = *path.last().expect("starts with one action") as usize;
        let up = graph.upstream.get(last).iter().find(|&&up| waiting[up as usize] > 0);
        let up = *up.expect("an action on or behind a cycle waits for another such action");
        if let Some(first) = path.iter().position(|&a| a == up) {
            break first;
        }
        path.push(up);
    };
    let ring: Vec<ActionId> = path[first..].iter().rev().map(|&a| ActionId(a)).collect();
    describe(graph, &ring)
}

fn describe(graph: &Graph, ring: &[ActionId]) -> Diagnostic {
    let mut lines = Vec::new();
    for (at, &action) in ring.iter().enumerate().take(CYCLE_LIMIT) {
        let next = ring[(at + 1) % ring.len()];
        let through = graph
            .inputs(next)
            .map(|(_, artifact)| artifact)
            .find(|&artifact| graph.producer(artifact) == Some(action));
        let path = through.map_or("", |artifact: ArtifactId| graph.path(artifact));
        lines.push(format!("{} -> {path}", graph.label(action)));
    }
    if ring.len() > CYCLE_LIMIT {
        lines.push(format!("({} more)", ring.len() - CYCLE_LIMIT));
    }
    lines.push(graph.label(ring[0]));
    let mut diagnostic = Diagnostic::error(format!("a cycle: {}", lines.join(" -> ")))
        .at(graph.rule(ring[0]).span_of("input"))
        .hint("let one of these rules read something that is not made from its own output");
    let mut seen = vec![graph.rule_index(ring[0])];
    for &action in ring {
        if !seen.contains(&graph.rule_index(action)) {
            seen.push(graph.rule_index(action));
            let rule = graph.rule(action);
            diagnostic =
                diagnostic.note(rule.span_of("input"), format!("rule `{}` reads it", rule.name));
        }
    }
    diagnostic
}
