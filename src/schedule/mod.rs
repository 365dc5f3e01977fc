//! Room card
//! - job: Decides what starts when: resources, priorities, retries, stopping. A state machine.
//! - takes: requests that became ready, outcomes, the time as a number
//! - gives: orders to start, retry, stop or drop actions
//! - imports: model
//! - touches: nothing
//! - never: starts a process, reads a clock, a file or the environment
//!
//! Rules of the machine, each held by a property test:
//!
//! 1. What runs never exceeds the capacity in any resource.
//! 2. Of the waiting actions that fit, the one with the highest priority starts; among equals the
//!    one that became ready first.
//! 3. An action that does not fit may be overtaken, because idle cores help nobody, but only by as
//!    many starts as the machine has cores (see [`limits`]). Then it reserves: from there on
//!    nothing may start that would take anything it still needs, so it starts at the latest when
//!    everything has ended that was running when it reserved.
//! 4. Every action that was made ready ends in exactly one of: done, given up, dropped.

pub mod capacity;
pub mod limits;
pub mod priorities;
pub mod scheduler;

#[cfg(test)]
mod properties;
