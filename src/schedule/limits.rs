//! Named bounds of the scheduler.

use std::time::Duration;

/// Wait before the first retry; it doubles with each further one. One second lets a passing
/// trouble (a busy file server, a licence about to be returned) pass without a person noticing.
pub const FIRST_RETRY_DELAY: Duration = Duration::from_secs(1);

/// The longest wait before a retry, because a build that seems to hang gets interrupted.
pub const LONGEST_RETRY_DELAY: Duration = Duration::from_secs(60);

/// How many classes of waiting actions (equal resources) are looked at for one start. Real builds
/// have a handful; the bound keeps a recipe that computes other resources for every item from
/// making each start linear in the number of actions.
pub const CLASSES_PER_START: usize = 1000;

/// How often an action that does not fit may be overtaken, for each core of the machine: about
/// one full change of everything that runs.
pub const OVERTAKES_PER_CORE: u32 = 1;
