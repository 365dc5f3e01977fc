//! Signals of the terminal and the system, as wishes a build can understand.

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::cli::error::{CliError, Kind};
use crate::engine::Interrupt;

/// Passes signals on from a thread of its own. A lost terminal (SIGHUP) does not end a build: it
/// goes on, and what it would have shown is lost with the terminal.
pub fn pass_on(interrupt: impl Fn(Interrupt) + Send + 'static) -> Result<(), CliError> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).map_err(|error| {
        CliError::new(Kind::Environment, "cannot listen for signals").caused_by(&error)
    })?;
    std::thread::spawn(move || {
        for signal in &mut signals {
            match signal {
                SIGINT => interrupt(Interrupt::Keyboard),
                SIGTERM => interrupt(Interrupt::Terminate),
                _ => {}
            }
        }
    });
    Ok(())
}
