//! The interpreter as recipes meet it: hermetic, limited, strict.

use std::sync::Arc;

use rhai::packages::{
    ArithmeticPackage, BasicArrayPackage, BasicFnPackage, BasicIteratorPackage, BasicMapPackage,
    BasicMathPackage, BasicStringPackage, LanguageCorePackage, LogicPackage, MoreStringPackage,
    Package,
};
use rhai::{Dynamic, Engine, EvalContext, ImmutableString, Map, OptimizationLevel, Target};

use crate::recipe::effort;
use crate::recipe::functions;
use crate::recipe::host::{Answer, Host, fail};
use crate::recipe::limits;
use crate::recipe::modules::Modules;
use crate::recipe::problem::Problem;

/// Words of the language that a recipe must do without, because a recipe gives the same graph
/// every time and prints nothing.
pub const FORBIDDEN: [&str; 6] = ["eval", "print", "debug", "timestamp", "sleep", "exit"];

/// An interpreter with every limit set and every host function registered.
pub fn build(host: &Arc<Host>) -> Engine {
    let mut engine = Engine::new_raw();
    LanguageCorePackage::new().register_into_engine(&mut engine);
    ArithmeticPackage::new().register_into_engine(&mut engine);
    BasicStringPackage::new().register_into_engine(&mut engine);
    BasicIteratorPackage::new().register_into_engine(&mut engine);
    BasicFnPackage::new().register_into_engine(&mut engine);
    LogicPackage::new().register_into_engine(&mut engine);
    BasicMathPackage::new().register_into_engine(&mut engine);
    BasicArrayPackage::new().register_into_engine(&mut engine);
    BasicMapPackage::new().register_into_engine(&mut engine);
    MoreStringPackage::new().register_into_engine(&mut engine);
    for word in FORBIDDEN {
        engine.disable_symbol(word);
    }
    // Literals must stay as written, or their places would be lost.
    engine.set_optimization_level(OptimizationLevel::None);
    engine
        .set_strict_variables(true)
        // The built-in operators would hide the comparisons that are refused below.
        .set_fast_operators(false)
        .set_max_operations(limits::OPERATIONS)
        .set_max_call_levels(limits::CALL_LEVELS)
        .set_max_expr_depths(limits::EXPRESSION_DEPTH, limits::EXPRESSION_DEPTH)
        .set_max_variables(limits::VARIABLES)
        .set_max_functions(limits::FUNCTIONS)
        .set_max_modules(limits::MODULES)
        // The interpreter's bounds on sizes cost more than they save; `effort` has others.
        .set_max_string_size(0)
        .set_max_array_size(0)
        .set_max_map_size(0);
    refuse_missing_properties(&mut engine, host.clone());
    hide_effects(&mut engine);
    refuse_mixed_comparisons(&mut engine);
    effort::count(&mut engine);
    engine.set_module_resolver(Modules::new(host.clone()));
    functions::register(&mut engine, host);
    engine
}

/// Reading a property that a map lacks is an error. The interpreter asks the same question when
/// an assignment adds a property; only the script's text tells the two apart.
fn refuse_missing_properties(engine: &mut Engine, host: Arc<Host>) {
    engine.on_map_missing_property(move |map: &mut Map, name: &str, context: EvalContext| {
        let script = host.script(context.source().unwrap_or_default());
        if script.is_some_and(|script| script.adds(name)) {
            return Ok(Target::RefMut(map.entry(name.into()).or_insert(Dynamic::UNIT)));
        }
        let known = map.keys().map(ToString::to_string).collect();
        Err(fail(Problem::NoProperty { name: name.to_owned(), known }.anywhere()))
    });
}

/// The core package brings functions that wait or end the script; these stand in front of them.
fn hide_effects(engine: &mut Engine) {
    let refuse = |word: &'static str| -> Answer<()> {
        Err(fail(Problem::Forbidden { word: word.to_owned() }.anywhere()))
    };
    engine.register_fn("sleep", move |_: i64| refuse("sleep"));
    engine.register_fn("sleep", move |_: f64| refuse("sleep"));
    engine.register_fn("exit", move || refuse("exit"));
    engine.register_fn("exit", move |_: Dynamic| refuse("exit"));
}

/// The language calls values of different types unequal and in no order, without a word. A run
/// number captured as a text and compared with a number would then silently select nothing.
fn refuse_mixed_comparisons(engine: &mut Engine) {
    type Text = ImmutableString;
    for operator in ["<", "<=", ">", ">=", "==", "!="] {
        let refuse = move |left: &'static str, right: &'static str| -> Answer<bool> {
            Err(fail(Problem::MixedComparison { operator, left, right }.anywhere()))
        };
        engine.register_fn(operator, move |_: Text, _: i64| refuse("a text", "an integer"));
        engine.register_fn(operator, move |_: i64, _: Text| refuse("an integer", "a text"));
        engine.register_fn(operator, move |_: Text, _: f64| refuse("a text", "a float"));
        engine.register_fn(operator, move |_: f64, _: Text| refuse("a float", "a text"));
    }
}
