//! What every consumer of a build's events offers, and which one serves a given output.

use std::time::Duration;

use crate::model::event::BuildEvent;

/// A consumer of a build's events.
///
/// `now` is the time since the build began; the views know no other clock.
pub trait View {
    /// Takes the next event.
    fn event(&mut self, event: &BuildEvent, now: Duration);

    /// Lets time pass: to be called a few times a second while nothing happens.
    fn tick(&mut self, now: Duration);
}

/// How much a person wants to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    /// Warnings and failures only.
    Quiet,
    Normal,
    /// Every action as it starts, with its reasons, and as it ends.
    Verbose,
}

/// How a build is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Manner {
    pub verbosity: Verbosity,
    /// Whether labels become colours.
    pub colour: bool,
    /// Whether progress is told between notable events.
    pub progress: bool,
}

impl Manner {
    /// Progress is nothing for a reader who wants to hear of trouble only.
    pub fn tells_progress(&self) -> bool {
        self.progress && self.verbosity > Verbosity::Quiet
    }
}

/// The size of a terminal in character cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Screen {
    pub columns: usize,
    pub rows: usize,
}
