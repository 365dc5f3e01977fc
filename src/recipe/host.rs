//! What host functions share during one evaluation: the bridge to the sources, the kernels, and
//! everything declared or found wrong so far.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use rhai::{Dynamic, EvalAltResult, NativeCallContext, Position};

use crate::model::declare::Declarations;
use crate::model::diagnostic::{Diagnostic, Severity};
use crate::model::span::Span;
use crate::model::step::KernelInfo;
use crate::recipe::ask::Asker;
use crate::recipe::limits;
use crate::recipe::places::{Call, Script};

/// The result of a host function.
pub type Answer<T> = Result<T, Box<EvalAltResult>>;

/// Where a value from a parameter file or the command line was written.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The name before the value; the value itself for elements of lists.
    pub key: Span,
    pub value: Span,
}

/// One `--set NAME=VALUE`.
#[derive(Clone, Debug)]
pub struct Setting {
    pub name: String,
    pub raw: String,
    /// True once a parameter file had the name.
    pub used: bool,
}

/// Everything one evaluation shares.
pub struct Host {
    pub asker: Asker,
    pub kernels: Vec<KernelInfo>,
    state: Mutex<State>,
}

/// What grows while a recipe is evaluated.
#[derive(Default)]
pub struct State {
    pub declarations: Declarations,
    pub diagnostics: Vec<Diagnostic>,
    /// Values carry, as their tag, one more than their index here; tag zero says nothing.
    pub origins: Vec<Origin>,
    pub scripts: BTreeMap<String, Arc<Script>>,
    pub settings: Vec<Setting>,
    /// Dotted names of all parameters that were read, for near misses.
    pub parameters: Vec<String>,
    /// Where each rule was declared.
    pub rules: BTreeMap<String, Span>,
}

impl Host {
    /// A host at the start of an evaluation.
    pub fn new(asker: Asker, kernels: &[KernelInfo], sets: &[(String, String)]) -> Host {
        let setting = |(name, raw): &(String, String)| Setting {
            name: name.clone(),
            raw: raw.clone(),
            used: false,
        };
        let settings = sets.iter().map(setting).collect();
        let state = Mutex::new(State { settings, ..State::default() });
        Host { asker, kernels: kernels.to_vec(), state }
    }

    /// The growing part. Only the script's thread takes the lock, so it is never contended.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("a script that panicked is not continued")
    }

    /// Remembers a message.
    pub fn report(&self, diagnostic: Diagnostic) {
        self.state().diagnostics.push(diagnostic);
    }

    /// The script of a name, where it was loaded.
    pub fn script(&self, file: &str) -> Option<Arc<Script>> {
        self.state().scripts.get(file).cloned()
    }

    /// The call that is being carried out, with the places of its arguments.
    pub fn call(&self, context: &NativeCallContext) -> Arc<Call> {
        let file = context.call_source().unwrap_or_default();
        match self.script(file) {
            Some(script) => script.call(context.call_position()),
            None => Arc::new(Call { span: Span::file(file), args: Vec::new() }),
        }
    }

    /// Where a value was written, for values that come from a parameter file.
    pub fn origin(&self, value: &Dynamic) -> Option<Origin> {
        let index = usize::try_from(value.tag()).ok()?.checked_sub(1)?;
        self.state().origins.get(index).cloned()
    }
}

impl State {
    /// True when evaluation should end because so much is wrong already.
    pub fn is_full(&self) -> bool {
        let errors = self.diagnostics.iter().filter(|found| found.severity == Severity::Error);
        errors.count() >= limits::DIAGNOSTICS
    }
}

/// Ends the script with a message.
pub fn fail(diagnostic: Diagnostic) -> Box<EvalAltResult> {
    Box::new(EvalAltResult::ErrorRuntime(Dynamic::from(diagnostic), Position::NONE))
}
