//! Kernel rules against what the kernel says of itself: name, roles, parameters.

use crate::model::declare::{Command, Params, PerItem, Port, RuleDecl};
use crate::model::schema::ParamError;
use crate::model::span::Span;
use crate::model::step::{KernelInfo, ParamKind, PortInfo};
use crate::model::template::{Piece, Template};
use crate::model::value::Value;
use crate::recipe::convert;
use crate::recipe::problem::Problem;
use crate::recipe::rule::Draft;

/// Checks a kernel rule and brings it into its full form: unnamed paths get the first port's role,
/// parameters their defaults, files among the parameters become inputs.
pub fn check(draft: &mut Draft, declared: &mut RuleDecl) {
    let Command::Kernel(name) = &declared.command else { return };
    let kernels = &draft.host.kernels;
    let Some(kernel) = kernels.iter().find(|kernel| kernel.name == name).cloned() else {
        let known = kernels.iter().map(|kernel| kernel.name.to_owned()).collect();
        let problem = Problem::UnknownKernel { name: name.clone(), known };
        let place = draft.place.entry("kernel").span.clone();
        return draft.report(problem.at(&place));
    };
    for (key, ports, infos) in [
        ("input", &mut declared.inputs, &kernel.inputs),
        ("output", &mut declared.outputs, &kernel.outputs),
    ] {
        let values: &mut [Vec<Port>] = match ports {
            PerItem::Same(ports) => std::slice::from_mut(ports),
            PerItem::Each(values) => values,
        };
        // What is wrong for one item is wrong for all; saying it once is enough.
        for ports in values {
            let before = draft.problems.len();
            name_roles(draft, &kernel, (key, infos), ports);
            if draft.problems.len() > before {
                break;
            }
        }
    }
    if let Some(params) = complete(draft, &kernel, &declared.params) {
        declared.inputs = with_files(&kernel, &declared.inputs, &params);
        declared.params = params;
    }
}

fn name_roles(
    draft: &mut Draft,
    kernel: &KernelInfo,
    (key, infos): (&'static str, &[PortInfo]),
    ports: &mut [Port],
) {
    let known: Vec<String> = infos.iter().map(|info| info.role.to_owned()).collect();
    let kernel_name = || kernel.name.to_owned();
    let place = draft.place.entry(key).clone();
    let unnamed = ports.iter().filter(|port| port.role.is_empty()).count();
    if unnamed > 1 && infos.first().is_some_and(|info| !info.many) {
        let role = known.first().cloned().unwrap_or_default();
        let problem = Problem::SinglePath { kernel: kernel_name(), port: key, role, known };
        return draft.report(problem.at(&place.span));
    }
    let before = draft.problems.len();
    for port in ports.iter_mut() {
        let info = match port.role.as_str() {
            "" => infos.first(),
            role => infos.iter().find(|info| info.role == role),
        };
        let Some(info) = info else {
            let role = port.role.clone();
            let span = place.key(&role).clone();
            let known = known.clone();
            let problem = Problem::UnknownRole { kernel: kernel_name(), port: key, role, known };
            draft.report(problem.at(&span));
            continue;
        };
        port.role = info.role.to_owned();
        port.directory = info.directory;
    }
    if draft.problems.len() > before {
        return;
    }
    let missing = infos.iter().filter(|info| info.required);
    for info in missing.filter(|info| !ports.iter().any(|port| port.role == info.role)) {
        // An absent `output` is already said for any rule.
        if ports.is_empty() && key == "output" {
            continue;
        }
        let role = info.role.to_owned();
        let doc = info.doc.to_owned();
        let problem = Problem::MissingRole { kernel: kernel_name(), port: key, role, doc };
        let span = if ports.is_empty() { draft.call.arg(0).span } else { place.span.clone() };
        draft.report(problem.at(&span));
    }
}

/// The parameters with the kernel's defaults; `None` when they do not fit.
fn complete(
    draft: &mut Draft,
    kernel: &KernelInfo,
    params: &PerItem<Params>,
) -> Option<PerItem<Params>> {
    let mut completed = Vec::with_capacity(params.values().len());
    for params in params.values() {
        match kernel.complete(&params.values) {
            Ok(values) => completed.push(Params { values, origins: params.origins.clone() }),
            Err(error) => {
                report_parameter(draft, error);
                return None;
            }
        }
    }
    Some(match params {
        PerItem::Same(_) => PerItem::Same(completed.pop()?),
        PerItem::Each(_) => PerItem::Each(completed),
    })
}

/// Points at the parameter file where the name or value is written, else at the recipe.
fn report_parameter(draft: &mut Draft, error: ParamError) {
    let name = error.name().to_owned();
    let rule = draft.call.arg(0).span;
    let given = draft.place.keys().get("params").cloned();
    let place = draft.place.entry("params").clone();
    let origins = draft.get("params").map(|value| convert::origins(value, draft.host));
    let origin = origins.and_then(|origins| origins.get(&name).cloned());
    let is_name = matches!(error, ParamError::Unknown { .. });
    let problem = Problem::Parameter(error);
    let found = match (origin, &given) {
        (Some(origin), given) => {
            let span: &Span = if is_name { &origin.key } else { &origin.value };
            let note: &Span = given.as_ref().unwrap_or(&rule);
            problem.at(span).note(note, format!("given to rule `{}` here", draft.rule))
        }
        (None, Some(given)) => {
            let (group, last) = name.rsplit_once('.').unwrap_or(("", &name));
            let group = group.split('.').filter(|part| !part.is_empty());
            let group = group.fold(&place, |place, part| place.entry(part));
            let known = group.keys().contains_key(last);
            let span = match (known, is_name) {
                (true, true) => group.key(last),
                (true, false) => &group.entry(last).span,
                (false, _) => given,
            };
            problem.at(span)
        }
        (None, None) => problem.at(&rule),
    };
    draft.report(found);
}

/// The inputs with those files that parameters name.
fn with_files(
    kernel: &KernelInfo,
    inputs: &PerItem<Vec<Port>>,
    params: &PerItem<Params>,
) -> PerItem<Vec<Port>> {
    let is_file = |kind: &ParamKind| matches!(kind, ParamKind::File);
    let names: Vec<&str> =
        kernel.params.iter().filter(|param| is_file(&param.kind)).map(|param| param.name).collect();
    let files = |params: &Params| -> Vec<Port> {
        let file = |name: &&str| match params.values.at(name) {
            Some(Value::Text(path)) => Some(Port {
                role: format!("params.{name}"),
                path: Template { pieces: vec![Piece::Literal(path.clone())] },
                directory: false,
            }),
            _ => None,
        };
        names.iter().filter_map(file).collect()
    };
    let join = |ports: &Vec<Port>, params: &Params| [ports.as_slice(), &files(params)].concat();
    match (inputs, params) {
        (PerItem::Same(ports), PerItem::Same(params)) => PerItem::Same(join(ports, params)),
        (PerItem::Each(each), PerItem::Same(params)) => {
            PerItem::Each(each.iter().map(|ports| join(ports, params)).collect())
        }
        (inputs, PerItem::Each(each)) if names.is_empty() || each.is_empty() => inputs.clone(),
        (inputs, PerItem::Each(each)) => PerItem::Each(
            each.iter().enumerate().map(|(at, params)| join(inputs.at(at), params)).collect(),
        ),
    }
}
