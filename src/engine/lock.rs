//! The project's lock: waited for, with a word about who holds it.

use std::time::Instant;

use crate::engine::build::{Observer, now_ms};
use crate::engine::error::EngineError;
use crate::engine::limits;
use crate::engine::project::{Project, Request};
use crate::fsio::lock::{LockAttempt, Owner, ProjectLock};
use crate::fsio::tree::Tree;
use crate::model::event::BuildEvent;
use crate::model::stamp::Kind;

/// Makes the state directory, with a note that keeps it out of version control and backups.
pub(super) fn prepare_state(tree: &Tree, project: &Project) -> Result<(), EngineError> {
    let state = project.shown(&project.state);
    if tree.kind(&state).ok() == Some(Kind::Directory) {
        return Ok(());
    }
    tree.create_dir_all(&state)?;
    tree.write_cache(&format!("{state}/.gitignore"), b"*\n")?;
    let tag = "Signature: 8a477f597d28d172789f06886806bc55\n\
               # The state of an attpc project; see https://bford.info/cachedir/\n";
    tree.write_cache(&format!("{state}/CACHEDIR.TAG"), tag.as_bytes())?;
    Ok(())
}

/// Gets the lock, or says who holds it and waits or leaves as asked.
pub(super) fn acquire(
    project: &Project,
    request: &Request,
    observer: &mut dyn Observer,
) -> Result<ProjectLock, EngineError> {
    let owner = Owner::this_process(request.user.clone(), request.command_line.clone(), now_ms());
    let started = Instant::now();
    let mut told = None;
    loop {
        let holder = match ProjectLock::acquire(project.lock(), &owner)? {
            LockAttempt::Held(lock) => return Ok(lock),
            LockAttempt::Busy(holder) => holder.map_or_else(
                || "somebody who has not written down who they are".to_owned(),
                |holder| describe(&holder),
            ),
        };
        if request.no_wait {
            return Err(EngineError::Locked { holder });
        }
        let seconds = started.elapsed().as_secs();
        if told != Some(seconds) {
            told = Some(seconds);
            observer.event(&BuildEvent::Waiting { holder, seconds });
        }
        observer.tick();
        std::thread::sleep(limits::LOCK_POLL);
    }
}

/// Who holds a lock, in words.
pub fn describe(owner: &Owner) -> String {
    format!("process {} of {} on {} (`{}`)", owner.pid, owner.user, owner.host, owner.command)
}

/// Who builds in a project now; `None` when nobody does.
pub fn holder(project: &Project) -> Option<Owner> {
    crate::fsio::lock::holder(project.lock())
}
