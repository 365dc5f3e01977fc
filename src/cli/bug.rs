//! A panic is a bug of ours, and is reported as one.
//!
//! The hook only notes the panic: rooms that call C or foreign code catch some panics and turn
//! them into errors, and those must not look like a crash. What reaches the top is told.

use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::sync::{Arc, Mutex, PoisonError};

/// Exit code of a bug of ours.
const BUG: u8 = 70;

/// Notes panics from the moment it is installed.
pub struct Watch {
    last: Arc<Mutex<Option<String>>>,
}

impl Watch {
    /// Takes over the process's panic hook.
    pub fn install() -> Watch {
        let last = Arc::new(Mutex::new(None));
        let note = Arc::clone(&last);
        panic::set_hook(Box::new(move |info| {
            *note.lock().unwrap_or_else(PoisonError::into_inner) = Some(describe(info));
        }));
        Watch { last }
    }

    /// Runs the program; a panic that nobody caught becomes a report and exit code 70.
    pub fn guard(&self, program: impl FnOnce() -> u8) -> u8 {
        panic::catch_unwind(AssertUnwindSafe(program)).unwrap_or_else(|_| {
            let last = self.last.lock().unwrap_or_else(PoisonError::into_inner).take();
            eprint!("{}", report(&last.unwrap_or_else(|| "no message".to_owned())));
            BUG
        })
    }
}

/// Message, place and thread of a panic, and the calls that led there if they are asked for.
fn describe(info: &PanicHookInfo<'_>) -> String {
    let payload = info.payload();
    let message = payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned());
    let place = info.location().map(|at| format!(" at {at}")).unwrap_or_default();
    let trace = std::backtrace::Backtrace::capture();
    let thread = std::thread::current();
    let name = thread.name().unwrap_or("unnamed").to_owned();
    match trace.status() {
        std::backtrace::BacktraceStatus::Captured => {
            format!("{message}{place} (thread {name})\n{trace}")
        }
        _ => format!("{message}{place} (thread {name})"),
    }
}

fn report(what: &str) -> String {
    let version = env!("CARGO_PKG_VERSION");
    format!(
        "error: attpc {version} met a bug of its own\ncaused by: {what}\nhint: finished actions \
         are kept and another build goes on from there; please report this text together with \
         the directory `.attpc/journal`\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bug_is_called_one() {
        let text = report("index out of bounds at src/a.rs:1:2 (thread main)");
        assert!(text.starts_with("error: attpc "), "{text}");
        assert!(text.contains("bug") && text.contains(".attpc/journal"), "{text}");
    }
}
