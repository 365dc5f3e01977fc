//! Failures, skips and interrupts: what does not go on.

use crate::engine::build::{Interrupt, Observer};
use crate::engine::error::EngineError;
use crate::engine::running::{Running, State};
use crate::execute::local::Stop;
use crate::graph::ActionId;
use crate::model::event::BuildEvent;
use crate::schedule::scheduler::Event;

impl Running<'_> {
    pub(super) fn give_up(
        &mut self,
        action: ActionId,
        observer: &mut dyn Observer,
    ) -> Result<(), EngineError> {
        if self.states[action.index()] != State::Active {
            return Ok(());
        }
        self.states[action.index()] = State::Failed;
        self.open -= 1;
        self.summary.failed += 1;
        let label = self.scope.loaded.graph.label(action);
        self.summary.failures.push(label.clone());
        self.skip_downstream(action, &format!("`{label}` failed"), observer);
        if !self.hands.keep_going && self.interrupts == 0 {
            self.step(Event::StopStarting, observer)?;
            self.skip_waiting(&format!("`{label}` failed"), observer);
        }
        self.skip_if_stopped(observer);
        Ok(())
    }

    pub(super) fn skip_downstream(
        &mut self,
        action: ActionId,
        because: &str,
        observer: &mut dyn Observer,
    ) {
        let mut next: Vec<ActionId> = self.scope.loaded.graph.downstream(action).collect();
        while let Some(down) = next.pop() {
            if self.states[down.index()] == State::Waiting {
                self.skip(down, because, observer);
                next.extend(self.scope.loaded.graph.downstream(down));
            }
        }
    }

    pub(super) fn skip(&mut self, action: ActionId, because: &str, observer: &mut dyn Observer) {
        if !matches!(self.states[action.index()], State::Waiting | State::Active) {
            return;
        }
        self.states[action.index()] = State::Skipped;
        self.open -= 1;
        self.summary.skipped += 1;
        let action = self.action_ref(action);
        observer.event(&BuildEvent::ActionSkipped { action, because: because.to_owned() });
    }

    pub(super) fn skip_waiting(&mut self, because: &str, observer: &mut dyn Observer) {
        for action in self.survey.needed.clone() {
            if self.states[action.index()] == State::Waiting {
                self.skip(action, because, observer);
            }
        }
    }

    pub(super) fn skip_if_stopped(&mut self, observer: &mut dyn Observer) {
        if self.interrupts > 0 {
            self.skip_waiting("the build was stopped", observer);
        }
    }

    pub(super) fn interrupt(
        &mut self,
        interrupt: Interrupt,
        observer: &mut dyn Observer,
    ) -> Result<(), EngineError> {
        self.interrupts += 1;
        self.summary.interrupted = true;
        let signal = interrupt.name().to_owned();
        observer.event(&BuildEvent::Stopping { signal, running: self.live.len() });
        if self.interrupts == 1 {
            self.hands.local.stop_all(Stop::Gently);
            self.step(Event::StopStarting, observer)?;
            self.skip_if_stopped(observer);
        } else if interrupt == Interrupt::Keyboard {
            self.hands.local.stop_all(Stop::AtOnce);
        }
        Ok(())
    }
}
