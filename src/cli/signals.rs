//! Signals of the terminal and the system, as wishes a build can understand.

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::cli::error::{CliError, Kind};
use crate::engine::Interrupt;

/// Passes signals on from a thread of its own. While nothing runs yet (a build waits for the lock,
/// evaluates, reads inputs) nobody takes them, and the program ends: it holds nothing that the
/// kernel does not clear away. A lost terminal (SIGHUP) does not end a build: it
/// goes on, and what it would have shown is lost with the terminal.
pub fn pass_on(interrupt: impl Fn(Interrupt) -> bool + Send + 'static) -> Result<(), CliError> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).map_err(|error| {
        CliError::new(Kind::Environment, "cannot listen for signals").caused_by(&error)
    })?;
    std::thread::spawn(move || {
        for signal in &mut signals {
            let taken = match signal {
                SIGINT => interrupt(Interrupt::Keyboard),
                SIGTERM => interrupt(Interrupt::Terminate),
                _ => true,
            };
            if !taken {
                std::process::exit(Kind::Interrupted.exit_code().into());
            }
        }
    });
    Ok(())
}
